"""Parsed and validated documents, and a bounded cache of them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from graphql import GraphQLError, GraphQLSyntaxError, OperationType, parse

from graph.errors import GatewayError
from graph.execution.analysis import analyse
from graph.execution.cache import SieveCache
from graph.execution.cost import default_lengths
from graph.execution.hoisting import declare, hoist
from graph.execution.limits import DocumentLimits, check
from graph.execution.operation import Document, Operation, Resolved
from graph.execution.refusals import DocumentError, limit_exceeded
from graph.execution.validation import validation_errors
from graph.redact import holds_card_number
from schema.errors import MESSAGES, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, GraphQLSchema

    from graph.execution.analysis import Analysis
    from graph.execution.hoisting import Hoisted

    # A skeleton is a key of another kind than a text: what a client sends must not be taken for a skeleton.
    _Key: TypeAlias = str | tuple[str]

__all__ = [
    "Document",
    "DocumentError",
    "DocumentLimits",
    "Documents",
    "Operation",
    "Resolved",
    "may_hold_card_number",
]

_REFUSED_SKELETONS: Final = 256
_REFUSED_CHARACTERS: Final = 1_000_000


def may_hold_card_number(text: str) -> bool:
    """Whether a document could hold a card number, and must not be kept in any form, nor hashed.

    Digits anywhere in it may be one: in a literal, a default, an alias, a comment. An escape could spell
    any part of one, whatever stands around it.
    """
    return "\\u" in text or holds_card_number(text)


class Documents:
    """Parses and validates documents, and remembers the valid ones.

    A text that may hold a card number is never remembered: it would stay in memory, and as every such text is new
    it would drive out the useful ones. Where its numbers can be taken out of it, what is left is remembered.
    """

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._cache: SieveCache[_Key, Resolved] = SieveCache(limits.cached, limits.cached_characters)
        # Skeletons that are not valid or stand for a document that must be read as it is. A new one costs up to
        # twice what its text alone does, but once: without this, a client could make every request cost that.
        self._refused: SieveCache[str, bool] = SieveCache(_REFUSED_SKELETONS, _REFUSED_CHARACTERS)
        self.hits = 0
        self.misses = 0

    def resolve(self, text: str) -> Resolved:
        """The document of a text, without the card numbers that stand in it as literals.

        It is valid, and costs and gives, what it would with them.

        Raises:
            DocumentError: when it exceeds a limit, cannot be parsed or does not fit the schema.
        """
        found = self._cache.get(text)
        if found is not None:
            self.hits += 1
            return found
        hoisted = hoist(text) if len(text) <= self._limits.characters else None
        if hoisted is not None:
            document = self._skeleton(hoisted)
            if document is not None:
                return Resolved(document, hoisted.card_nos)
        return self._plain(text)

    def get(self, text: str) -> Document:
        """The document of a text as it stands: whatever literals it has, it keeps.

        Raises:
            DocumentError: as `resolve`.
        """
        found = self._cache.get(text)
        if found is None:
            return self._plain(text).document
        self.hits += 1
        return found.document

    def read(self, text: str) -> Document:
        """The document of a text as it stands, without the cache.

        Raises:
            DocumentError: as `resolve`.
        """
        return self._checked(self._parse(text, self._limits.tokens), text)

    def __len__(self) -> int:
        return len(self._cache)

    def _plain(self, text: str) -> Resolved:
        self.misses += 1
        resolved = Resolved(self.read(text))
        if resolved.document.sha256 is not None:
            self._cache.put(text, resolved, len(text))
        return resolved

    def _skeleton(self, hoisted: Hoisted) -> Document | None:
        """The document of a skeleton, or None where the text must be read as it is.

        A skeleton is invalid where its text is, and in places where a variable may not be; the text alone tells
        which, and what the errors are.
        """
        skeleton = hoisted.skeleton
        found = self._cache.get((skeleton,))
        if found is not None:
            self.hits += 1
            return found.document
        if self._refused.get(skeleton) or may_hold_card_number(skeleton):
            return None
        document = self._read_skeleton(hoisted)
        if document is None:
            self._refused.put(skeleton, value=True, characters=len(skeleton))
            return None
        self.misses += 1
        self._cache.put((skeleton,), Resolved(document), len(skeleton))
        return document

    def _read_skeleton(self, hoisted: Hoisted) -> Document | None:
        try:
            # A string is one token, and a variable is two.
            node = self._parse(hoisted.skeleton, self._limits.tokens + hoisted.literals)
            declared = declare(node, hoisted.card_nos)
            return None if declared is None else self._checked(declared, hoisted.skeleton)
        except DocumentError:
            return None

    def _checked(self, node: DocumentNode, text: str) -> Document:
        analysis = analyse(node, self._schema)
        check(analysis, self._limits)
        errors = validation_errors(self._schema, node, introspection=self._introspection)
        if errors:
            raise DocumentError(errors)
        # Hashed once for each document that is kept, not for each request.
        digest = None if may_hold_card_number(text) else sha256(text.encode("utf-8")).hexdigest()
        return Document(node, dict(self._operations(analysis)), digest)

    def _operations(self, analysis: Analysis) -> Iterator[tuple[str | None, Operation]]:
        for node, size in analysis.operations:
            if node.operation is OperationType.QUERY:
                name = node.name.value if node.name else None
                lengths = default_lengths(node.variable_definitions)
                yield name, Operation(name, node, size, self._limits.cost, lengths)

    def _parse(self, text: str, tokens: int) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.characters:
            raise limit_exceeded("length", limits.characters)
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            # `from None`: the error quotes the text around its position.
            raise _syntax_error(error, limits) from None


def _syntax_error(error: GraphQLSyntaxError, limits: DocumentLimits) -> DocumentError:
    # graphql-core tells these apart by their words alone; a test notices when the words change.
    if f"more than {limits.tokens} tokens" in error.message:
        return limit_exceeded("tokens", limits.tokens)
    if f"more than {limits.comments} comments" in error.message:
        return limit_exceeded("comments", limits.comments)
    if "nested too deeply" in error.message:
        return limit_exceeded("depth", None)
    cause = GatewayError(ErrorCode.GRAPHQL_PARSE_FAILED)
    located = GraphQLError(
        MESSAGES[ErrorCode.GRAPHQL_PARSE_FAILED],
        source=error.source,
        positions=error.positions,
        original_error=cause,
    )
    return DocumentError([located])
