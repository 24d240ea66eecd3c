"""How many calls may be under way at once: fewer while the upstream shows that it has too many.

The rule is TCP's: one more for every full round of good answers, a part fewer when a call is lost. See "Netflix
concurrency-limits" (AIMD).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graph.resilience.admission import AtCapacityError

if TYPE_CHECKING:
    from collections.abc import Callable


class NoSlotError(AtCapacityError):
    """No slot became free in time: more is asked than the upstream can take."""


@dataclass(frozen=True, slots=True)
class SlotRules:
    """Bounds of the number of slots, and how it moves."""

    most: int = 64
    least: int = 4
    decrease: float = 0.8
    """What is left of the limit after a lost call."""
    pause: float = 1.0
    """Seconds between two decreases: calls that are lost together are lost for one reason."""


class Slots:
    """Slots for calls, handed out in the order in which they are asked for.

    Args:
        rules: how many there are.
        clock: monotonic seconds.
        on_change: told of each new limit.
    """

    def __init__(
        self, rules: SlotRules, clock: Callable[[], float], on_change: Callable[[int], None] = lambda _limit: None
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._on_change = on_change
        self._exact = float(rules.most)
        self._decreased_at: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.limit = rules.most
        """How many may hold a slot."""
        self.in_use = 0
        """How many calls hold a slot."""

    def try_take(self) -> bool:
        """Take a slot if one is free; whether it was."""
        # Nobody waits while a slot is free: `release` hands it on.
        if self.in_use >= self.limit:
            return False
        self.in_use += 1
        return True

    async def take(self, wait: float | None) -> None:
        """Take a slot, to be given back by `release`.

        Args:
            wait: seconds; None for no bound.

        Raises:
            NoSlotError: when none becomes free in time.
        """
        if self.try_take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # It was given a slot in the moment in which it left.
                self.in_use -= 1
                self._wake()
            if isinstance(error, TimeoutError):
                raise NoSlotError from None
            raise

    def release(self, *, lost: bool | None) -> None:
        """Give a slot back.

        Args:
            lost: whether the upstream did not answer, or said that it has too much to do; None when that is not
                known.
        """
        before = self.limit
        if lost:
            self._decrease()
        elif lost is False and self._exact < self._rules.most and 2 * self.in_use >= self._exact:
            # Only a limit that is in use was shown to be none too high.
            self._move(min(self._rules.most, self._exact + 1 / self._exact))
        self.in_use -= 1
        if self._waiting:
            self._wake()
        if self.limit != before:
            self._on_change(self.limit)

    def _decrease(self) -> None:
        now = self._clock()
        if self._decreased_at is None or now - self._decreased_at >= self._rules.pause:
            self._decreased_at = now
            self._move(max(self._rules.least, self._exact * self._rules.decrease))

    def _move(self, exact: float) -> None:
        self._exact = exact
        self.limit = int(exact)

    def _wake(self) -> None:
        while self._waiting and self.in_use < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_use += 1
                turn.set_result(None)
