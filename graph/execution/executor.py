"""Runs one operation on graphql-core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, GraphQLError
from graphql.execution import Executor, execute_root_selection_set
from graphql.language import VariableDefinitionNode, print_ast

from graph.errors import GatewayError
from graph.execution.refusals import DocumentError
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLSchema

    from graph.execution.documents import Document, Operation
    from schema.context import Context

_MAX_VARIABLE_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Result:
    """What an executed operation gave: data, and the errors of the fields that failed."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError]


async def execute(
    schema: GraphQLSchema, document: Document, operation: Operation, variables: dict[str, Any], context: Context
) -> Result:
    """Coerce the variables and execute one operation.

    Raises:
        DocumentError: when a variable's value does not fit; nothing was executed then.
    """
    prepared = Executor.build(
        schema,
        document.node,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation.name,
        max_coercion_errors=_MAX_VARIABLE_ERRORS,
        hide_suggestions=True,
    )
    if isinstance(prepared, list):
        raise DocumentError(_variable_errors(prepared))
    result = execute_root_selection_set(prepared)
    if not isinstance(result, ExecutionResult):
        result = await result
    return Result(result.data, result.errors or ())


def _variable_errors(errors: list[GraphQLError]) -> list[GraphQLError]:
    """The same errors in our own words: graphql-core's quote the value."""
    rewritten = [
        _variable_error(node)
        for error in errors
        for node in error.nodes or ()
        if isinstance(node, VariableDefinitionNode)
    ]
    # Something else than a value stopped the coercion: say so without its words.
    return rewritten[:_MAX_VARIABLE_ERRORS] or [
        GraphQLError("", original_error=GatewayError(ErrorCode.BAD_USER_INPUT))
    ]


def _variable_error(node: VariableDefinitionNode) -> GraphQLError:
    name, kind = safe_name(node.variable.name.value), print_ast(node.type)
    message = f"The variable '${name}' needs a valid value of type '{kind}'."
    return GraphQLError(message, nodes=node, original_error=GatewayError(ErrorCode.BAD_USER_INPUT, message))
