"""Parsed and validated documents, and a bounded cache of them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from graphql import GraphQLError, GraphQLSyntaxError, OperationDefinitionNode, TypeInfo, parse

from graph.errors import GatewayError
from graph.graphql.analysis import analyse
from graph.graphql.cache import SieveCache
from graph.graphql.coordinates import Coordinates
from graph.graphql.cost import CHARACTERS, default_numbers
from graph.graphql.errors import DocumentError, introspection_refused, limit_exceeded
from graph.graphql.limits import DocumentLimits, check
from graph.graphql.literals import declare, hoist, put_back
from graph.graphql.operation import Document, Operation, Resolved
from graph.graphql.validation import validate
from graph.redact import holds_card_number
from graph.security.authorization import Scope
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema

    from graph.graphql.analysis import Analysis
    from graph.graphql.coordinates import Named
    from graph.graphql.literals import Hoisted

    # Skeletons are keyed by a tuple, so that a client's text can never match one.
    _Key: TypeAlias = str | tuple[str]


def must_not_be_kept(text: str) -> bool:
    """Whether a document could hold a card number, and must neither be kept nor hashed.

    Digits anywhere may be a card number: in a literal, a default, an alias, a comment. Escapes may hide its
    digits.
    """
    return "\\u" in text or holds_card_number(text)


class Documents:
    """Parses, validates and caches documents.

    A document that may hold a card number is never cached: it would stay in memory, and evict useful ones. If its
    card numbers can be hoisted, the skeleton that is left is cached.
    """

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        self.schema: Final = schema
        self._limits = limits
        self._introspection = introspection
        self._cache: SieveCache[_Key, Resolved] = SieveCache(limits.cached, limits.cached_characters)
        self.hits = 0
        self.misses = 0

    def cost(self, text: str) -> int:
        """Return the cost of parsing a document. One that is too long costs nothing: it is not parsed."""
        return len(text) // CHARACTERS if len(text) <= self._limits.characters else 0

    def known(self, text: str) -> Resolved | None:
        """Return the cached document with this text, or that of its cached skeleton."""
        found = self._cache.get(text)
        if found is None:
            hoisted = self._hoisted(text)
            skeleton = None if hoisted is None else self._cache.get((hoisted.skeleton,))
            if hoisted is None or skeleton is None:
                return None
            found = Resolved(skeleton.document, hoisted.card_nos)
        self.hits += 1
        return found

    def resolve(self, text: str, *, introspection: bool = True) -> Resolved:
        """Return the document with this text, cached or not.

        Args:
            text: the document.
            introspection: whether the viewer may query the schema; cached documents are for every viewer.

        Raises:
            DocumentError: when it exceeds a limit, cannot be parsed or does not fit the schema.
        """
        found = self.known(text)
        if found is None:
            self.misses += 1
            found = self._read_hoisted(text, introspection=introspection)
        if found is None:
            found = Resolved(self.read(text, introspection=introspection))
            self._keep(text, found)
        return found

    def read(self, text: str, *, introspection: bool = True) -> Document:
        """Parse and validate a document as it is, bypassing the cache.

        Raises:
            DocumentError: as `resolve`.
        """
        node = self._parse(text, self._limits.tokens)
        return self._document(node, self._checked(node, introspection=introspection), text)

    def __len__(self) -> int:
        return len(self._cache)

    def _keep(self, key: _Key, resolved: Resolved) -> None:
        if resolved.document.sha256 is not None:
            self._cache.put(key, resolved, len(key if isinstance(key, str) else key[0]))

    def _hoisted(self, text: str) -> Hoisted | None:
        hoisted = hoist(text) if len(text) <= self._limits.characters else None
        # A number inside a longer literal stays in the skeleton.
        return None if hoisted is None or must_not_be_kept(hoisted.skeleton) else hoisted

    def _read_hoisted(self, text: str, *, introspection: bool) -> Resolved | None:
        """Validate a document with card numbers, and cache its skeleton; None if there is no valid skeleton."""
        hoisted = self._hoisted(text)
        if hoisted is None:
            return None
        try:
            # A string is one token, and a variable is two.
            skeleton = self._parse(hoisted.skeleton, self._limits.tokens + hoisted.literals)
        except DocumentError:
            return None
        node = put_back(skeleton, hoisted.card_nos)
        checked = self._checked(node, introspection=introspection)
        declared = declare(self.schema, skeleton, hoisted.card_nos)
        if declared is None:
            return Resolved(self._document(node, checked, text))
        document = self._document(declared, checked, hoisted.skeleton)
        self._keep((hoisted.skeleton,), Resolved(document))
        return Resolved(document, hoisted.card_nos)

    def _checked(self, node: DocumentNode, *, introspection: bool) -> tuple[Analysis, list[Named]]:
        """Validate a document, the cheapest checks first; return its measures, and what its operations name.

        Raises:
            DocumentError: as `resolve`.
        """
        analysis = analyse(node, self.schema)
        if analysis.introspection and not self._introspection:
            raise introspection_refused(analysis.introspection)
        if analysis.introspection and not introspection:
            raise introspection_refused(analysis.introspection, needs=Scope.INTROSPECT)
        check(analysis, self._limits)
        named = Coordinates(TypeInfo(self.schema))
        errors = validate(self.schema, node, max_comparisons=self._limits.comparisons, coordinates=named)
        if errors:
            raise DocumentError(errors)
        return analysis, named.of_operations()

    def _document(self, node: DocumentNode, checked: tuple[Analysis, list[Named]], text: str) -> Document:
        analysis, named = checked
        digest = None if must_not_be_kept(text) else sha256(text.encode("utf-8")).hexdigest()
        operations: dict[str | None, Operation] = {}
        nodes = (found for found in node.definitions if isinstance(found, OperationDefinitionNode))
        for operation, (_, size), names in zip(nodes, analysis.operations, named, strict=True):
            name = operation.name.value if operation.name else None
            defaults = default_numbers(operation.variable_definitions)
            lists = analysis.lists if size.assumes else {}
            operations[name] = Operation(name, operation, size, self._limits.cost, defaults, lists, names)
        return Document(node, operations, analysis.introspection is not None, digest)

    def _parse(self, text: str, tokens: int) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.characters:
            raise limit_exceeded("length", limits.characters)
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            # `from None`: the error quotes the text.
            raise _syntax_error(error, limits) from None


def _syntax_error(error: GraphQLSyntaxError, limits: DocumentLimits) -> DocumentError:
    # graphql-core distinguishes these only by their messages; a test notices if those change.
    if f"more than {limits.tokens} tokens" in error.message:
        return limit_exceeded("tokens", limits.tokens)
    if f"more than {limits.comments} comments" in error.message:
        return limit_exceeded("comments", limits.comments)
    if "nested too deeply" in error.message:
        return limit_exceeded("depth", None)
    cause = GatewayError(ErrorCode.GRAPHQL_PARSE_FAILED)
    located = GraphQLError(cause.message, source=error.source, positions=error.positions, original_error=cause)
    return DocumentError([located])
