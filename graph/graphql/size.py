"""The measures of a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from graph.graphql.cost import SATURATED, Price, Times

if TYPE_CHECKING:
    from graphql import FieldNode, GraphQLNamedType, OperationDefinitionNode


class Place(NamedTuple):
    """Where a selection stands: below how many fields, and in how many selection sets."""

    level: int
    nesting: int
    introspective: bool
    parent: GraphQLNamedType | None
    times: Times


@dataclass(slots=True)
class Size:
    """The measures of one operation or fragment. Counters saturate.

    Introspection has measures of its own, and is in no other but `root_fields`, `nesting` and `price`. A field
    that is asked for twice counts twice, and so does one that a directive will leave out: execution never makes
    more of a document.
    """

    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    fields: int = 0
    directives: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0
    """The directives there count, too."""
    nesting: int = 0
    """How many selection sets there are within each other, those of fragments included."""
    takes_card_numbers: bool = False
    """Whether an argument, wherever it stands, may be given a card number."""
    price: Price = field(default_factory=Price)

    def add(self, part: Size, place: Place) -> None:
        """Put a fragment's size where it is spread."""
        self.nesting = max(self.nesting, place.nesting + part.nesting)
        if place.introspective:
            # Everything counts as introspection there, and nothing else.
            part = Size(
                introspection_fields=part.introspection_fields + part.fields + part.directives,
                introspection_depth=max(part.introspection_depth, part.depth),
            )
        self.price.add_all(part.price, place.times)
        self.takes_card_numbers |= part.takes_card_numbers
        self.fields = min(self.fields + part.fields, SATURATED)
        self.aliases = min(self.aliases + part.aliases, SATURATED)
        self.directives = min(self.directives + part.directives, SATURATED)
        self.introspection_fields = min(self.introspection_fields + part.introspection_fields, SATURATED)
        if place.level == 0:
            self.root_fields = min(self.root_fields + part.root_fields, SATURATED)
        if part.depth:
            self.depth = max(self.depth, place.level + part.depth)
        if part.introspection_depth:
            self.introspection_depth = max(self.introspection_depth, place.level + part.introspection_depth)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The sizes of a document's operations, in order, and of the fragments that none of them uses."""

    operations: tuple[tuple[OperationDefinitionNode, Size], ...]
    unused: tuple[Size, ...]
    introspection: FieldNode | None
    """A field that queries the schema, anywhere in the document."""
    comparisons: int
    """To find out whether fields can be merged; those that fragments add are found when it is validated."""
