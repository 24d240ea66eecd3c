"""What an operation costs: one for an object, ten for an upstream call.

The price of a document is worked out once. Only the lengths of the lists that its variables hold are left open, so
that a request pays for the card numbers that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import ListValueNode, VariableNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FieldNode, ValueNode, VariableDefinitionNode

SATURATED: Final = 2**31 - 1
"""Counters stop here: a document of a few lines could make them astronomically large."""


@dataclass(frozen=True, slots=True)
class FieldCost:
    """What one field costs, without what is selected in it.

    Args:
        cost: once, or for each item.
        items: the argument whose list has an item for each result; the selected fields are paid for each, too.
    """

    cost: int
    items: str | None = None


OBJECT: Final = FieldCost(1)
UPSTREAM_CALL: Final = 10
INTROSPECTION_FIELDS: Final = 10
"""So many fields of introspection cost as much as an object."""
CHARACTERS: Final = 100
"""So many characters of a document that is not known yet cost as much as an object."""

FIELD_COSTS: Final[Mapping[str, FieldCost]] = MappingProxyType(
    {
        "Query.card": FieldCost(UPSTREAM_CALL),
        "Query.cards": FieldCost(UPSTREAM_CALL, items="cardNos"),
        "Member.profile": FieldCost(UPSTREAM_CALL),
    }
)
"""By schema coordinate: the fields that call Konaplate. Any other object costs `OBJECT`, and a leaf nothing."""


@dataclass(frozen=True, slots=True)
class Times:
    """How often a selection is made: a number, or a number for each item of a variable's list."""

    number: int = 1
    variable: str | None = None

    def and_(self, inner: Times) -> Times:
        """How often a selection inside this one is made.

        A list inside a list can't be: `items` are at the root (a test keeps it so). A document that tries is not
        valid; it is priced as if it had only the outer list.
        """
        return Times(min(self.number * inner.number, SATURATED), self.variable or inner.variable)


ONCE: Final = Times()


class Price:
    """A sum of costs, some of them for each item of a variable's list."""

    __slots__ = ("_terms",)

    def __init__(self) -> None:
        self._terms: dict[str | None, int] = {}

    def add(self, cost: int, times: Times = ONCE) -> None:
        """Add a cost that occurs so often."""
        if cost:
            total = self._terms.get(times.variable, 0) + cost * times.number
            self._terms[times.variable] = min(total, SATURATED)

    def add_all(self, other: Price, times: Times = ONCE) -> None:
        """Add every cost of another price."""
        for variable, cost in other._terms.items():
            self.add(cost, times.and_(Times(1, variable)))

    def at(self, lengths: Mapping[str, int]) -> int:
        """The sum, given the length of each variable's list."""
        total = 0
        for variable, cost in self._terms.items():
            total += cost if variable is None else cost * lengths[variable]
        return min(total, SATURATED)

    @property
    def fixed(self) -> int:
        """The part of the sum that depends on no variable."""
        return self._terms.get(None, 0)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables whose lists it depends on."""
        return tuple(variable for variable in self._terms if variable is not None)


def field_cost(parent: str, field: FieldNode) -> tuple[int, Times]:
    """What a field with a selection costs, and how often that selection is made."""
    known = FIELD_COSTS.get(f"{parent}.{field.name.value}", OBJECT)
    for argument in field.arguments or ():
        if argument.name.value == known.items:
            return known.cost, _items(argument.value)
    return known.cost, ONCE


def reading_cost(text: str) -> int:
    """What it costs to read a document: to parse and to validate it."""
    return len(text) // CHARACTERS


def default_lengths(definitions: tuple[VariableDefinitionNode, ...] | None) -> dict[str, int]:
    """How many items each variable has that has a default value."""
    return {
        definition.variable.name.value: _items(definition.default_value).number
        for definition in definitions or ()
        if definition.default_value is not None
    }


def length_of(value: Any) -> int:
    """How many items a variable's value has; one that is no list is coerced to a list of one."""
    if value is None:
        return 0
    return len(value) if isinstance(value, (list, tuple)) else 1


def _items(value: ValueNode) -> Times:
    if isinstance(value, VariableNode):
        return Times(1, value.name.value)
    if isinstance(value, ListValueNode):
        return Times(len(value.values))
    return ONCE
