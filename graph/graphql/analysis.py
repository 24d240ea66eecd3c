"""Measures the operations of a document, with every fragment expanded.

Each definition is measured once, and the measures are added up from the innermost fragment outwards. Sixty
fragments that each spread the next one twice stand for 2^60 fields and take sixty additions.

Documents are measured before validation, which is quadratic in places. A spread of a fragment that does not
exist, or that spreads itself, adds nothing; validation refuses it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
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

from graph.graphql.cost import INTROSPECTION_FIELDS, ONCE, SATURATED, Price, Times, field_cost
from graph.graphql.literals import CARD_NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    _Node: TypeAlias = OperationDefinitionNode | FragmentDefinitionNode

_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class Place(NamedTuple):
    """Where a selection is: below how many fields, in how many selection sets."""

    level: int
    nesting: int
    introspective: bool
    parent: GraphQLNamedType | None
    times: Times


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


class _Spread(NamedTuple):
    fragment: str
    place: Place


class _Definition:
    """One operation or fragment: its own size, and the fragments that it spreads."""

    def __init__(self, schema: GraphQLSchema, node: _Node, parent: GraphQLNamedType | None) -> None:
        self._schema = schema
        self.size = Size()
        self.spreads: list[_Spread] = []
        self.introspection: FieldNode | None = None
        self.comparisons = 0
        self.begun = self.complete = False
        """Whether adding its spreads has begun, and whether it is done."""
        root = Place(0, 1, introspective=False, parent=parent, times=ONCE)
        self._directives(node, root)
        for variable in node.variable_definitions or ():
            self._directives(variable, root)
        self._pending: list[tuple[SelectionSetNode, Place]] = [(node.selection_set, root)]
        while self._pending:
            self._selection_set(*self._pending.pop())

    def _selection_set(self, node: SelectionSetNode, place: Place) -> None:
        self.size.nesting = max(self.size.nesting, place.nesting)
        keys: list[str] = []
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                keys.append((selection.alias or selection.name).value)
                self._field(selection, place)
                continue
            self._directives(selection, place)
            if isinstance(selection, FragmentSpreadNode):
                self.spreads.append(_Spread(selection.name.value, place))
            elif isinstance(selection, InlineFragmentNode):
                on = selection.type_condition
                parent = place.parent if on is None else self._schema.get_type(on.name.value)
                inner = place._replace(nesting=place.nesting + 1, parent=parent)
                self._pending.append((selection.selection_set, inner))
        self.comparisons += _comparisons(keys)

    def _field(self, node: FieldNode, place: Place) -> None:
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
        if definition is not None and not size.takes_card_numbers:
            size.takes_card_numbers = _gives_card_number(node, definition)
        if node.selection_set is not None:
            times = ONCE if place.introspective else self._charge(node, place)
            below = get_named_type(definition.type) if definition else None
            inner = Place(level, place.nesting + 1, inner.introspective, below, times)
            self._pending.append((node.selection_set, inner))

    def _charge(self, node: FieldNode, place: Place) -> Times:
        """Add the cost of a field, and return how often its selection is made."""
        once, each, times = field_cost(place.parent, node)
        self.size.price.add(once, place.times)
        times = place.times.multiply(times)
        self.size.price.add(each, times)
        return times

    def _directives(self, node: _Node | SelectionNode | VariableDefinitionNode, place: Place) -> None:
        if node.directives:
            if place.introspective:
                self.size.introspection_fields += len(node.directives)
            else:
                self.size.directives += len(node.directives)


def _add_spreads(root: _Definition, fragments: Mapping[str, _Definition]) -> None:
    """Add what a definition spreads, innermost fragments first; iteratively, because chains may be long."""
    pending = [root]
    while pending:
        definition = pending[-1]
        parts = [(spread.place, fragments.get(spread.fragment)) for spread in definition.spreads]
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
    every: list[_Definition] = []
    operations: list[tuple[OperationDefinitionNode, _Definition]] = []
    fragments: dict[str, _Definition] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            every.append(_Definition(schema, node, schema.get_root_type(node.operation)))
            operations.append((node, every[-1]))
        elif isinstance(node, FragmentDefinitionNode):
            every.append(_Definition(schema, node, schema.get_type(node.type_condition.name.value)))
            fragments[node.name.value] = every[-1]
    for _, operation in operations:
        _add_spreads(operation, fragments)
        operation.size.price.add(operation.size.introspection_fields // INTROSPECTION_FIELDS)
    unused = [fragment for fragment in every if not fragment.begun]
    for fragment in unused:
        _add_spreads(fragment, fragments)
    return Analysis(
        tuple((node, operation.size) for node, operation in operations),
        tuple(fragment.size for fragment in unused),
        next((found.introspection for found in every if found.introspection), None),
        sum(found.comparisons for found in every),
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
