"""How large the operations of a document are, once every fragment stands where it is spread.

Every selection set is visited once, however often its fragment is spread: a definition is measured on its own, and
the measures are added up from the innermost fragment outwards. Sixty fragments that each spread the next one twice
stand for 2^60 fields and cost sixty additions.

A document is measured before it is validated, because validation is quadratic in places. It may therefore spread
fragments that do not exist, or that spread themselves; neither adds anything, and both are refused later.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

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

from graph.graphql.cost import INTROSPECTION_FIELDS, ONCE, Times, field_cost
from graph.graphql.literals import CARD_NUMBER
from graph.graphql.size import Analysis, Size

if TYPE_CHECKING:
    from graphql import (
        DocumentNode,
        GraphQLField,
        GraphQLInputType,
        GraphQLNamedType,
        GraphQLSchema,
        NamedTypeNode,
        SelectionNode,
        SelectionSetNode,
        VariableDefinitionNode,
    )

    _Node: TypeAlias = OperationDefinitionNode | FragmentDefinitionNode

_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class _Place(NamedTuple):
    """Where a selection stands: below how many fields, and in how many selection sets."""

    level: int
    nesting: int
    introspective: bool
    parent: GraphQLNamedType | None
    times: Times


class _Spread(NamedTuple):
    fragment: str
    place: _Place


class _Definition:
    """One operation or fragment by itself: what it selects, and where it spreads others."""

    def __init__(self, schema: GraphQLSchema, node: _Node, parent: GraphQLNamedType | None) -> None:
        self._schema = schema
        self.size = Size()
        self.spreads: list[_Spread] = []
        self.introspection: FieldNode | None = None
        self.comparisons = 0
        root = _Place(0, 1, introspective=False, parent=parent, times=ONCE)
        self._directives(node, root)
        for variable in node.variable_definitions or ():
            self._directives(variable, root)
        self._pending: list[tuple[SelectionSetNode, _Place]] = [(node.selection_set, root)]
        while self._pending:
            selection_set, place = self._pending.pop()
            self.size.nesting = max(self.size.nesting, place.nesting)
            keys: list[str] = []
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    keys.append((selection.alias or selection.name).value)
                    self._field(selection, place)
                    continue
                self._directives(selection, place)
                if isinstance(selection, InlineFragmentNode):
                    self._inline(selection, place)
                elif isinstance(selection, FragmentSpreadNode):
                    self.spreads.append(_Spread(selection.name.value, place))
            self.comparisons += _comparisons(keys)

    def add(self, spread: _Spread, part: Size) -> None:
        """Put a fragment's size where it is spread."""
        place = spread.place
        if place.introspective:
            self.size.add_introspective(part, place.level, place.nesting)
        else:
            self.size.add(part, place.level, place.nesting, place.times)

    def _field(self, node: FieldNode, place: _Place) -> None:
        size, name = self.size, node.name.value
        inner = place
        if name in _INTROSPECTION:
            self.introspection = node
            inner = place._replace(introspective=True)
        self._directives(node, inner)
        level = place.level + 1
        if inner.introspective:
            size.introspection_fields += 1
            size.introspection_depth = max(size.introspection_depth, level)
        else:
            size.fields += 1
            size.depth = max(size.depth, level)
            size.aliases += node.alias is not None
        if place.level == 0:
            size.root_fields += 1
        definition = _definition_of(place.parent, name)
        if definition is not None and not size.takes_card_numbers:
            size.takes_card_numbers = _gives_card_number(node, definition)
        if node.selection_set is not None:
            times = ONCE if place.introspective else self._charge(node, place)
            below = get_named_type(definition.type) if definition else None
            inner = _Place(level, place.nesting + 1, inner.introspective, below, times)
            self._pending.append((node.selection_set, inner))

    def _charge(self, node: FieldNode, place: _Place) -> Times:
        """Add the cost of an object, and return how often its fields are selected."""
        cost, times = field_cost(place.parent.name if place.parent else "", node)
        times = place.times.and_(times)
        self.size.price.add(cost, times)
        return times

    def _inline(self, node: InlineFragmentNode, place: _Place) -> None:
        level, nesting, introspective, parent, times = place
        if node.type_condition is not None:
            parent = _named(self._schema, node.type_condition)
        self._pending.append((node.selection_set, _Place(level, nesting + 1, introspective, parent, times)))

    def _directives(self, node: _Node | SelectionNode | VariableDefinitionNode, place: _Place) -> None:
        if node.directives:
            if place.introspective:
                self.size.introspection_fields += len(node.directives)
            else:
                self.size.directives += len(node.directives)


