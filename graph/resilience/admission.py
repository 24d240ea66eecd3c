"""How many pieces of work may run at once; what is beyond is refused at once instead of waiting."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import TracebackType

# For so long after the last place was taken, places are taken for scarce.
_CROWDED_SECONDS: Final = 0.1


class AtCapacityError(Exception):
    """As much runs as may; the same work may find room a little later."""


class Admission:
    """Counts what runs. Use it as a context manager around each piece of work.

    Args:
        limit: how many may run at once.
        clock: monotonic seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.running = 0
        self._clock = clock
        self._expected = 0
        self._crowded_until = -math.inf

    @property
    def full(self) -> bool:
        """Whether the next one would be refused."""
        return self.running >= self.limit

    @property
    def booked_up(self) -> bool:
        """Whether it is full, or will be once all have begun that are about to; the latter only while crowded."""
        return self.running + self._expected >= self.limit and (self.full or self._is_crowded())

    def expect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count one that has been let in and is going to begin in the next turn of the event loop.

        Else of many that come in one turn, all would be let in that find one place free, and refused later, which
        costs several times as much. One that does not begin then is forgotten: the rest of it is still to come, or
        it never takes a place. Because of those, who has room is not kept out unless it was full a moment ago.
        """
        if not self._is_crowded():
            return
        if not self._expected:
            loop.call_soon(self._forget_expected)
        self._expected += 1

    def _is_crowded(self) -> bool:
        return 2 * self.running >= self.limit and self._clock() < self._crowded_until

    def _forget_expected(self) -> None:
        self._expected = 0

    def __enter__(self) -> Self:
        if self.full:
            raise AtCapacityError
        self.running += 1
        if self.running == self.limit:
            self._crowded_until = self._clock() + _CROWDED_SECONDS
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.running -= 1
