"""What an operation costs: one for an object, and the price of each upstream call.

The price of a document is worked out once. Only what its variables say is left open: the lengths of lists, and how
many items a page shall have. So a request pays for the card numbers that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NonNullTypeNode,
    VariableNode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FieldNode, GraphQLNamedType, TypeNode, ValueNode, VariableDefinitionNode

SATURATED: Final = 2**31 - 1
"""Counters stop here: a document of a few lines could make them astronomically large."""
ASSUMED_SIZE: Final = 10
"""How many objects a list has that nothing says the size of."""
INTROSPECTION_FIELDS: Final = 10
"""So many fields of introspection cost as much as an object."""
CHARACTERS: Final = 100
"""So many characters of a document that is not known yet cost as much as an object."""
COST: Final = "cost"
"""Where a field's extensions hold its `FieldCost`."""
_MAX_TERMS: Final = 1_000


@dataclass(frozen=True, slots=True)
class FieldCost:
    """What one field costs, without what is selected in it. Its size is how often that is selected."""

    once: int = 0
    each: int = 0
    """For each that the size counts."""
    size: int = 1
    items: str | None = None
    """The argument whose list says the size."""
    amount: str | None = None
    """The argument whose number says the size."""


OBJECT: Final = FieldCost(each=1)


class Factor(NamedTuple):
    """A number that a variable says when a request comes."""

    variable: str
    is_amount: bool
    """Whether it is the variable's value, and not the length of its list."""
    otherwise: int = 0
    """The number where the variable has no value."""

    def of(self, value: Any) -> int:
        """The number, of the variable's value, coerced or as it came."""
        if value is None:
            return self.otherwise
        if not self.is_amount:
            return length_of(value)
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return min(max(int(value), 0), SATURATED) if whole else self.otherwise


class Times(NamedTuple):
    """How often a selection is made: a number, times one for each factor."""

    number: int = 1
    factors: tuple[Factor, ...] = ()

    def and_(self, inner: Times) -> Times:
        """How often a selection inside this one is made."""
        number = min(self.number * inner.number, SATURATED)
        return Times(number, tuple(sorted(self.factors + inner.factors)))


ONCE: Final = Times()


class Price:
    """A sum of costs, some of them times what variables say."""

    __slots__ = ("_terms",)

    def __init__(self) -> None:
        self._terms: dict[tuple[Factor, ...], int] = {}

    def add(self, cost: int, times: Times = ONCE) -> None:
        """Add a cost that occurs so often."""
        if not cost:
            return
        factors, cost = times.factors, cost * times.number
        if factors not in self._terms and len(self._terms) >= _MAX_TERMS:
            # Lists within lists, in so many combinations: more than any request may cost.
            factors, cost = (), SATURATED
        self._terms[factors] = min(self._terms.get(factors, 0) + cost, SATURATED)

    def add_all(self, other: Price, times: Times = ONCE) -> None:
        """Add every cost of another price."""
        for factors, cost in other._terms.items():
            self.add(cost, times.and_(Times(1, factors)))

    def at(self, numbers: Mapping[Factor, int]) -> int:
        """The sum, given what each variable says."""
        total = 0
        for factors, cost in self._terms.items():
            term = cost
            for factor in factors:
                term = min(term * numbers[factor], SATURATED)
            total += term
        return min(total, SATURATED)

    @property
    def fixed(self) -> int:
        """The part of the sum that depends on no variable."""
        return self._terms.get((), 0)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What the rest depends on."""
        return tuple(dict.fromkeys(factor for factors in self._terms for factor in factors))


def field_cost(parent: GraphQLNamedType | None, node: FieldNode) -> tuple[int, int, Times]:
    """What a field with a selection costs once, what it costs each time, and how often its selection is made."""
    field = parent.fields.get(node.name.value) if isinstance(parent, _WITH_FIELDS) else None
    cost: FieldCost = OBJECT if field is None else field.extensions.get(COST, OBJECT)
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    times = Times(cost.size)
    if cost.items is not None:
        times = _items(given.get(cost.items))
    elif cost.amount is not None and field is not None:
        argument = field.args[cost.amount]
        times = _amount(given.get(cost.amount), argument.default_value)
    return cost.once, cost.each, times


def reading_cost(text: str) -> int:
    """What it costs to read a document: to parse and to validate it."""
    return len(text) // CHARACTERS


def default_numbers(definitions: tuple[VariableDefinitionNode, ...] | None) -> dict[str, Any]:
    """Of each variable that has a default value, something that a `Factor` takes for it."""
    return {
        definition.variable.name.value: _default(definition.default_value, definition.type)
        for definition in definitions or ()
        if definition.default_value is not None
    }


def length_of(value: Any) -> int:
    """How many items a variable's value has; one that is no list is coerced to a list of one."""
    if value is None:
        return 0
    return len(value) if isinstance(value, (list, tuple)) else 1


_WITH_FIELDS: Final = (GraphQLObjectType, GraphQLInterfaceType)


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
    # Nothing is validated yet, and Python refuses to read some thousand digits.
    return min(max(int(digits), 0), SATURATED) if len(digits) <= len(str(SATURATED)) else SATURATED
