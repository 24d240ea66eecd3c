"""The values of a compiled operation: its variables, and the arguments made of them.

Only clean values are taken here. Whatever is not clean, a fault of the client's or a rare form, is left to
graphql-core, whose verdict is the one that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLNonNull,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution import get_variable_values
from graphql.language import ListValueNode, VariableNode
from graphql.utilities import coerce_input_literal, type_from_ast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import GraphQLLeafType, GraphQLSchema
    from graphql.language import ValueNode, VariableDefinitionNode

    Values = Mapping[str, Any]
    Argument = Callable[[Values], Any]

_ABSENT: Final = object()


class UnsupportedError(Exception):
    """Something that plans do not do; graphql-core does."""


class UncleanError(Exception):
    """A value, or the lack of one, that only graphql-core shall judge."""


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    take: Callable[[Any], Any]
    nullable: bool
    default: Any


class Variables:
    """Makes the values of one operation's variables from what came with the request.

    Raises:
        UnsupportedError: when one has a type that is not taken here.
    """

    __slots__ = ("_rules",)

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._rules = [
            (rule.name, rule.take, rule.nullable, rule.default)
            for rule in (_rule(schema, definition) for definition in definitions)
        ]

    def coerced(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The values by name; a variable without a value is not among them.

        Raises:
            UncleanError: when one does not fit, or cannot be told to fit at a glance.
        """
        values = {}
        for name, take, nullable, default in self._rules:
            value = raw.get(name, _ABSENT)
            if value is _ABSENT:
                if default is not _ABSENT:
                    values[name] = default
                elif not nullable:
                    raise UncleanError
            elif value is not None:
                values[name] = take(value)
            elif nullable:
                values[name] = None
            else:
                raise UncleanError
        return values


def argument(node: ValueNode, kind: Any) -> Argument:
    """What gives an argument's value.

    Args:
        node: the value in the document.
        kind: the argument's type, non-null.

    Raises:
        UnsupportedError: when it is a form that is not taken here.
    """
    if isinstance(node, VariableNode):
        return _variable(node)
    if isinstance(node, ListValueNode) and any(isinstance(item, VariableNode) for item in node.values):
        item_kind = _item_kind(kind)
        items = [argument(item, item_kind) for item in node.values]
        return lambda values: [item(values) for item in items]
    constant = coerce_input_literal(node, kind)
    if constant is None or constant is Undefined:
        raise UnsupportedError
    return lambda _values: constant


def switch_value(values: Values, name: str) -> bool:
    """The value of a variable that `@skip` or `@include` asks for.

    Raises:
        UncleanError: when it has none.
    """
    value = values.get(name)
    if value is None:
        raise UncleanError
    return value is True


def _variable(node: VariableNode) -> Argument:
    name = node.name.value

    def value_of(values: Values) -> Any:
        value = values.get(name)
        if value is None:
            # A default that was overruled by null: the error of the field, in graphql-core's words.
            raise UncleanError
        return value

    return value_of


def _item_kind(kind: Any) -> Any:
    item = kind.of_type.of_type
    if not isinstance(item, GraphQLNonNull):
        raise UnsupportedError
    return item


def _rule(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Rule:
    kind: Any = type_from_ast(schema, definition.type)
    if kind is None or definition.directives:
        raise UnsupportedError
    name, default = definition.variable.name.value, _ABSENT
    if definition.default_value is not None:
        coerced = get_variable_values(schema, [definition], {})
        if isinstance(coerced, list):
            raise UnsupportedError
        default = coerced.coerced.get(name, _ABSENT)
    return _Rule(name, _taker(get_nullable_type(kind)), not is_non_null_type(kind), default)


def _taker(kind: Any) -> Callable[[Any], Any]:
    """What makes the value of a variable from one that is not null."""
    if is_leaf_type(kind):
        return _leaf(kind)
    if is_list_type(kind) and is_non_null_type(kind.of_type) and is_leaf_type(kind.of_type.of_type):
        take = _leaf(kind.of_type.of_type)
        # One value stands for a list of one.
        return lambda value: [take(item) for item in value] if isinstance(value, list) else [take(value)]
    raise UnsupportedError


def _leaf(kind: GraphQLLeafType) -> Callable[[Any], Any]:
    coerce = kind.coerce_input_value

    def take(value: Any) -> Any:
        try:
            taken = None if value is None else coerce(value)
        except Exception:  # noqa: BLE001 - as in graphql-core: whatever a scalar raises, the value does not fit
            # `from None`: its traceback would keep the refused value in memory, frame by frame.
            raise UncleanError from None
        if taken is None or taken is Undefined:
            raise UncleanError
        return taken

    return take
