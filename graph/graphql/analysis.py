"""Measures the operations of a document, with every fragment expanded.

Each definition is measured once, and the measures are added up from the innermost fragment outwards. Sixty
fragments that each spread the next one twice stand for 2^60 fields and take sixty additions. One item of a list of
assumed length is measured like a fragment, so that its price is known on its own.

Documents are measured before validation, which is quadratic in places. A spread of a fragment that does not
exist, or that spreads itself, adds nothing; validation refuses it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_named_type,
)

from graph.graphql.cost import (
    COST,
    INTROSPECTION_FIELDS,
    ONCE,
    SATURATED,
    Price,
    Times,
    cost_of,
    levels_of,
    origins_of,
)
from graph.graphql.literals import CARD_NUMBER

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from graphql import (
        DocumentNode,
        GraphQLField,
        GraphQLInputType,
        GraphQLNamedType,
        GraphQLSchema,
        SelectionNode,
        SelectionSetNode,
        VariableDefinitionNode,
    )

    from graph.graphql.cost import Level, ListId
    from graph.graphql.plan.fields import Origins

    _Node: TypeAlias = OperationDefinitionNode | FragmentDefinitionNode

_INTROSPECTION: Final = frozenset({"__schema", "__type"})
_SERVICE: Final = "_service"


class Place(NamedTuple):
    """Where a selection is: below how many fields, in how many selection sets."""

    level: int
    nesting: int
    introspective: bool
    parent: GraphQLNamedType | None
    times: Times
    origins: Origins
    """Of the objects here, by their types."""

    @property
    def origin(self) -> Hashable:
        """The origin of the objects here, if their type is known."""
        return next(iter(self.origins.get(self.parent.name, ())), None) if self.parent is not None else None


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


class _Spread(NamedTuple):
    part: str | _Definition
    """The name of a fragment, or one item of a list of assumed length."""
    place: Place


class _Definition:
    """One operation or fragment, or one item of a list of assumed length: its own size, and what it spreads.

    Args:
        schema: the executable schema.
        node: None for the item of a list.
        root: the place of what it selects.
        of: the list.
    """

    def __init__(self, schema: GraphQLSchema, node: _Node | None, root: Place, of: ListId | None = None) -> None:
        self._schema = schema
        self._root = root
        self.of = of
        self.size = Size()
        self.spreads: list[_Spread] = []
        self.introspection: FieldNode | None = None
        self.comparisons = 0
        self.begun = self.complete = False
        """Whether adding its spreads has begun, and whether it is done."""
        self.pending: list[tuple[SelectionSetNode, Place]] = []
        """What is selected and not measured yet."""
        if node is not None:
            for holder in (node, *(node.variable_definitions or ())):
                self._directives(holder, root)
            self.pending.append((node.selection_set, root))

    def measure(self) -> Self:
        """Measure what is selected, except of the items of lists of assumed length."""
        while self.pending:
            self._selection_set(*self.pending.pop())
        return self

    def _selection_set(self, node: SelectionSetNode, place: Place) -> None:
        self.size.nesting = max(self.size.nesting, place.nesting)
        keys: list[str] = []
        # Other answers that have some of the fields: each is looked up once.
        ways: dict[str, int] = {}
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                keys.append((selection.alias or selection.name).value)
                self._field(selection, place, ways)
                continue
            self._directives(selection, place)
            if isinstance(selection, FragmentSpreadNode):
                self.spreads.append(_Spread(selection.name.value, place))
            elif isinstance(selection, InlineFragmentNode):
                on = selection.type_condition
                parent = place.parent if on is None else self._schema.get_type(on.name.value)
                inner = place._replace(nesting=place.nesting + 1, parent=parent)
                self.pending.append((selection.selection_set, inner))
        self.size.price.add(sum(ways.values()), place.times)
        self.comparisons += _comparisons(keys)

    def _field(self, node: FieldNode, place: Place, ways: dict[str, int]) -> None:
        size, name, level = self.size, node.name.value, place.level + 1
        size.root_fields += place.level == 0
        inner = place
        if name in _INTROSPECTION:
            self.introspection = node
            inner = place._replace(introspective=True)
        self._directives(node, inner)
        if inner.introspective:
            size.introspection_fields += 1
            size.introspection_depth = max(size.introspection_depth, level)
        else:
            size.fields += 1
            size.depth = max(size.depth, level)
            size.aliases += node.alias is not None
        definition = _definition_of(place.parent, name)
        if name == _SERVICE and definition is not None:
            # A router asks for the schema by it.
            self.introspection = node
        if definition is not None and not size.takes_card_numbers:
            size.takes_card_numbers = _gives_card_number(node, definition)
        if node.selection_set is None and (definition is None or COST not in definition.extensions):
            return
        below = get_named_type(definition.type) if definition else None
        times, origins = ONCE if place.introspective else place.times, origins_of(definition, place.origin)
        inner = Place(level, place.nesting + 1, inner.introspective, below, times, origins)
        holder = self
        if not place.introspective:
            cost = cost_of(definition, place.origin)
            if cost.by_way_of is not None:
                ways.update([cost.by_way_of])
            self.size.price.add(cost.once, place.times)
            holder, inner = self._charge(levels_of(cost, definition, node), inner)
        if node.selection_set is not None:
            holder.pending.append((node.selection_set, inner))

    def _charge(self, levels: Iterable[Level], place: Place) -> tuple[_Definition, Place]:
        """Add the costs of a field's lists; return what its selection belongs to, and its place there."""
        holder = self
        for level in levels:
            place = place._replace(times=place.times.multiply(level.times))
            if level.assumed is not None:
                holder, place = holder._list(level.assumed, place)
            holder.size.price.add(level.cost, place.times)
        return holder, place

    def _list(self, of: ListId, place: Place) -> tuple[_Definition, Place]:
        """Begin to measure one item of a list of assumed length; return it, and the place of what it selects."""
        item = _Definition(self._schema, None, place._replace(level=0, nesting=1, times=ONCE), of)
        self.size.assumes = True
        self.spreads.append(_Spread(item, place._replace(nesting=place.nesting - 1)))
        return item, item._root

    def _directives(self, node: _Node | SelectionNode | VariableDefinitionNode, place: Place) -> None:
        if node.directives:
            if place.introspective:
                self.size.introspection_fields += len(node.directives)
            else:
                self.size.directives += len(node.directives)


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
        self._made: dict[tuple[str, Hashable], _Definition] = {}
        self.every: list[_Definition] = []
        """All that were measured, and the items of lists."""

    def at(self, spread: _Spread) -> _Definition | None:
        """Return the fragment or item that is spread, or None if there is no fragment of that name."""
        if isinstance(spread.part, str):
            return self._of(spread.part, spread.place.origins)
        if not spread.part.begun:
            self.every.append(spread.part.measure())
        return spread.part

    def unused(self) -> list[_Definition]:
        """Return the fragments that no operation spreads."""
        used = {name for name, _ in self._made}
        unused = (self._of(name, {}) for name in self._nodes if name not in used)
        return [
            *(made for made in unused if made is not None),
            *(self._measured(node, {}) for node in self._again),
        ]

    def _of(self, name: str, origins: Origins) -> _Definition | None:
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

    def _measured(self, node: FragmentDefinitionNode, origins: Origins) -> _Definition:
        parent = self._schema.get_type(node.type_condition.name.value)
        self.every.append(_Definition(self._schema, node, _root(parent, origins)).measure())
        return self.every[-1]