class _Fragments:
    """The fragments of a document, by name, and which of them are complete: all that they spread is added."""

    def __init__(self) -> None:
        self._definitions: dict[str, _Definition] = {}
        self._complete: set[str] = set()
        self._begun: set[str] = set()

    def define(self, name: str, definition: _Definition) -> _Definition | None:
        """Give the name to a fragment, and return another one that had it."""
        other = self._definitions.get(name)
        self._definitions[name] = definition
        return other

    def unused(self) -> list[_Definition]:
        """Those that nothing has spread so far; complete, too."""
        names = [name for name in self._definitions if name not in self._begun]
        for name in names:
            self._finish(name)
        return [self._definitions[name] for name in names]

    def add_to(self, definition: _Definition) -> None:
        """Add what a definition spreads."""
        for spread in definition.spreads:
            self._finish(spread.fragment)
        self._add_complete(definition)

    def _finish(self, name: str) -> None:
        """Complete a fragment after all that it spreads; without recursion, for a chain may be long."""
        pending = [name]
        while pending:
            name = pending[-1]
            if name in self._complete or name not in self._definitions:
                pending.pop()
            elif name not in self._begun:
                self._begun.add(name)
                spreads = self._definitions[name].spreads
                pending += [spread.fragment for spread in spreads if spread.fragment not in self._begun]
            else:
                self._add_complete(self._definitions[name])
                self._complete.add(name)
                pending.pop()

    def _add_complete(self, definition: _Definition) -> None:
        # What is begun and not complete spreads itself.
        for spread in definition.spreads:
            if spread.fragment in self._complete:
                definition.add(spread, self._definitions[spread.fragment].size)


def analyse(document: DocumentNode, schema: GraphQLSchema) -> Analysis:
    """Measure a document that need not be valid, in time proportional to its length."""
    operations: list[tuple[OperationDefinitionNode, _Definition]] = []
    fragments = _Fragments()
    namesakes: list[_Definition] = []
    introspection: FieldNode | None = None
    comparisons = 0
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            definition = _Definition(schema, node, schema.get_root_type(node.operation))
            operations.append((node, definition))
        elif isinstance(node, FragmentDefinitionNode):
            definition = _Definition(schema, node, _named(schema, node.type_condition))
            if namesake := fragments.define(node.name.value, definition):
                namesakes.append(namesake)
        else:
            continue
        introspection = introspection or definition.introspection
        comparisons += definition.comparisons
    for _, operation in operations:
        fragments.add_to(operation)
        operation.size.price.add(operation.size.introspection_fields // INTROSPECTION_FIELDS)
    unused = fragments.unused()
    for namesake in namesakes:
        fragments.add_to(namesake)
    return Analysis(
        tuple((node, operation.size) for node, operation in operations),
        tuple(definition.size for definition in (*unused, *namesakes)),
        introspection,
        comparisons,
    )


def _comparisons(keys: list[str]) -> int:
    """How often graphql-core compares fields that are written side by side, by their names in the answer."""
    if len(keys) == len(set(keys)):
        return 0
    # Each with each, from both sides.
    return sum(count * (count - 1) for count in Counter(keys).values())


def _named(schema: GraphQLSchema, node: NamedTypeNode) -> GraphQLNamedType | None:
    return schema.get_type(node.name.value)


def _definition_of(parent: GraphQLNamedType | None, field_name: str) -> GraphQLField | None:
    return parent.fields.get(field_name) if isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)) else None


def _gives_card_number(node: FieldNode, definition: GraphQLField) -> bool:
    given = (definition.args.get(argument.name.value) for argument in node.arguments or ())
    return any(argument is not None and _may_hold_card_number(argument.type) for argument in given)


def _may_hold_card_number(kind: GraphQLInputType) -> bool:
    """Whether a value of a type is a card number, or has one within it."""
    pending, seen = [kind], set()
    while pending:
        named = get_named_type(pending.pop())
        if named.name == CARD_NUMBER:
            return True
        if isinstance(named, GraphQLInputObjectType) and named.name not in seen:
            seen.add(named.name)
            pending += [field.type for field in named.fields.values()]
    return False
