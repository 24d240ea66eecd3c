"""What is known of a valid document before any request, so that none of them has to find it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import FieldNode

from graph.errors import GatewayError
from graph.graphql.errors import limit_exceeded
from graph.graphql.plan.cache import Prepared
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, OperationDefinitionNode

    from graph.graphql.cost import Factor
    from graph.graphql.size import Size

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Operation:
    """One operation of a valid document, and what every request would otherwise ask of it anew."""

    name: str | None
    node: OperationDefinitionNode
    size: Size
    max_cost: int
    defaults: Mapping[str, Any]
    """The variables that have a default value, with what their factors take for it."""
    kind: str = field(init=False)
    """`query`: the word of its type."""
    shown_name: str | None = field(init=False)
    """Its name as far as logs may show it."""
    roots: str = field(init=False)
    """What it selects at the root, which says what it is about when it has no name."""
    takes_card_numbers: bool = field(init=False)
    """Whether an argument, wherever it stands, may be given a card number."""
    prepared: Prepared = field(init=False, default_factory=Prepared)
    """What is compiled of it."""
    _fixed_cost: int = field(init=False)
    _factors: tuple[Factor, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.node.operation.value
        self.shown_name = safe_name(self.name) if self.name else None
        # Names of the schema. The limits bound how many there are.
        fields = (one.name.value for one in self.node.selection_set.selections if isinstance(one, FieldNode))
        self.roots = " ".join(dict.fromkeys(fields)) or self.kind
        self.takes_card_numbers = self.size.takes_card_numbers
        self._fixed_cost = self.size.price.fixed
        self._factors = self.size.price.factors

    def cost(self, variables: Mapping[str, Any]) -> int:
        """What the operation costs with these variables, coerced or as they came.

        Raises:
            DocumentError: `QUERY_LIMIT_EXCEEDED`, when it is more than a request may cost.
        """
        cost = self._fixed_cost
        if self._factors:
            given = {**self.defaults, **variables}
            cost = self.size.price.at({factor: factor.of(given.get(factor.variable)) for factor in self._factors})
        if cost > self.max_cost:
            raise limit_exceeded("cost", self.max_cost)
        return cost


@dataclass(slots=True, eq=False)
class Document:
    """A valid document and its operations by name; an operation without a name has the name None."""

    node: DocumentNode
    operations: Mapping[str | None, Operation]
    introspects: bool
    """Whether it queries the schema, in whichever of its operations."""
    sha256: str | None
    """The hash of its text, or of what is left of it without its card numbers. None where that could hold a card
    number all the same, and must be neither kept nor hashed."""
    _only: Operation | None = field(init=False)

    def __post_init__(self) -> None:
        self._only = next(iter(self.operations.values())) if len(self.operations) == 1 else None

    def operation(self, name: str | None) -> Operation:
        """The operation that a request means.

        Raises:
            GatewayError: `BAD_REQUEST`, when there is none of that name, or no name where one is needed.
        """
        if name is None and self._only is not None:
            return self._only
        operation = self.operations.get(name)
        if operation is None:
            needed = "is needed, because the document holds several" if name is None else "names no operation"
            raise GatewayError(ErrorCode.BAD_REQUEST, f"The parameter 'operationName' {needed}.")
        return operation


class Resolved:
    """A document, and the card numbers that were taken out of this request's text of it.

    Its `repr` shows nothing of either.
    """

    __slots__ = ("document", "hoisted")

    def __init__(self, document: Document, hoisted: Mapping[str, str] = _NOTHING) -> None:
        self.document = document
        self.hoisted = hoisted
        """By the names of the variables that stand for them; these come before the client's own values."""

    def __repr__(self) -> str:
        return "Resolved(...)"
