"""The cost of an operation: one per object, and the price of each upstream call.

A document is priced once, except for what its variables say: the lengths of lists and the sizes of pages. So a
request pays for the card numbers that it names. A list whose length only a look-up tells is assumed to have ten
items; `graph.graphql.bill` corrects the price when it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import IntValueNode, ListTypeNode, ListValueNode, NonNullTypeNode, VariableNode

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from graphql import FieldNode, GraphQLField, TypeNode, ValueNode, VariableDefinitionNode

    from graph.graphql.fields import Origins

SATURATED: Final = 2**31 - 1
"""Counters stop here: nested fragments could make them astronomically large."""
ASSUMED_SIZE: Final = 10
"""The length of a list until it is known."""
INTROSPECTION_FIELDS: Final = 10
"""Fields of introspection that cost as much as one object."""
CHARACTERS: Final = 100
"""Characters of an unknown document that cost as much as one object."""
SCHEMA_COST: Final = 10
"""The cost of the whole schema as SDL: about that of the introspection query it replaces."""
COST: Final = "cost"
"""The key of a `FieldCost` in a field's extensions, or of one for each origin of its type."""
ORIGINS: Final = "origins"
"""The key of the origins that a field leads to, for each origin of its type."""
_MAX_TERMS: Final = 1_000


@dataclass(frozen=True, slots=True)
class FieldCost:
    """The cost of one field without its selection, and its size: how often the selection is made."""

    once: int = 0
    each: int = 0
    """Times the size."""
    size: int | None = 1
    """None if a record names the keys that are looked up, so that their number is assumed."""
    items: str | None = None
    """The argument whose length is the size."""
    amount: str | None = None
    """The argument whose value is the size."""
    listed: bool = False
    """Whether each is a list of its own, whose length is assumed."""
    item: int = 0
    """For each item of such a list."""
    by_way_of: tuple[str, int] | None = None
    """The name and the price of another answer that has the field. All fields of an object share it."""


OBJECT: Final = FieldCost(each=1)


class ListId(NamedTuple):
    """A list of assumed length in a document."""

    start: int
    """Where its field begins in the text."""
    of_keys: bool
    """Whether it is the list of keys that the field looks up, rather than a list within an answer."""


class Factor(NamedTuple):
    """A number that a request's variable decides."""

    variable: str
    is_amount: bool
    """Whether it is the variable's value rather than its length."""
    otherwise: int = 0
    """Used if the variable has no value."""

    def of(self, value: Any) -> int:
        """Return the number for a variable's value, coerced or not."""
        if value is None:
            return self.otherwise
        if not self.is_amount:
            # A value that is no list is coerced to a list of one.
            return len(value) if isinstance(value, (list, tuple)) else 1
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return min(max(int(value), 0), SATURATED) if whole else self.otherwise


class Times(NamedTuple):
    """How often a selection is made: a number, times each factor."""

    number: int = 1
    factors: tuple[Factor, ...] = ()

    def multiply(self, inner: Times) -> Times:
        """Return how often a selection within this one is made."""
        number = min(self.number * inner.number, SATURATED)
        return Times(number, tuple(sorted(self.factors + inner.factors)))


ONCE: Final = Times()
_ASSUMED: Final = Times(ASSUMED_SIZE)


class ListLevel(NamedTuple):
    """One level of lists of a field."""

    cost: int
    """The cost of each item, without its selection."""
    times: Times
    """How many items there are."""
    assumed: ListId | None
    """The list, if this is not its real length."""


