"""Measures the operations of a document, with every fragment expanded.

Each definition is measured once, and the measures are added up from the innermost fragment outwards. Sixty
fragments that each spread the next one twice stand for 2^60 fields and take sixty additions. One item of a list of
assumed length is measured like a fragment, so that its price is known on its own.

Documents are measured before validation, which is quadratic in places. A spread of a fragment that does not
exist, or that spreads itself, adds nothing; validation refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import FragmentDefinitionNode, GraphQLObjectType, OperationDefinitionNode

from graph.graphql.cost import INTROSPECTION_FIELDS
from graph.graphql.definition import Definition
from graph.graphql.size import root_place

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from graphql import DocumentNode, FieldNode, GraphQLSchema

    from graph.graphql.cost import ListId, Price
    from graph.graphql.definition import Spread
    from graph.graphql.fields import Origins
    from graph.graphql.size import Size


@dataclass(frozen=True, slots=True)
class Analysis:
    """The sizes of a document's operations, in order, and of its unused fragments."""

    operations: tuple[tuple[OperationDefinitionNode, Size], ...]
    unused: tuple[Size, ...]
    introspection: FieldNode | None
    """An introspection field, anywhere in the document."""
    comparisons: int
    """How many comparisons it takes to merge fields, not counting those across fragments."""
    lists: Mapping[ListId, Sequence[Price]]
    """The price of one item of each list of assumed length; several if it is in a fragment for several origins."""


class _Fragments:
    """The fragments of a document. One that is spread in objects of several origins is measured for each."""

    def __init__(self, schema: GraphQLSchema, nodes: Iterable[FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._nodes: dict[str, FragmentDefinitionNode] = {}
        self._again: list[FragmentDefinitionNode] = []
        """Those whose name another one has taken, which is not valid."""
        for node in nodes:
            earlier = self._nodes.get(node.name.value)
            if earlier is not None:
                self._again.append(earlier)
            self._nodes[node.name.value] = node
        self._made: dict[tuple[str, Hashable], Definition] = {}
        self.every: list[Definition] = []
        """All that were measured, and the items of lists."""

    def at(self, spread: Spread) -> Definition | None:
        """Return the fragment or item that is spread, or None if there is no fragment of that name."""
        if isinstance(spread.part, str):
            return self._of(spread.part, spread.place.origins)
        if not spread.part.begun:
            self.every.append(spread.part.measure())
        return spread.part

    def unused(self) -> list[Definition]:
        """Return the fragments that no operation spreads."""
        used = {name for name, _ in self._made}
        unused = (self._of(name, {}) for name in self._nodes if name not in used)
        return [
            *(made for made in unused if made is not None),
            *(self._measured(node, {}) for node in self._again),
        ]

    def _of(self, name: str, origins: Origins) -> Definition | None:
        node = self._nodes.get(name)
        if node is None:
            return None
        condition = self._schema.get_type(node.type_condition.name.value)
        if isinstance(condition, GraphQLObjectType):
            # Other types have no part in it.
            origins = {condition.name: origins[condition.name]} if condition.name in origins else {}
        key = name, tuple(origins.items())
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._measured(node, origins)
        return made

    def _measured(self, node: FragmentDefinitionNode, origins: Origins) -> Definition:
        parent = self._schema.get_type(node.type_condition.name.value)
        self.every.append(Definition(self._schema, node, root_place(parent, origins)).measure())
        return self.every[-1]


def _add_spreads(root: Definition, fragments: _Fragments) -> None:
    """Add what a definition spreads, innermost fragments first; iteratively, because chains may be long."""
    pending = [root]
    while pending:
        definition = pending[-1]
        parts = [(spread.place, fragments.at(spread)) for spread in definition.spreads]
        if not definition.begun:
            definition.begun = True
            pending += [part for _, part in parts if part is not None and not part.begun]
            continue
        pending.pop()
        if not definition.complete:
            for place, part in parts:
                # One that is begun and not complete spreads itself.
                if part is not None and part.complete:
                    definition.size.add(part.size, place)
            definition.complete = True


def analyse(document: DocumentNode, schema: GraphQLSchema) -> Analysis:
    """Measure a document, valid or not, in linear time."""
    operations = [
        (node, Definition(schema, node, root_place(schema.get_root_type(node.operation), {})).measure())
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    fragments = _Fragments(
        schema, (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
    )
    for _, operation in operations:
        _add_spreads(operation, fragments)
        operation.size.price.add(operation.size.introspection_fields // INTROSPECTION_FIELDS)
    unused = fragments.unused()
    for fragment in unused:
        _add_spreads(fragment, fragments)
    every = [*(operation for _, operation in operations), *fragments.every]
    lists: dict[ListId, list[Price]] = {}
    for part in every:
        if part.of is not None:
            lists.setdefault(part.of, []).append(part.size.price)
    return Analysis(
        tuple((node, operation.size) for node, operation in operations),
        tuple(fragment.size for fragment in unused),
        next((found.introspection for found in every if found.introspection), None),
        sum(found.comparisons for found in every),
        lists,
    )
