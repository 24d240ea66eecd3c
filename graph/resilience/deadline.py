"""A point in time after which nobody waits any more."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

# An event loop may be early by so much: uvloop counts whole milliseconds.
_EARLY: Final = 0.002


class DeadlineExceededError(Exception):
    """The deadline passed before the result was there."""


class Deadlines:
    """Sees to it that the deadlines of all requests end in time, with one timer for them all.

    A timer for each request would nearly always be cancelled unused, and takes 2 µs, as forty calls of coroutines.
    This one stays. When the earliest deadline passes that there was, it ends those that are due, and is set to the
    next.
    """

    def __init__(self) -> None:
        self._waiting: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings = math.inf

    def __len__(self) -> int:
        """How many deadlines there are of requests that wait for something."""
        return len(self._waiting)

    def watch(self, deadline: Deadline) -> None:
        """End a deadline when it passes."""
        self._waiting.add(deadline)
        if deadline.at < self._rings:
            self._ring_at(deadline.at, deadline.loop)

    def forget(self, deadline: Deadline) -> None:
        """Leave a deadline alone."""
        self._waiting.discard(deadline)

    def _ring_at(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = at
        self._timer = loop.call_at(at, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._rings = None, math.inf
        due = loop.time() + _EARLY
        passed = [deadline for deadline in self._waiting if deadline.at <= due]
        self._waiting.difference_update(passed)
        for deadline in passed:
            deadline.expire()
        if self._waiting:
            self._ring_at(min(deadline.at for deadline in self._waiting), loop)


class Deadline:
    """An absolute moment on the event loop's clock; everything that a request waits for ends at the same one.

    Whoever makes one closes it at the request's end.

    Args:
        seconds: from now.
        loop: the running event loop, for who has it at hand: with Python 3.11, to ask for it is a system call.
        deadlines: those of all requests; by default this one is alone.
    """

    __slots__ = ("_bound", "_deadlines", "at", "loop")

    def __init__(
        self, seconds: float, loop: asyncio.AbstractEventLoop | None = None, deadlines: Deadlines | None = None
    ) -> None:
        self.loop = loop or asyncio.get_running_loop()
        self.at = self.loop.time() + seconds
        self._bound: list[asyncio.Future[Any]] = []
        self._deadlines = Deadlines() if deadlines is None else deadlines

    def check(self) -> None:
        """Do nothing while there is time left.

        Raises:
            DeadlineExceededError: when there is none: work that nobody waits for had better not begin.
        """
        if self.loop.time() >= self.at:
            raise DeadlineExceededError

    def bound(self, future: asyncio.Future[T]) -> asyncio.Future[T]:
        """Let a future fail with `DeadlineExceededError` when the deadline passes; the same future.

        No timer is set for it, where `wait` sets one each time. The future must be this request's alone.
        """
        if not self._bound:
            self._deadlines.watch(self)
        self._bound.append(future)
        return future

    def close(self) -> None:
        """Let what is bound wait as long as it likes: nobody waits for it any more."""
        if self._bound:
            self._bound = []
            self._deadlines.forget(self)

    async def wait(self, work: Awaitable[T]) -> T:
        """Return the result of `work`.

        Raises:
            DeadlineExceededError: when the deadline passes first; `work` is cancelled then.
        """
        expiry = asyncio.timeout_at(self.at)
        try:
            async with expiry:
                return await work
        except TimeoutError as error:
            if expiry.expired():
                raise DeadlineExceededError from error
            raise

    def expire(self) -> None:
        """End what is bound. What is bound from now on ends in the loop's next turn."""
        bound, self._bound = self._bound, []
        # Last what began first, which is what is waited for: the others have left their calls by the time the
        # request goes on, and nobody joins a call that is about to end without a result.
        for future in reversed(bound):
            if not future.done():
                future.set_exception(DeadlineExceededError())
                # Looked at: else asyncio logs it when whoever would wait for it has gone.
                future.exception()
