"""What is wrong with the values that a client gave, in our own words: graphql-core's quote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import GraphQLError
from graphql.language import ValueNode, VariableDefinitionNode, VariableNode, print_ast

from graph.errors import GatewayError
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_VARIABLE_ERRORS: Final = 5


def variable_errors(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """The errors of variables whose values do not have their types."""
    rewritten = [
        _variable_error(node)
        for error in errors
        for node in error.nodes or ()
        if isinstance(node, VariableDefinitionNode)
    ]
    # Something else than a value stopped the coercion: say so without its words.
    return rewritten[:MAX_VARIABLE_ERRORS] or [
        GraphQLError("", original_error=GatewayError(ErrorCode.BAD_USER_INPUT))
    ]


def argument_errors(errors: Sequence[GraphQLError]) -> Sequence[GraphQLError]:
    """The errors of an execution, those of arguments in our own words and with their code.

    A valid document can still have them: null for a variable whose default value made it fit, for example.
    """
    return [_argument_error(error) for error in errors]


def _variable_error(node: VariableDefinitionNode) -> GraphQLError:
    name, kind = safe_name(node.variable.name.value), print_ast(node.type)
    return _bad_input(
        f"The variable '${name}' needs a valid value of type '{kind}'.", GraphQLError("", nodes=node)
    )


def _argument_error(error: GraphQLError) -> GraphQLError:
    first = error
    while isinstance(first.original_error, GraphQLError):
        first = first.original_error
    node = first.nodes[0] if first.nodes else None
    # graphql-core's own errors have no cause. Only those of input values point at one: of a field that gives what
    # its type cannot hold, which is a fault of ours, graphql-core knows no place but the field's.
    if first.original_error is not None or not isinstance(node, ValueNode):
        return error
    if isinstance(node, VariableNode):
        return _bad_input(f"The variable '${safe_name(node.name.value)}' must have a value here, not null.", error)
    return _bad_input(None, error)


def _bad_input(message: str | None, error: GraphQLError) -> GraphQLError:
    cause = GatewayError(ErrorCode.BAD_USER_INPUT, message)
    return GraphQLError(cause.message, error.nodes, path=error.path, original_error=cause)
