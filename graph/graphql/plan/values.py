"""The values of a compiled operation: its variables and arguments. What does not fit is left to graphql-core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from graphql import Undefined, get_nullable_type, is_leaf_type, is_non_null_type, is_required_argument
from graphql.execution import get_variable_values
from graphql.execution.values import VariableValues
from graphql.language import ListValueNode, ObjectValueNode, VariableNode
from graphql.utilities import coerce_input_literal, coerce_input_value, type_from_ast
from graphql.utilities.coerce_input_value import coerce_default_value

from graph.graphql.plan import FallbackToGraphQLCore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import GraphQLArgument, GraphQLField, GraphQLSchema
    from graphql.language import FieldNode, ValueNode, VariableDefinitionNode

Values: TypeAlias = "Mapping[str, Any]"

_ABSENT: Final = object()


class Variables:
    """Coerces the variables of one operation.

    Raises:
        FallbackToGraphQLCore: when a declaration cannot be planned.
    """

    __slots__ = ("_rules",)

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._rules = [_rule(schema, definition) for definition in definitions]

    def coerce(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values by name, without the variables that have none.

        Raises:
            FallbackToGraphQLCore: when a value does not fit.
        """
        values = {}
        for name, kind, parse, default, required in self._rules:
            value = raw.get(name, _ABSENT)
            if value is _ABSENT:
                if default is not _ABSENT:
                    values[name] = default
                elif required:
                    raise FallbackToGraphQLCore
            else:
                try:
                    # graphql-core takes much longer to find out that a type is a scalar.
                    coerced = coerce_input_value(value, kind) if value is None or parse is None else parse(value)
                except Exception:  # noqa: BLE001 - the value does not fit, for whatever reason
                    coerced = Undefined
                if coerced is Undefined:
                    raise FallbackToGraphQLCore
                values[name] = coerced
        return values


class Arguments:
    """Coerces the arguments of one field.

    Raises:
        FallbackToGraphQLCore: when an argument cannot be planned.
    """

    __slots__ = ("_constant", "_variable")

    def __init__(self, field: GraphQLField, node: FieldNode) -> None:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        self._constant: dict[str, Any] = {}
        self._variable: list[tuple[str, Callable[[Values], Any]]] = []
        for name, argument in field.args.items():
            value = given.get(name)
            if value is not None and _has_variables(value):
                self._variable.append((name, _from_variables(value, argument)))
                continue
            constant = (
                coerce_default_value(argument) if value is None else coerce_input_literal(value, argument.type)
            )
            if constant is not Undefined:
                self._constant[name] = constant
            elif value is not None or is_required_argument(argument):
                raise FallbackToGraphQLCore

    def of(self, values: Values) -> Mapping[str, Any]:
        """Return the arguments by name, without those that have no value.

        Raises:
            FallbackToGraphQLCore: when one does not fit.
        """
        if not self._variable:
            return self._constant
        arguments = dict(self._constant)
        for name, value_of in self._variable:
            value = value_of(values)
            if value is not Undefined:
                arguments[name] = value
        return arguments


def switch_value(values: Values, name: str) -> bool:
    """Return the value of a variable of `@skip` or `@include`.

    Raises:
        FallbackToGraphQLCore: when it is missing or null.
    """
    value = values.get(name)
    if value is None:
        raise FallbackToGraphQLCore
    return value is True


def _has_variables(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_has_variables(item) for item in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variables(field.value) for field in node.fields)
    return isinstance(node, VariableNode)


def _from_variables(node: ValueNode, argument: GraphQLArgument) -> Callable[[Values], Any]:
    kind = argument.type
    if not isinstance(node, VariableNode):

        def coerced(values: Values) -> Any:
            value = coerce_input_literal(node, kind, VariableValues({}, dict(values)))
            if value is Undefined:
                raise FallbackToGraphQLCore
            return value

        return coerced
    name, default, non_null = node.name.value, coerce_default_value(argument), is_non_null_type(kind)
    required = is_required_argument(argument)

    def given(values: Values) -> Any:
        value = values.get(name, Undefined)
        if value is Undefined and not required:
            return default
        if value is Undefined or (value is None and non_null):
            # Null overrules a default: an error of the field.
            raise FallbackToGraphQLCore
        return value

    return given


def _rule(
    schema: GraphQLSchema, definition: VariableDefinitionNode
) -> tuple[str, Any, Callable[[Any], Any] | None, Any, bool]:
    """Return a variable's name, type, parser (of a scalar), default, and whether it is required."""
    kind: Any = type_from_ast(schema, definition.type)
    if kind is None or definition.directives:
        raise FallbackToGraphQLCore
    name, default = definition.variable.name.value, _ABSENT
    if definition.default_value is not None:
        coerced = get_variable_values(schema, [definition], {})
        if isinstance(coerced, list):
            raise FallbackToGraphQLCore
        default = coerced.coerced.get(name, _ABSENT)
    named = get_nullable_type(kind)
    parse = named.coerce_input_value if is_leaf_type(named) else None
    return name, kind, parse, default, is_non_null_type(kind)
