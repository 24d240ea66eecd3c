"""What one request pays for an operation whose lists have lengths that only their look-ups tell.

It pays for the assumed lengths before it is executed. When the length of a list becomes known, the price is
corrected. What is missing is charged before anything else is looked up; what is left over is returned at the end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from graph.graphql.cost import ASSUMED_SIZE, ListId
from graph.graphql.errors import DocumentError, limit_exceeded
from graph.security.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from graphql import FieldNode

    from graph.graphql.operation import Operation
    from graph.security.budgets import CostStatus


class Spend(Protocol):
    """Charges the viewer of a request."""

    def __call__(self, cost: int, paid: int = 0) -> Awaitable[CostStatus | None]:
        """Charge a cost, or give back a negative one; see `graph.security.budgets`."""
        ...


class Bill:
    """The price of one execution, as far as it is known, and what was charged of it.

    Args:
        operation: which is executed.
        variables: coerced or not.
        paid: what was charged before the execution: the price with the assumed lengths.
        spend: charges what is missing, and gives back what is left over.
        status: the viewer's budget after what was paid.
    """

    def __init__(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        paid: int,
        spend: Spend,
        status: CostStatus | None,
    ) -> None:
        self.cost = paid
        """The price with the lengths that are known."""
        self.status = status
        """The viewer's budget after the last charge; None if it has none."""
        self.on_refusal: Callable[[Exception], None] = lambda _error: None
        """Called when the whole operation is refused."""
        self._refusal: DocumentError | BudgetError | None = None
        self._operation = operation
        self._variables = variables
        self._requested = self._paid = paid
        self._spend = spend
        self._items: dict[ListId, list[int]] = {}
        self._paying = asyncio.Lock()

    def count(self, nodes: Sequence[FieldNode], length: int, *, of_keys: bool = False) -> None:
        """Correct the price, now that the length of a list is known; see `CountList`."""
        for node in nodes:
            of = ListId(node.loc.start if node.loc else 0, of_keys)
            if of in self._operation.lists:
                costs = self._items.get(of)
                if costs is None:
                    costs = self._items[of] = self._operation.item_costs(of, self._variables)
                # Never too little, if a fragment has items that cost more in some places than in others.
                self.cost += max((length - ASSUMED_SIZE) * cost for cost in costs)

    async def pay(self) -> None:
        """Charge what is missing. Nothing may be looked up before this returns.

        Raises:
            DocumentError: when the operation costs more than it may.
            BudgetError: when it costs more than the viewer has left, or ever has.
        """
        # Others wait for a payment that is under way, which may be refused.
        async with self._paying:
            if self._refusal is None and self.cost > self._paid:
                try:
                    await self._pay(self.cost)
                except (DocumentError, BudgetError) as refusal:
                    self._refusal = refusal
                    self.on_refusal(refusal)
            if self._refusal is not None:
                raise self._refusal

    async def _pay(self, cost: int) -> None:
        maximum = self._operation.max_cost
        if cost > maximum:
            raise limit_exceeded("cost", maximum)
        self.status = await self._spend(cost - self._paid, self._paid)
        self._paid = cost

    async def close(self) -> None:
        """Give back what was charged and not needed."""
        if self.cost < self._paid:
            self.status = await self._spend(self.cost - self._paid)
            self._paid = self.cost

    def begin_again(self) -> None:
        """Forget the known lengths, because the operation is executed again."""
        self.cost = self._requested
