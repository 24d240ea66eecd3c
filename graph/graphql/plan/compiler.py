"""Compiles a validated operation to a plan.

graphql-core's own functions collect the fields, so that they are ordered and merged as graphql-core does it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLString,
    OperationType,
    get_named_type,
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

from graph.graphql.fields import ByOrigin, Leaf, LookUp, Read, TypeOf
from graph.graphql.plan import FallbackToGraphQLCore
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
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema
    from graphql.execution.collect_fields import CollectedFields, FieldDetails
    from graphql.language import FieldNode, OperationDefinitionNode, SelectionSetNode

    from graph.graphql.fields import Origins
    from graph.graphql.plan.steps import Step

_TYPENAME: Final = "__typename"
_SWITCHES: Final = ("skip", "include")
# Values of these scalars need no serializing.
_CLEAN: Final[Mapping[Any, type]] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}


class Shape:
    """What all plans of one operation of a valid document have in common.

    Raises:
        FallbackToGraphQLCore: when the operation cannot be planned.
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
        """The variables of `@skip` and `@include`, in the order of the document."""

    def plan(self, switched: Mapping[str, bool]) -> Plan:
        """Compile the plan for these values of the switches.

        Raises:
            FallbackToGraphQLCore: when it selects something that plans cannot execute.
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
        return Plan(self._selection(query, collected, (), None), self._steps)

    def _selection(
        self, kind: GraphQLObjectType, collected: CollectedFields, path: tuple[str, ...], origin: Hashable
    ) -> Selection:
        if kind.is_type_of is not None:
            raise FallbackToGraphQLCore
        blank: dict[str, Any] = {}
        fields: list[SelectedField] = []
        look_ups: list[SelectedLookUp] = []
        leaves: list[Leaf] = []
        for key, details in collected.grouped_field_set.items():
            self._steps += 1
            nodes, below = [one.node for one in details], (*path, key)
            name = nodes[0].name.value
            blank[key] = kind.name if name == _TYPENAME else None
            if name == _TYPENAME:
                continue
            field = kind.fields.get(name)
            resolve: Any = None if field is None else field.resolve
            if isinstance(resolve, ByOrigin):
                resolve = resolve.resolvers.get(origin)
            if field is None or not isinstance(resolve, Read | LookUp):
                raise FallbackToGraphQLCore
            step = self._step(field.type, details, nodes, below, resolve.origins)
            if is_leaf_type(get_named_type(field.type)):
                leaves.append(Leaf(key, name, resolve.form))
            if isinstance(resolve, Read):
                clean, convert = _clean(resolve, step)
                fields.append(SelectedField(key, resolve.read, clean, convert, resolve.show, step))
            else:
                look_ups.append(SelectedLookUp(key, resolve, Arguments(field, nodes[0]), step))
        return Selection(blank, fields, look_ups, leaves)

    def _step(
        self,
        kind: Any,
        details: list[FieldDetails],
        nodes: list[FieldNode],
        path: tuple[str, ...],
        origins: Origins,
    ) -> Step:
        nullable = not is_non_null_type(kind)
        kind = get_nullable_type(kind)
        if is_list_type(kind):
            # Below a list, paths begin at the item.
            item = self._step(kind.of_type, details, nodes, (), origins)
            return ListStep(nodes=nodes, path=path, nullable=nullable, looks_up=item.looks_up, item=item)
        if is_object_type(kind):
            (origin,) = origins.get(kind.name, (None,))
            selection = self._subselection(kind, details, path, origin)
            looks_up = selection.looks_up
            return ObjectStep(nodes=nodes, path=path, nullable=nullable, looks_up=looks_up, selection=selection)
        if is_leaf_type(kind):
            serialize, words = kind.coerce_output_value, getattr(kind, "wrapped_cls", None)
            names = None
            if isinstance(words, type) and issubclass(words, Enum):
                names = {word: serialize(word) for word in words}
            return LeafStep(
                nodes=nodes, path=path, nullable=nullable, serialize=serialize, names=names, clean=_CLEAN.get(kind)
            )
        if is_abstract_type(kind) and isinstance(kind.resolve_type, TypeOf):
            selections = {
                (each.name, origin): self._subselection(each, details, path, origin)
                for each in self._shape.schema.get_possible_types(kind)
                for origin in origins.get(each.name, ())
            }
            return AbstractStep(
                nodes=nodes,
                path=path,
                nullable=nullable,
                looks_up=any(selection.looks_up for selection in selections.values()),
                type_of=kind.resolve_type,
                selections=selections,
            )
        raise FallbackToGraphQLCore

    def _subselection(
        self, kind: GraphQLObjectType, details: list[FieldDetails], path: tuple[str, ...], origin: Hashable
    ) -> Selection:
        shape = self._shape
        collected = collect_subfields(shape.schema, shape.fragments, self._values, shape.operation, kind, details)
        return self._selection(kind, collected, path, origin)


def _clean(resolve: Read, step: Step) -> tuple[type | None, Callable[[Any], Any] | None]:
    """Return `clean` and `convert` of a `SelectedField`."""
    if not isinstance(step, LeafStep):
        return None, None
    if resolve.plain:
        return (int, step.serialize) if step.clean is None else (step.clean, None)
    words, names = resolve.words, step.names
    if words is None or names is None:
        return None, None
    return str, _Names({word: names[member] for word, member in words.items()}).__getitem__


class _Names(dict[Any, str]):
    """An enum's names by the raw strings, and by None that of any other string."""

    def __missing__(self, _word: object) -> str:
        return self[None]
