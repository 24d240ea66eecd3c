"""Concurrency limits: a fixed one, and one that adapts to the upstream."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class AtCapacityError(Exception):
    """The concurrency limit is reached; the same work may be accepted a little later."""


class Admission:
    """Limits concurrent work, and rejects what exceeds the limit at once. Use it as a context manager."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0

    def check(self) -> None:
        """Check that there is room, before preparing work.

        Raises:
            AtCapacityError: there is none.
        """
        if self.running >= self.limit:
            raise AtCapacityError

    def __enter__(self) -> None:
        self.check()
        self.running += 1

    def __exit__(self, *_exception: object) -> None:
        self.running -= 1


class NoSlotError(AtCapacityError):
    """No slot became free in time: there are more calls than the upstream can take."""


@dataclass(frozen=True, slots=True)
class SlotRules:
    """Bounds of the number of slots, and how it adapts."""

    most: int = 64
    least: int = 4
    """Enough to notice that the upstream has recovered; the breaker handles one that is down."""
    decrease: float = 0.8
    """The factor applied to the limit after a lost call."""
    pause: float = 1.0
    """Minimum seconds between two decreases: calls that are lost together share one reason."""


class Slots:
    """Slots for calls, handed out first come, first served. The limit follows TCP's rule (AIMD).

    It grows by one for every full round of good responses, and shrinks by a factor when a call is lost; see
    Netflix's "concurrency-limits".

    Args:
        rules: the bounds.
        clock: monotonic seconds.
        on_change: called with each new limit.
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
        """How many calls may hold a slot."""
        self.in_use = 0
        """How many calls hold a slot."""

    def try_take(self) -> bool:
        """Take a slot if one is free; returns whether it was."""
        # Nobody waits while a slot is free, because `release` hands it on.
        if self.in_use >= self.limit:
            return False
        self.in_use += 1
        return True

    async def take(self, wait: float | None) -> None:
        """Take a slot; return it with `release`.

        Args:
            wait: seconds; None for no limit.

        Raises:
            NoSlotError: none became free in time.
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
                # It got a slot at the very moment it left.
                self.in_use -= 1
                self._wake()
            if isinstance(error, TimeoutError):
                raise NoSlotError from None
            raise

    def release(self, *, lost: bool | None) -> None:
        """Return a slot.

        Args:
            lost: whether the upstream did not answer or reported overload; None if unknown.
        """
        before = self.limit
        if lost:
            self._decrease()
        elif lost is False and self._exact < self._rules.most and 2 * self.in_use >= self._exact:
            # Only a limit that is nearly reached has proved to be safe.
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
