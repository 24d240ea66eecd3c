"""Parsed and validated documents, and a bounded cache of them."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse

from graph.errors import GatewayError
from graph.execution.analysis import analyse
from graph.execution.cost import default_lengths, length_of
from graph.execution.limits import DocumentLimits, check
from graph.execution.refusals import DocumentError, limit_exceeded
from graph.execution.validation import validation_errors
from schema.errors import MESSAGES, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, GraphQLSchema

    from graph.execution.analysis import Analysis, Size

__all__ = ["Document", "DocumentError", "DocumentLimits", "Documents", "Operation", "may_hold_card_number"]

# Digits anywhere in the text may be a card number: in a literal, a default, an alias, a comment. An escape could
# spell one without showing it.
_MAY_HOLD_A_CARD_NUMBER: Final = re.compile(r"\d(?:[ \-_.]{0,3}\d){12}|\\u")


def may_hold_card_number(text: str) -> bool:
    """Whether a document could hold a card number, and must not be kept in any form, nor hashed."""
    return _MAY_HOLD_A_CARD_NUMBER.search(text) is not None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document."""

    name: str | None
    node: OperationDefinitionNode
    size: Size
    max_cost: int
    default_lengths: Mapping[str, int]
    """How many items the variables have that have a default value."""

    @property
    def takes_arguments(self) -> bool:
        """Whether a root field takes an argument, and so may be given a card number."""
        return self.size.takes_arguments

    @property
    def introspects(self) -> bool:
        """Whether it queries the schema."""
        return self.size.introspection_fields > 0

    def cost(self, variables: Mapping[str, Any]) -> int:
        """What the operation costs with these variables, coerced or as they came.

        Raises:
            DocumentError: `QUERY_LIMIT_EXCEEDED`, when it is more than a request may cost.
        """
        price, defaults = self.size.price, self.default_lengths
        lengths = {
            name: length_of(variables[name]) if name in variables else defaults.get(name, 0)
            for name in price.variables
        }
        cost = price.at(lengths)
        if cost > self.max_cost:
            raise limit_exceeded("cost", self.max_cost)
        return cost


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and its operations by name; an operation without a name has the name None."""

    node: DocumentNode
    operations: Mapping[str | None, Operation]
    sha256: str | None
    """The hash of its text; None where it could hold a card number, and must be neither kept nor hashed."""

    def operation(self, name: str | None) -> Operation:
        """The operation that a request means.

        Raises:
            GatewayError: `BAD_REQUEST`, when there is none of that name, or no name where one is needed.
        """
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        operation = self.operations.get(name)
        if operation is None:
            needed = "is needed, because the document holds several" if name is None else "names no operation"
            raise GatewayError(ErrorCode.BAD_REQUEST, f"The parameter 'operationName' {needed}.")
        return operation


class Documents:
    """Parses and validates documents, and remembers the valid ones.

    A document that may hold a card number is never remembered: it would stay in memory, and as every such text is
    new it would drive out the useful ones.
    """

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._cache: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0
        self.hits = 0
        self.misses = 0

    def get(self, text: str) -> Document:
        """The document of a text.

        Raises:
            DocumentError: when it exceeds a limit, cannot be parsed or does not fit the schema.
        """
        cached = self._cache.get(text)
        if cached is not None:
            self.hits += 1
            self._cache.move_to_end(text)
            return cached
        self.misses += 1
        document = self.read(text)
        if document.sha256 is not None:
            self._remember(text, document)
        return document

    def read(self, text: str) -> Document:
        """The document of a text, without the cache.

        Raises:
            DocumentError: as `get`.
        """
        node = self._parse(text)
        analysis = analyse(node, self._schema)
        check(analysis, self._limits)
        errors = validation_errors(self._schema, node, introspection=self._introspection)
        if errors:
            raise DocumentError(errors)
        # Hashed once for each document that is kept, not for each request.
        digest = None if may_hold_card_number(text) else sha256(text.encode("utf-8")).hexdigest()
        return Document(node, dict(self._operations(analysis)), digest)

    def __len__(self) -> int:
        return len(self._cache)

    def _remember(self, text: str, document: Document) -> None:
        self._cache[text] = document
        self._characters += len(text)
        while len(self._cache) > self._limits.cached or self._characters > self._limits.cached_characters:
            oldest, _ = self._cache.popitem(last=False)
            self._characters -= len(oldest)

    def _operations(self, analysis: Analysis) -> Iterator[tuple[str | None, Operation]]:
        for node, size in analysis.operations:
            if node.operation is OperationType.QUERY:
                name = node.name.value if node.name else None
                lengths = default_lengths(node.variable_definitions)
                yield name, Operation(name, node, size, self._limits.cost, lengths)

    def _parse(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.characters:
            raise limit_exceeded("length", limits.characters)
        try:
            return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
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