def _root(parent: GraphQLNamedType | None, origins: Origins) -> Place:
    return Place(0, 1, introspective=False, parent=parent, times=ONCE, origins=origins)


def _add_spreads(root: _Definition, fragments: _Fragments) -> None:
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
        (node, _Definition(schema, node, _root(schema.get_root_type(node.operation), {})).measure())
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


def _comparisons(keys: list[str]) -> int:
    """Count the pairs that graphql-core compares, in both directions, among sibling fields with equal keys."""
    return sum(count * (count - 1) for count in Counter(keys).values())


def _definition_of(parent: GraphQLNamedType | None, field_name: str) -> GraphQLField | None:
    return parent.fields.get(field_name) if isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)) else None


def _gives_card_number(node: FieldNode, definition: GraphQLField) -> bool:
    given = (definition.args.get(argument.name.value) for argument in node.arguments or ())
    return any(argument is not None and _may_hold_card_number(argument.type) for argument in given)


def _may_hold_card_number(kind: GraphQLInputType) -> bool:
    """Whether values of a type are card numbers, or contain one."""
    pending, seen = [kind], set()
    while pending:
        named = get_named_type(pending.pop())
        if named.name == CARD_NUMBER:
            return True
        if isinstance(named, GraphQLInputObjectType) and named.name not in seen:
            seen.add(named.name)
            pending += [field.type for field in named.fields.values()]
    return False
