"""A viewer's budgets: requests, cost, and distinct cards.

OWASP's GraphQL cheat sheet: against enumeration, limit distinct objects, not requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graph.security.errors import RateLimitedError
from graph.security.limiter import Bucket, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.card_refs import CardRefs
    from graph.security.limiter import Limiter
    from graph.security.viewer import Allowance, Viewer
    from schema.secrets import CardNo

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class CostStatus:
    """What is left of a viewer's cost budget after a request; the figures of `extensions.cost`."""

    requested: int
    available: int
    maximum: int
    restore_rate: int


class Budgets:
    """Spends viewers' budgets.

    Args:
        limiter: keeps what was spent, here or shared.
        refs: names cards and viewers, so that a store never sees a number or an address.
    """

    def __init__(self, limiter: Limiter, refs: CardRefs) -> None:
        self._limiter = limiter
        self._refs = refs

    async def spend_request(self, viewer: Viewer) -> None:
        """Count one request.

        Raises:
            RateLimitedError: when it is one too many.
        """
        allowance = viewer.allowance
        if allowance is None:
            return
        bucket = Bucket(allowance.requests_per_second, allowance.request_burst)
        taken = await self._limiter.take(self._key(viewer, "requests"), bucket, 1)
        if not taken.allowed:
            raise RateLimitedError("requests", taken.retry_after_ms)

    async def spend_cost(self, viewer: Viewer, cost: int) -> CostStatus | None:
        """Count the cost of one operation; None for a viewer without bounds.

        Raises:
            RateLimitedError: when it is more than is left.
        """
        allowance = viewer.allowance
        if allowance is None:
            return None
        bucket = Bucket(allowance.cost_per_second, allowance.cost_burst)
        taken = await self._limiter.take(self._key(viewer, "cost"), bucket, cost)
        if not taken.allowed:
            raise RateLimitedError("cost", taken.retry_after_ms)
        return CostStatus(cost, int(taken.remaining), allowance.cost_burst, int(allowance.cost_per_second))

    async def spend_cards(self, viewer: Viewer, card_nos: Sequence[CardNo]) -> list[RateLimitedError | None]:
        """Count cards, before anything is known of them: for each None, or the error of one too many."""
        allowance = viewer.allowance
        if allowance is None or not card_nos:
            return [None] * len(card_nos)
        waits = await self._limiter.add(
            self._key(viewer, "cards"), _windows(allowance), [self._refs.of(card_no) for card_no in card_nos]
        )
        return [RateLimitedError("cards", wait) if wait else None for wait in waits]

    def _key(self, viewer: Viewer, budget: str) -> str:
        return f"{self._refs.of_viewer(viewer.id)}:{budget}"


def _windows(allowance: Allowance) -> tuple[Window, Window]:
    return Window(_MINUTE, allowance.cards_per_minute), Window(_HOUR, allowance.cards_per_hour)
