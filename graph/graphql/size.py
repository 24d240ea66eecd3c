"""The measures of an operation or fragment, and the places that they are taken at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from graph.graphql.cost import ONCE, SATURATED, Price, Times

if TYPE_CHECKING:
    from collections.abc import Hashable

    from graphql import GraphQLNamedType

    from graph.graphql.fields import Origins


class Place(NamedTuple):
    """Where a selection is: below how many fields, in how many selection sets."""

    level: int
    nesting: int
    introspective: bool
    parent: GraphQLNamedType | None
    times: Times
    origins: Origins
    """The origins of the objects here, by their types."""

    @property
    def origin(self) -> Hashable:
        """The origin of the objects here, if their type is known."""
        return next(iter(self.origins.get(self.parent.name, ())), None) if self.parent is not None else None


def root_place(parent: GraphQLNamedType | None, origins: Origins) -> Place:
    """Return the place of what an operation or fragment selects."""
    return Place(0, 1, introspective=False, parent=parent, times=ONCE, origins=origins)


@dataclass(slots=True)
class Size:
    """The measures of one operation or fragment. Counters saturate.

    Introspection counts separately, except in `root_fields`, `nesting` and `price`. Repeated fields and those
    that a directive may skip count, too, so that execution never exceeds the measure.
    """

    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    fields: int = 0
    directives: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0
    """Including its directives."""
    nesting: int = 0
    """How deep selection sets are nested, fragments included."""
    takes_card_numbers: bool = False
    """Whether any argument takes a card number."""
    assumes: bool = False
    """Whether there are lists of assumed length."""
    price: Price = field(default_factory=Price)

    def add(self, part: Size, place: Place) -> None:
        """Add a fragment that is spread at a place."""
        self.nesting = max(self.nesting, place.nesting + part.nesting)
        if place.introspective:
            # Everything within introspection is introspection.
            part = Size(
                introspection_fields=part.introspection_fields + part.fields + part.directives,
                introspection_depth=max(part.introspection_depth, part.depth),
            )
        self.price.add_all(part.price, place.times)
        self.takes_card_numbers |= part.takes_card_numbers
        self.assumes |= part.assumes
        for counter in ("fields", "aliases", "directives", "introspection_fields"):
            setattr(self, counter, min(getattr(self, counter) + getattr(part, counter), SATURATED))
        if place.level == 0:
            self.root_fields = min(self.root_fields + part.root_fields, SATURATED)
        if part.depth:
            self.depth = max(self.depth, place.level + part.depth)
        if part.introspection_depth:
            self.introspection_depth = max(self.introspection_depth, place.level + part.introspection_depth)
