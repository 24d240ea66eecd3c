"""From a validated operation to the steps of its plan.

The fields are collected by graphql-core's own functions, so that their order and their merging are its own.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLString,
    OperationType,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import get_variable_values
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.language import FragmentDefinitionNode, FragmentSpreadNode, VariableNode

from graph.graphql.plan.fields import FallbackToGraphQLCore, LookUp, Read, TypeOf
from graph.graphql.plan.steps import (
    AbstractStep,
    LeafStep,
    ListStep,
    ObjectStep,
    Plan,
    SelectedField,
    SelectedLookUp,
    Selection,
)
from graph.graphql.plan.values import Arguments, Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema
    from graphql.execution.collect_fields import CollectedFields, FieldDetails
    from graphql.language import FieldNode, OperationDefinitionNode, SelectionSetNode

    from graph.graphql.plan.run import Step

_TYPENAME: Final = "__typename"
_SWITCHES: Final = ("skip", "include")
# Their values are the answer's as they are.
_CLEAN: Final[Mapping[Any, type]] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}


class Shape:
    """What all plans of one operation have in common.

    Args:
        schema: the executable schema.
        document: a valid document.
        operation: one of its queries.

    Raises:
        FallbackToGraphQLCore: when there can be no plan.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        if operation.operation is not OperationType.QUERY or operation.directives:
            raise FallbackToGraphQLCore
        self.schema = schema
        self.operation = operation
        self.fragments = {
            definition.name.value: FragmentDetails(definition)
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.variables = Variables(schema, operation.variable_definitions or ())
        self.switches = tuple(dict.fromkeys(self._switches(operation.selection_set, set())))
        """The variables that decide what is selected, in the order in which the document names them."""

    def plan(self, switched: Mapping[str, bool]) -> Plan:
        """The plan for these values of the switches.

        Raises:
            FallbackToGraphQLCore: when something is selected that plans do not do.
        """
        return _Compiler(self, switched).plan()

    def _switches(self, selections: SelectionSetNode, visited: set[str]) -> Iterator[str]:
        for node in selections.selections:
            for directive in node.directives or ():
                if directive.name.value not in _SWITCHES:
                    raise FallbackToGraphQLCore
                for given in directive.arguments or ():
                    if isinstance(given.value, VariableNode):
                        yield given.value.name.value
            if not isinstance(node, FragmentSpreadNode):
                inner = getattr(node, "selection_set", None)
                if inner is not None:
                    yield from self._switches(inner, visited)
            elif node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self.fragments[node.name.value].definition
                if fragment.variable_definitions or fragment.directives or node.arguments:
                    raise FallbackToGraphQLCore
                yield from self._switches(fragment.selection_set, visited)


class _Compiler:
    """Compiles one plan."""

    def __init__(self, shape: Shape, switched: Mapping[str, bool]) -> None:
        self._shape = shape
        self._steps = 0
        definitions = [
            definition
            for definition in shape.operation.variable_definitions or ()
            if definition.variable.name.value in switched
        ]
        values = get_variable_values(shape.schema, definitions, dict(switched))
        if isinstance(values, list):
            raise FallbackToGraphQLCore
        self._values = values

    def plan(self) -> Plan:
        shape = self._shape
        query = shape.schema.query_type
        if query is None:
            raise FallbackToGraphQLCore
        collected = collect_fields(shape.schema, shape.fragments, self._values, query, shape.operation)
        return Plan(self._selection(query, collected, ()), self._steps)

    def _selection(self, kind: GraphQLObjectType, collected: CollectedFields, path: tuple[str, ...]) -> Selection:
        if kind.is_type_of is not None:
            raise FallbackToGraphQLCore
        members: list[SelectedField] = []
        edges: list[SelectedLookUp] = []
        for key, details in collected.grouped_field_set.items():
            self._steps += 1
            nodes, below = [one.node for one in details], (*path, key)
            name = nodes[0].name.value
            if name == _TYPENAME:
                text = LeafStep(nodes=nodes, path=below, nullable=False, serialize=str, names=None, clean=str)
                members.append(_fixed(key, kind.name, text))
                continue
            field = kind.fields.get(name)
            resolve = None if field is None else field.resolve
            if field is None or not isinstance(resolve, Read | LookUp):
                raise FallbackToGraphQLCore
            step = self._step(field.type, details, nodes, below)
            if isinstance(resolve, Read):
                clean, made = _clean(resolve, step)
                members.append(SelectedField(key, resolve.read, clean, made, resolve.show, step))
            else:
                # Null until the look-up ends, and in its place.
                members.append(_fixed(key, None, step))
                edges.append(SelectedLookUp(key, resolve, Arguments(field, nodes[0]), step))
        return Selection(members, edges)

    def _step(self, kind: Any, details: list[FieldDetails], nodes: list[FieldNode], path: tuple[str, ...]) -> Step:
        nullable = not is_non_null_type(kind)
        kind = get_nullable_type(kind)
        if is_list_type(kind):
            # The paths of what is in a list begin at its item.
            item = self._step(kind.of_type, details, nodes, ())
            return ListStep(nodes=nodes, path=path, nullable=nullable, item=item)
        if is_object_type(kind):
            selection = self._subselection(kind, details, path)
            return ObjectStep(nodes=nodes, path=path, nullable=nullable, selection=selection)
        if is_leaf_type(kind):
            serialize, words = kind.coerce_output_value, getattr(kind, "wrapped_cls", None)
            names = None
            if isinstance(words, type) and issubclass(words, Enum):
                names = {word: serialize(word) for word in words}
            return LeafStep(
                nodes=nodes, path=path, nullable=nullable, serialize=serialize, names=names, clean=_CLEAN.get(kind)
            )
        if is_abstract_type(kind) and isinstance(kind.resolve_type, TypeOf):
            possible = self._shape.schema.get_possible_types(kind)
            selections = {each.name: self._subselection(each, details, path) for each in possible}
            type_of = kind.resolve_type.name
            return AbstractStep(nodes=nodes, path=path, nullable=nullable, type_of=type_of, selections=selections)
        raise FallbackToGraphQLCore

    def _subselection(
        self, kind: GraphQLObjectType, details: list[FieldDetails], path: tuple[str, ...]
    ) -> Selection:
        shape = self._shape
        collected = collect_subfields(shape.schema, shape.fragments, self._values, shape.operation, kind, details)
        return self._selection(kind, collected, path)


def _clean(resolve: Read, step: Step) -> tuple[type | None, Callable[[Any], Any] | None]:
    """Which raw values of a field need no more than one call, or none: see `SelectedField`."""
    if not isinstance(step, LeafStep):
        return None, None
    if resolve.plain:
        return (int, step.serialize) if step.clean is None else (step.clean, None)
    words, names = resolve.words, step.names
    if words is None or names is None:
        return None, None
    name_of, unknown = {word: names[member] for word, member in words.items()}, names[words[None]]
    return str, lambda word: name_of.get(word, unknown)


def _fixed(key: str, value: object, step: Step) -> SelectedField:
    return SelectedField(key, lambda _source: value, type(value), None, _as_it_is, step)


def _as_it_is(_source: object, value: object) -> object:
    return value