class Price:
    """A sum of costs, some of them times factors."""

    __slots__ = ("_terms",)

    def __init__(self) -> None:
        self._terms: dict[tuple[Factor, ...], int] = {}

    def add(self, cost: int, times: Times = ONCE) -> None:
        """Add a cost."""
        if not cost:
            return
        factors, cost = times.factors, cost * times.number
        if factors not in self._terms and len(self._terms) >= _MAX_TERMS:
            # So many combinations of nested lists cost more than any request may.
            factors, cost = (), SATURATED
        self._terms[factors] = min(self._terms.get(factors, 0) + cost, SATURATED)

    def add_all(self, other: Price, times: Times = ONCE) -> None:
        """Add every cost of another price."""
        for factors, cost in other._terms.items():
            self.add(cost, times.multiply(Times(1, factors)))

    def at(self, numbers: Mapping[Factor, int]) -> int:
        """Return the sum for these values of the factors."""
        total = 0
        for factors, cost in self._terms.items():
            term = cost
            for factor in factors:
                term = min(term * numbers[factor], SATURATED)
            total += term
        return min(total, SATURATED)

    @property
    def fixed(self) -> int:
        """The part without factors."""
        return self._terms.get((), 0)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """All factors."""
        return tuple(dict.fromkeys(factor for factors in self._terms for factor in factors))


def cost_of(field: GraphQLField | None, origin: Hashable) -> FieldCost:
    """Return the cost of a field of an object with this origin."""
    cost = None if field is None else field.extensions.get(COST)
    if isinstance(cost, dict):
        cost = cost.get(origin)
    return cost or OBJECT


def origins_of(field: GraphQLField | None, origin: Hashable) -> Origins:
    """Return the origins that a field of an object with this origin leads to."""
    origins: Mapping[Hashable, Origins] = {} if field is None else field.extensions.get(ORIGINS, {})
    # A field of a single origin leads to the same whatever is known of its object.
    return next(iter(origins.values())) if len(origins) == 1 else origins.get(origin, {})


def levels_of(cost: FieldCost, field: GraphQLField | None, node: FieldNode) -> list[ListLevel]:
    """Return the levels of lists of a field, the innermost of which holds its selection."""
    start = node.loc.start if node.loc else 0
    if cost.size is None:
        levels = [ListLevel(cost.each, _ASSUMED, ListId(start, of_keys=True))]
    else:
        levels = [ListLevel(cost.each, _size(cost, cost.size, field, node), None)]
    if cost.listed:
        levels.append(ListLevel(cost.item, _ASSUMED, ListId(start, of_keys=False)))
    return levels


def _size(cost: FieldCost, size: int, field: GraphQLField | None, node: FieldNode) -> Times:
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if cost.items is not None:
        return _items(given.get(cost.items))
    if cost.amount is not None and field is not None:
        return _amount(given.get(cost.amount), field.args[cost.amount].default_value)
    return Times(size)


def default_numbers(definitions: tuple[VariableDefinitionNode, ...] | None) -> dict[str, Any]:
    """Return, for each variable with a default, a number or list that a `Factor` reads as it would the default."""
    return {
        definition.variable.name.value: _default(definition.default_value, definition.type)
        for definition in definitions or ()
        if definition.default_value is not None
    }


def _default(value: ValueNode, kind: TypeNode) -> Any:
    if isinstance(kind, NonNullTypeNode):
        kind = kind.type
    if isinstance(kind, ListTypeNode):
        return [None] * _items(value).number
    return _whole(value.value) if isinstance(value, IntValueNode) else None


def _items(value: ValueNode | None) -> Times:
    if isinstance(value, VariableNode):
        return Times(1, (Factor(value.name.value, is_amount=False),))
    return Times(len(value.values)) if isinstance(value, ListValueNode) else ONCE


def _amount(value: ValueNode | None, default: Any) -> Times:
    otherwise = default if isinstance(default, int) else ASSUMED_SIZE
    if isinstance(value, VariableNode):
        return Times(1, (Factor(value.name.value, is_amount=True, otherwise=otherwise),))
    return Times(_whole(value.value) if isinstance(value, IntValueNode) else otherwise)


def _whole(digits: str) -> int:
    # Not validated yet: Python refuses to read thousands of digits.
    return min(max(int(digits), 0), SATURATED) if len(digits) <= len(str(SATURATED)) else SATURATED
