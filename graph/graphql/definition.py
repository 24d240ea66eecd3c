"""Measures one operation or fragment, without what it spreads."""

from __future__ import annotations

from collections import Counter
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

from graph.graphql.cost import COST, ONCE, cost_of, levels_of, origins_of
from graph.graphql.literals import CARD_NUMBER
from graph.graphql.size import Place, Size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import (
        GraphQLField,
        GraphQLInputType,
        GraphQLNamedType,
        GraphQLSchema,
        SelectionNode,
        SelectionSetNode,
        VariableDefinitionNode,
    )

    from graph.graphql.cost import ListId, ListLevel

    _Node: TypeAlias = OperationDefinitionNode | FragmentDefinitionNode

_INTROSPECTION: Final = frozenset({"__schema", "__type"})
_SERVICE: Final = "_service"


class Spread(NamedTuple):
    """What is spread at a place."""

    part: str | Definition
    """The name of a fragment, or one item of a list of assumed length."""
    place: Place


class Definition:
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
        self.spreads: list[Spread] = []
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
                self.spreads.append(Spread(selection.name.value, place))
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

    def _charge(self, levels: Iterable[ListLevel], place: Place) -> tuple[Definition, Place]:
        """Add the costs of a field's lists; return what its selection belongs to, and its place there."""
        holder = self
        for level in levels:
            place = place._replace(times=place.times.multiply(level.times))
            if level.assumed is not None:
                holder, place = holder._list(level.assumed, place)
            holder.size.price.add(level.cost, place.times)
        return holder, place

    def _list(self, of: ListId, place: Place) -> tuple[Definition, Place]:
        """Begin to measure one item of a list of assumed length; return it, and the place of what it selects."""
        item = Definition(self._schema, None, place._replace(level=0, nesting=1, times=ONCE), of)
        self.size.assumes = True
        self.spreads.append(Spread(item, place._replace(nesting=place.nesting - 1)))
        return item, item._root

    def _directives(self, node: _Node | SelectionNode | VariableDefinitionNode, place: Place) -> None:
        if node.directives:
            if place.introspective:
                self.size.introspection_fields += len(node.directives)
            else:
                self.size.directives += len(node.directives)


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
