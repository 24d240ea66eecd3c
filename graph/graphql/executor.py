"""Runs one operation: by its compiled plan, or on graphql-core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from graphql import ExecutionResult
from graphql.execution import Executor, execute_root_selection_set

from graph.graphql.errors import DocumentError
from graph.graphql.input_errors import MAX_VARIABLE_ERRORS, argument_errors, variable_errors
from graph.graphql.plan.cache import Plans
from graph.graphql.plan.values import UncleanError
from graph.graphql.result import Result

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from graph.context import RequestContext
    from graph.graphql.documents import Document, Operation
    from schema.context import Context

__all__ = [
    "CoreExecutor",
    "Executions",
    "OperationExecutor",
    "PlanExecutor",
    "Result",
    "build_executor",
    "execute",
]


@dataclass(slots=True)
class Executions:
    """How operations were executed, counted for metrics."""

    planned: int = 0
    """By a compiled plan."""
    unplanned: int = 0
    """On graphql-core: there was no plan, or there were values that no plan takes."""
    abandoned: int = 0
    """On graphql-core, after a plan that was not finished. More than a few are a fault of the plan."""


class OperationExecutor(Protocol):
    """What executes operations."""

    counts: Executions

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: RequestContext
    ) -> Result:
        """Coerce the variables and execute one operation.

        Raises:
            DocumentError: when a variable's value does not fit; nothing was executed then.
        """
        ...


def build_executor(kind: Literal["plan", "core"], schema: GraphQLSchema) -> OperationExecutor:
    """The executor that a setting names."""
    return PlanExecutor(schema) if kind == "plan" else CoreExecutor(schema)


async def execute(
    schema: GraphQLSchema,
    document: Document,
    operation: Operation,
    variables: dict[str, Any],
    context: Context,
) -> Result:
    """Coerce the variables and execute one operation on graphql-core.

    Raises:
        DocumentError: when a variable's value does not fit; nothing was executed then.
    """
    prepared = Executor.build(
        schema,
        document.node,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation.name,
        max_coercion_errors=MAX_VARIABLE_ERRORS,
        hide_suggestions=True,
    )
    if isinstance(prepared, list):
        raise DocumentError(variable_errors(prepared))
    result = execute_root_selection_set(prepared)
    if not isinstance(result, ExecutionResult):
        result = await result
    return Result(result.data, argument_errors(result.errors) if result.errors else ())


class CoreExecutor:
    """Executes operations on graphql-core.

    Args:
        schema: the executable schema.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self.counts = Executions()

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: RequestContext
    ) -> Result:
        """As the function `execute`."""
        self.counts.unplanned += 1
        return await execute(self._schema, document, operation, variables, context)


class PlanExecutor:
    """Executes operations by their compiled plans, and on graphql-core what plans do not do.

    What a plan cannot finish starts again on graphql-core over the same context: no upstream call is repeated, no
    budget spent and nothing audited twice, and data, errors and paths are graphql-core's.

    Args:
        schema: the executable schema.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._plans = Plans(schema)
        self.counts = Executions()

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: RequestContext
    ) -> Result:
        """As the function `execute`."""
        try:
            found = self._plans.find(document.node, operation, variables)
        except UncleanError:
            found = None
        if found is None:
            self.counts.unplanned += 1
        else:
            try:
                result = await found[0].run(context, found[1])
            except Exception:  # noqa: BLE001 - a plan does the clean case; graphql-core finds what this was
                self.counts.abandoned += 1
                context.begin_again()
            else:
                self.counts.planned += 1
                return result
        return await execute(self._schema, document, operation, variables, context)
