"""The limits of a document. An error names the limit and its maximum, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from graph.graphql.errors import limit_exceeded

if TYPE_CHECKING:
    from graph.graphql.analysis import Analysis
    from graph.graphql.size import Size


_MAX_SCALE: Final = 10.0


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The limits of one document and of the cache.

    `body_bytes` limits the request; `characters`, `tokens`, `comments`, `operations` and `comparisons` limit the
    document; `cached` and `cached_characters` limit the cache. The others limit each operation, with its fragments
    expanded.
    """

    # Room for the longest document and its variables.
    body_bytes: int = 64 * 1024
    # graphql-armor allows 15,000 characters and 1,000 tokens.
    characters: int = 15_000
    tokens: int = 600
    comments: int = 100
    # The deepest useful operation of this schema has five levels.
    depth: int = 8
    aliases: int = 15
    root_fields: int = 10
    fields: int = 200
    # No operation of a client that we know has more than one for each field of a card.
    directives: int = 20
    # Code generators write at most this many into one document.
    operations: int = 10
    # The full introspection query of graphql-js stays within both.
    introspection_depth: int = 20
    introspection_fields: int = 1_000
    # Validation rules walk this deep without exhausting the stack.
    nesting: int = 200
    # Comparisons of fields to be merged. GraphiQL's introspection query needs less than a hundred.
    comparisons: int = 1_000
    cost: int = 1_000
    # Clients have tens of documents; the characters bound the memory.
    cached: int = 1_000
    # Parsed documents are hundreds of objects per kilobyte, which every full garbage collection walks.
    cached_characters: int = 300_000

    @classmethod
    def for_root_fields(cls, root_fields: int, cost: int) -> Self:
        """Return the limits for a number of root fields.

        Above the default, limits that root fields count towards grow in proportion, up to tenfold: whatever the
        number, a request stays small.
        """
        default = cls()
        scale = min(max(1.0, root_fields / default.root_fields), _MAX_SCALE)
        return replace(
            default,
            body_bytes=int(scale * default.body_bytes),
            characters=int(scale * default.characters),
            tokens=int(scale * default.tokens),
            aliases=int(scale * default.aliases),
            root_fields=root_fields,
            fields=int(scale * default.fields),
            cost=cost,
        )


_MEASURES: Final = {
    "depth": "depth",
    "aliases": "aliases",
    "root_fields": "rootFields",
    "fields": "fields",
    "directives": "directives",
    "introspection_depth": "introspectionDepth",
    "introspection_fields": "introspectionFields",
}
"""The attributes of a `Size`, and what clients call them."""


def check(analysis: Analysis, limits: DocumentLimits) -> None:
    """Refuse a document that is too large.

    Raises:
        DocumentError: `QUERY_LIMIT_EXCEEDED`, for the first limit that is exceeded.
    """
    if len(analysis.operations) > limits.operations:
        raise limit_exceeded("operations", limits.operations)
    for _, size in analysis.operations:
        _check(size, limits)
    # Unused fragments are validated, too, before they are refused, but have no root fields to count.
    for size in analysis.unused:
        _check(replace(size, root_fields=0), limits)
    if analysis.comparisons > limits.comparisons:
        raise limit_exceeded("comparisons", limits.comparisons)
    # A document is fine if any of its operations is affordable. `Operation.cost` adds what variables say.
    if analysis.operations and all(size.price.fixed > limits.cost for _, size in analysis.operations):
        raise limit_exceeded("cost", limits.cost)


def _check(size: Size, limits: DocumentLimits) -> None:
    if size.nesting > limits.nesting:
        raise limit_exceeded("depth", None)
    for attribute, name in _MEASURES.items():
        maximum = getattr(limits, attribute)
        if getattr(size, attribute) > maximum:
            raise limit_exceeded(name, maximum)
