"""The measures of a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graph.graphql.cost import SATURATED, Price, Times

if TYPE_CHECKING:
    from graphql import FieldNode, OperationDefinitionNode


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

    def add(self, part: Size, level: int, nesting: int, times: Times) -> None:
        """Put a fragment's size where it is spread, on a level of fields and selection sets."""
        self.price.add_all(part.price, times)
        self.fields = min(self.fields + part.fields, SATURATED)
        self.aliases = min(self.aliases + part.aliases, SATURATED)
        self.directives = min(self.directives + part.directives, SATURATED)
        if part.depth:
            self.depth = max(self.depth, level + part.depth)
        self._add_introspection(part.introspection_fields, part.introspection_depth, level)
        self.nesting = max(self.nesting, nesting + part.nesting)
        self.takes_card_numbers |= part.takes_card_numbers
        if level == 0:
            self.root_fields = min(self.root_fields + part.root_fields, SATURATED)

    def add_introspective(self, part: Size, level: int, nesting: int) -> None:
        """Put a fragment's size where it is spread within introspection."""
        fields = part.introspection_fields + part.fields + part.directives
        self._add_introspection(fields, max(part.introspection_depth, part.depth), level)
        self.nesting = max(self.nesting, nesting + part.nesting)

    def _add_introspection(self, fields: int, depth: int, level: int) -> None:
        self.introspection_fields = min(self.introspection_fields + fields, SATURATED)
        if depth:
            self.introspection_depth = max(self.introspection_depth, level + depth)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The sizes of a document's operations, in order, and of the fragments that none of them uses."""

    operations: tuple[tuple[OperationDefinitionNode, Size], ...]
    unused: tuple[Size, ...]
    introspection: FieldNode | None
    """A field that queries the schema, anywhere in the document."""
    comparisons: int
    """To find out whether fields can be merged; those that fragments add are found when it is validated."""
