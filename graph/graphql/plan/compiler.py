"""From a validated operation to the steps of its plan.

The fields are collected by graphql-core's own function, so that their order and their merging are its own.
"""

from __future__ import annotations

from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLObjectType,
    GraphQLString,
    OperationType,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution import get_variable_values
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.language import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, VariableNode

from graph.graphql.plan.run import CardRoot, CardsRoot, Plan, TypenameRoot
from graph.graphql.plan.steps import (
    EnumStep,
    LeafStep,
    Member,
    ObjectStep,
    ProfileStep,
    Selection,
    Step,
)
from graph.graphql.plan.values import UnsupportedError, Variables, argument
from schema.query import attribute_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, GraphQLField, GraphQLSchema
    from graphql.execution.collect_fields import FieldDetails
    from graphql.language import OperationDefinitionNode, SelectionSetNode

    from graph.graphql.plan.run import Root

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
        UnsupportedError: when there can be no plan.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        if operation.operation is not OperationType.QUERY or operation.directives:
            raise UnsupportedError
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
            UnsupportedError: when something is selected that plans do not do.
        """
        return _Compiler(self, switched).plan()

    def _switches(self, selections: SelectionSetNode, visited: set[str]) -> Iterator[str]:
        for node in selections.selections:
            for directive in node.directives or ():
                if directive.name.value not in _SWITCHES:
                    raise UnsupportedError
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
                    raise UnsupportedError
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
            raise UnsupportedError
        self._values = values

    def plan(self) -> Plan:
        shape = self._shape
        query = shape.schema.query_type
        if query is None:
            raise UnsupportedError
        collected = collect_fields(shape.schema, shape.fragments, self._values, query, shape.operation)
        roots = [self._root(query, key, details) for key, details in collected.grouped_field_set.items()]
        return Plan(roots, self._steps)

    def _root(self, query: GraphQLObjectType, key: str, details: list[FieldDetails]) -> Root:
        self._steps += 1
        node = details[0].node
        name = node.name.value
        if name == _TYPENAME:
            return TypenameRoot(key, query.name)
        field = query.fields.get(name)
        if field is None:
            raise UnsupportedError
        root: type[CardRoot | CardsRoot]
        match name, str(field.type), list(field.args):
            case "card", "Card", ["cardNo" as given]:
                kind, root = field.type, CardRoot
            case "cards", "[Card]!", ["cardNos" as given]:
                kind, root = field.type.of_type.of_type, CardsRoot
            case _:
                raise UnsupportedError
        value = next(one.value for one in node.arguments or () if one.name.value == given)
        selection = self._selection(kind, details, ())
        return root(key, argument(value, field.args[given].type), selection, _nodes(details))

    def _selection(self, kind: Any, details: list[FieldDetails], path: tuple[str, ...]) -> Selection:
        if not isinstance(kind, GraphQLObjectType) or kind.is_type_of is not None:
            raise UnsupportedError
        shape = self._shape
        collected = collect_subfields(shape.schema, shape.fragments, self._values, shape.operation, kind, details)
        members: list[Member] = []
        profiles: list[ProfileStep] = []
        for key, merged in collected.grouped_field_set.items():
            self._steps += 1
            name, below = merged[0].node.name.value, (*path, key)
            if name == _TYPENAME:
                members.append(Member(key, _constant(kind.name), str, Step(_nodes(merged), below, nullable=False)))
                continue
            field = kind.fields.get(name)
            if field is None:
                raise UnsupportedError
            if (kind.name, name, str(field.type)) == ("Member", "profile", "MemberProfile"):
                profile = ProfileStep(_nodes(merged), below, selection=self._selection(field.type, merged, below))
                profiles.append(profile)
                # Null until the look-up ends, and in its place.
                members.append(Member(key, _constant(None), type(None), profile))
                continue
            members.append(self._member(key, field, merged, below))
        return Selection(members, profiles)

    def _member(self, key: str, field: GraphQLField, merged: list[FieldDetails], path: tuple[str, ...]) -> Member:
        name = attribute_of(field)
        if name is None or field.args:
            raise UnsupportedError
        nodes, nullable = _nodes(merged), not is_non_null_type(field.type)
        kind: Any = get_nullable_type(field.type)
        if is_list_type(kind):
            raise UnsupportedError
        if not is_leaf_type(kind):
            selection = self._selection(kind, merged, path)
            step: Step = ObjectStep(nodes, path, nullable=nullable, name=name, selection=selection)
        else:
            step = _leaf(kind, nodes, path, nullable=nullable, name=name)
        return Member(key, attrgetter(name), _CLEAN.get(kind), step)


def _leaf(kind: Any, nodes: list[FieldNode], path: tuple[str, ...], *, nullable: bool, name: str) -> Step:
    serialize = kind.coerce_output_value
    words = getattr(kind, "wrapped_cls", None)
    if isinstance(words, type) and issubclass(words, Enum):
        names = {word: serialize(word) for word in words}
        return EnumStep(nodes, path, nullable=nullable, name=name, serialize=serialize, names=names)
    return LeafStep(nodes, path, nullable=nullable, name=name, serialize=serialize)


def _nodes(details: list[FieldDetails]) -> list[FieldNode]:
    """Where the document selects a field: all of these places are its errors' places."""
    return [one.node for one in details]


def _constant(value: object) -> Any:
    return lambda _source: value
