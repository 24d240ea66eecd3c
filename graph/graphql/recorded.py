"""Executes operations, and gives out personal data only when it is on record who has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph.context import RequestContext
    from graph.graphql.documents import Document, Operation
    from graph.graphql.executor import OperationExecutor
    from graph.graphql.result import Result


class OnRecordExecutor:
    """Executes operations once more where what they read could not be put on record: without the personal fields.

    Args:
        inner: executes them. A second time it finds in the context what was looked up the first time.
    """

    def __init__(self, inner: OperationExecutor) -> None:
        self._inner = inner
        self.counts = inner.counts

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: RequestContext
    ) -> Result:
        """As `OperationExecutor.execute`."""
        result = await self._inner.execute(document, operation, variables, context)
        if context.settle():
            return result
        context.begin_again()
        return await self._inner.execute(document, operation, variables, context)
