"""Parsed and validated documents, and a bounded cache of them."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    parse,
)

from graph.errors import GatewayError
from graph.execution.validation import validation_errors
from schema.errors import MESSAGES, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, GraphQLSchema, SelectionSetNode

# Digits anywhere in the text may be a card number: in a literal, a default, an alias, a comment. An escape could
# spell one without showing it.
_MAY_HOLD_A_CARD_NUMBER: Final = re.compile(r"\d(?:[ \-_]?\d){12}|\\u")


class DocumentError(Exception):
    """A document that cannot be executed. `errors` are ready to be presented."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds of one document and of the cache."""

    characters: int = 15_000
    tokens: int = 600
    comments: int = 100
    cached: int = 1_000
    cached_characters: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document."""

    name: str | None
    node: OperationDefinitionNode
    takes_arguments: bool
    """Whether a root field takes an argument, and so may be given a card number."""


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and its operations by name; an operation without a name has the name None."""

    node: DocumentNode
    operations: Mapping[str | None, Operation]

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
        document = self._read(text)
        if not _MAY_HOLD_A_CARD_NUMBER.search(text):
            self._remember(text, document)
        return document

    def __len__(self) -> int:
        return len(self._cache)

    def _remember(self, text: str, document: Document) -> None:
        self._cache[text] = document
        self._characters += len(text)
        while len(self._cache) > self._limits.cached or self._characters > self._limits.cached_characters:
            oldest, _ = self._cache.popitem(last=False)
            self._characters -= len(oldest)

    def _read(self, text: str) -> Document:
        node = self._parse(text)
        errors = validation_errors(self._schema, node, introspection=self._introspection)
        if errors:
            raise DocumentError(errors)
        return Document(node, dict(_operations(node)))

    def _parse(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.characters:
            raise _limit_exceeded("length", limits.characters)
        try:
            return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            # `from None`: the error quotes the text around its position.
            raise _syntax_error(error, limits) from None


def _syntax_error(error: GraphQLSyntaxError, limits: DocumentLimits) -> DocumentError:
    # graphql-core tells these apart by their words alone; a test notices when the words change.
    if f"more than {limits.tokens} tokens" in error.message:
        return _limit_exceeded("tokens", limits.tokens)
    if f"more than {limits.comments} comments" in error.message:
        return _limit_exceeded("comments", limits.comments)
    if "nested too deeply" in error.message:
        return _limit_exceeded("depth", None)
    cause = GatewayError(ErrorCode.GRAPHQL_PARSE_FAILED)
    located = GraphQLError(
        MESSAGES[ErrorCode.GRAPHQL_PARSE_FAILED],
        source=error.source,
        positions=error.positions,
        original_error=cause,
    )
    return DocumentError([located])


def _limit_exceeded(limit: str, maximum: int | None) -> DocumentError:
    extensions: dict[str, str | int] = {"limit": limit}
    if maximum is not None:
        extensions["maximum"] = maximum
    cause = GatewayError(
        ErrorCode.QUERY_LIMIT_EXCEEDED, f"The document exceeds the limit of its {limit}.", **extensions
    )
    return DocumentError([GraphQLError(cause.message, original_error=cause)])


def _operations(document: DocumentNode) -> Iterator[tuple[str | None, Operation]]:
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.QUERY:
            name = definition.name.value if definition.name else None
            takes_arguments = any(
                field.arguments and not field.name.value.startswith("__")
                for field in _root_fields(definition.selection_set, fragments)
            )
            yield name, Operation(name, definition, takes_arguments)


def _root_fields(root: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """The fields of a selection set and of the fragments in it; each fragment is walked once."""
    seen: set[str] = set()
    pending = [root]
    while pending:
        for selection in pending.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                pending.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                seen.add(selection.name.value)
                pending.append(fragments[selection.name.value].selection_set)
