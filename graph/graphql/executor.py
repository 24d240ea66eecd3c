"""Executes an operation by its compiled plan, or on graphql-core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from graphql import ExecutionResult
from graphql.execution import Executor, execute_root_selection_set

from graph.graphql.errors import MAX_VARIABLE_ERRORS, DocumentError, argument_errors, variable_errors
from graph.graphql.fields import CoreRun
from graph.graphql.plan import FallbackToGraphQLCore
from graph.graphql.plan.cache import Plans
from graph.graphql.plan.steps import Result
from graph.graphql.resolvers import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graphql import GraphQLSchema

    from graph.context import RequestContext
    from graph.graphql.bill import Bill
    from graph.graphql.operation import Document, Operation
    from graph.graphql.plan.steps import Plan


@dataclass(slots=True)
class Executions:
    """Counts how operations were executed, for metrics."""

    planned: int = 0
    """Executed by a compiled plan."""
    unplanned: int = 0
    """Executed on graphql-core, because there was no plan, or a value did not fit."""
    abandoned: int = 0
    """Executed on graphql-core, after a plan gave up. More than a few indicate a bug in plans."""


class OperationExecutor:
    """Executes operations by their plans, or on graphql-core.

    What a plan cannot finish starts again on graphql-core in the same context, so that no upstream call is
    repeated, no budget spent and nothing audited twice.

    Args:
        schema: see `graph.graphql.bindings`.
        kind: `core` executes everything on graphql-core, for tests that compare the two.
        on_unplanned: called once for each operation that has no plan.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        kind: Literal["plan", "core"] = "plan",
        on_unplanned: Callable[[Document, Operation], None] = lambda _document, _operation: None,
    ) -> None:
        self._schema = schema
        self._plans = Plans(schema) if kind == "plan" else None
        self._on_unplanned = on_unplanned
        self.counts = Executions()

    async def execute(
        self,
        document: Document,
        operation: Operation,
        variables: dict[str, Any],
        context: RequestContext,
        bill: Bill | None = None,
    ) -> Result:
        """Execute an operation; what it shows is returned only after the audit log has it.

        Args:
            document: which holds the operation.
            operation: to execute.
            variables: as they came.
            context: of the request.
            bill: of an operation with lists of assumed length.

        Raises:
            DocumentError: when a variable does not fit, and nothing was executed; or when it costs too much.
            BudgetError: when it costs more than the viewer has left, or ever has.
        """
        execution = self._execute(document, operation, variables, context)
        result = await (execution if bill is None else _unless_refused(execution, bill, context))
        if await context.settle(result.shown):
            return result
        # Again, from the look-ups in the context: what could not be recorded is an error now.
        context.begin_again()
        return await self._execute(document, operation, variables, context)

    async def _execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: RequestContext
    ) -> Result:
        root = Source(context.viewer, None, None, context)
        found = None if self._plans is None else self._planned(self._plans, document, operation, variables)
        if found is None:
            self.counts.unplanned += 1
        else:
            plan, values = found
            try:
                result = await plan.run(root, values, context.count)
            except FallbackToGraphQLCore:
                self.counts.abandoned += 1
                context.begin_again()
            else:
                self.counts.planned += 1
                context.by_plan = True
                return result
        return await _execute_on_core(self._schema, document, operation, variables, root)

    def _planned(
        self, plans: Plans, document: Document, operation: Operation, variables: dict[str, Any]
    ) -> tuple[Plan, dict[str, Any]] | None:
        try:
            found = plans.find(operation.prepared, document.node, operation.node, variables)
        except FallbackToGraphQLCore:
            return None
        if found is None and not operation.prepared.reported:
            operation.prepared.reported = True
            self._on_unplanned(document, operation)
        return found


async def _unless_refused(execution: Awaitable[Result], bill: Bill, context: RequestContext) -> Result:
    """Execute an operation; if its bill is refused, nothing of it is returned."""
    context.loader.bill, context.count, bill.on_refusal = bill, bill.count, context.loader.abandon
    result = await execution
    # Also what lists add of which nothing more was looked up.
    await bill.pay()
    return result


async def _execute_on_core(
    schema: GraphQLSchema, document: Document, operation: Operation, variables: dict[str, Any], root: Source
) -> Result:
    run = CoreRun(root.context.count)
    prepared = Executor.build(
        schema,
        document.node,
        root_value=root,
        context_value=run,
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
    errors = argument_errors(result.errors) if result.errors else ()
    return Result(result.data, errors, run.shown(result.data))
