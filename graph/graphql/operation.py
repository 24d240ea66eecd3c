"""Valid documents and their operations, with what is computed once for all requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import FieldNode

from graph.graphql.errors import limit_exceeded
from graph.graphql.plan.cache import Prepared
from graph.graphql.request import MalformedRequestError
from graph.redact import safe_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import DocumentNode, OperationDefinitionNode

    from graph.graphql.coordinates import Named
    from graph.graphql.cost import Factor, ListId, Price
    from graph.graphql.size import Size


@dataclass(slots=True, eq=False)
class Operation:
    """One operation of a valid document."""

    name: str | None
    node: OperationDefinitionNode
    size: Size
    max_cost: int
    defaults: Mapping[str, Any]
    """Stand-ins for the variables' default values, see `default_numbers`."""
    lists: Mapping[ListId, Sequence[Price]]
    """The price of one item of each list of assumed length, see `Analysis`; empty if this operation has none."""
    named: Named
    """What it names of the schema."""
    kind: str = field(init=False)
    """Its type: `query`."""
    shown_name: str | None = field(init=False)
    """Its name, as logs may show it."""
    roots: str = field(init=False)
    """Its root fields, which identify it if it has no name."""
    prepared: Prepared = field(init=False, default_factory=Prepared)
    """Its compiled plans."""
    _fixed_cost: int = field(init=False)
    _factors: tuple[Factor, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.node.operation.value
        self.shown_name = safe_name(self.name) if self.name else None
        fields = (one.name.value for one in self.node.selection_set.selections if isinstance(one, FieldNode))
        self.roots = " ".join(dict.fromkeys(fields)) or self.kind
        self._fixed_cost = self.size.price.fixed
        self._factors = self.size.price.factors

    def cost(self, variables: Mapping[str, Any]) -> int:
        """Return the cost with these variables, coerced or not.

        Raises:
            DocumentError: `QUERY_LIMIT_EXCEEDED`, when a request may not cost as much.
        """
        cost = self._fixed_cost
        if self._factors:
            cost = self._at(self.size.price, self._factors, variables)
        if cost > self.max_cost:
            raise limit_exceeded("cost", self.max_cost)
        return cost

    def item_costs(self, of: ListId, variables: Mapping[str, Any]) -> list[int]:
        """Return what one item of a list of assumed length may cost; lists within it have the assumed length."""
        return [self._at(price, price.factors, variables) for price in self.lists[of]]

    def _at(self, price: Price, factors: tuple[Factor, ...], variables: Mapping[str, Any]) -> int:
        given = {**self.defaults, **variables}
        return price.at({factor: factor.of(given.get(factor.variable)) for factor in factors})


@dataclass(slots=True, eq=False)
class Document:
    """A valid document, and its operations by name; an anonymous one has the name None."""

    node: DocumentNode
    operations: Mapping[str | None, Operation]
    introspects: bool
    """Whether any operation queries the schema."""
    sha256: str | None
    """The hash of its text or skeleton; None if that could hold a card number, see `must_not_be_kept`."""
    clients: tuple[str, ...] = ()
    """The clients that have it in their manifests: name and version."""
    _only: Operation | None = field(init=False)

    def __post_init__(self) -> None:
        self._only = next(iter(self.operations.values())) if len(self.operations) == 1 else None

    def operation(self, name: str | None) -> Operation:
        """Return the operation of a request.

        Raises:
            MalformedRequestError: when no operation has the name, or a name is needed and missing.
        """
        if name is None and self._only is not None:
            return self._only
        operation = self.operations.get(name)
        if operation is None:
            needed = "is needed, because the document holds several" if name is None else "names no operation"
            raise MalformedRequestError(f"The parameter 'operationName' {needed}.")
        return operation


@dataclass(slots=True, eq=False, repr=False)
class Resolved:
    """A document, and the card numbers that were hoisted from the request's text.

    It is no tuple, which whatever formats or serializes it would print.
    """

    document: Document
    hoisted: Mapping[str, str] = field(default_factory=dict)
    """By their variables' names. They take precedence over the client's variables."""

    def __repr__(self) -> str:
        return "Resolved(...)"
