"""A viewer's budgets: requests, cost, and distinct cards.

Counting distinct cards is what stops enumeration; see OWASP's GraphQL cheat sheet.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.security.errors import RateLimitedError
from graph.security.limiter import Bucket, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.authorization import Allowance, Viewer
    from graph.security.card_refs import CardRefs
    from graph.security.limiter import Limiter

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_VIEWERS: Final = 1_000


class CostStatus(NamedTuple):
    """A viewer's cost budget after a request; the figures of `extensions.cost`."""

    requested: int
    available: int
    maximum: int
    restore_rate: int


class ViewerBudgets(NamedTuple):
    """One viewer's buckets and windows, kept because viewers come again."""

    ref: str
    requests: Bucket
    cost: Bucket
    cards: tuple[Window, Window]


class Budgets:
    """Spends viewers' budgets.

    Args:
        limiter: keeps what was spent, locally or shared.
        refs: stand for viewers, so that no store sees an e-mail address.
        may_wait: whether the limiter uses the network.
    """

    def __init__(self, limiter: Limiter, refs: CardRefs, *, may_wait: bool = True) -> None:
        self.may_wait: Final = may_wait
        """Whether spending needs a deadline of its own."""
        self._limiter = limiter
        self._refs = refs
        # A reloaded key file may bring new allowances.
        self._budgets_of = functools.lru_cache(_VIEWERS)(self._new_budgets)

    async def spend_request(self, viewer: Viewer) -> None:
        """Count one request.

        Raises:
            RateLimitedError: it is one too many.
        """
        if viewer.allowance is None:
            return
        budgets = self._budgets_of(viewer.id, viewer.allowance)
        taken = await self._limiter.take(f"{budgets.ref}:requests", budgets.requests, 1)
        if not taken.allowed:
            raise RateLimitedError("requests", taken.retry_after_ms)

    async def spend_cost(self, viewer: Viewer, cost: int, paid: int = 0) -> CostStatus | None:
        """Count the cost of one operation; returns None for a viewer without limits.

        Args:
            viewer: whose budget it is.
            cost: negative to give back what was not needed.
            paid: what was counted of the same operation before. It is not given back if the rest is refused.

        Raises:
            RateLimitedError: it is more than is left. It says when there is enough for the whole operation.
        """
        allowance = viewer.allowance
        if allowance is None:
            return None
        budgets = self._budgets_of(viewer.id, allowance)
        taken = await self._limiter.take(f"{budgets.ref}:cost", budgets.cost, cost)
        if not taken.allowed:
            again = math.ceil(paid * 1000 / budgets.cost.rate)
            raise RateLimitedError("cost", taken.retry_after_ms + again)
        return CostStatus(cost, int(taken.remaining), allowance.cost_burst, int(budgets.cost.rate))

    async def spend_cards(self, viewer: Viewer, refs: Sequence[str]) -> list[RateLimitedError | None]:
        """Count cards, by their references, before they are looked up.

        Returns:
            For each None, or the error of one too many.
        """
        if viewer.allowance is None or not refs:
            return [None] * len(refs)
        budgets = self._budgets_of(viewer.id, viewer.allowance)
        waits = await self._limiter.add(f"{budgets.ref}:cards", budgets.cards, refs)
        return [RateLimitedError("cards", wait) if wait else None for wait in waits]

    def _new_budgets(self, viewer_id: str, allowance: Allowance) -> ViewerBudgets:
        return ViewerBudgets(
            self._refs.of_viewer(viewer_id),
            Bucket(allowance.requests_per_second, allowance.request_burst),
            Bucket(allowance.cost_per_second, allowance.cost_burst),
            (Window(_MINUTE, allowance.cards_per_minute), Window(_HOUR, allowance.cards_per_hour)),
        )
