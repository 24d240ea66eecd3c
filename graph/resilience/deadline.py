"""A point in time after which nobody waits any more."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

# An event loop may be early by this much: uvloop counts whole milliseconds.
_EARLY: Final = 0.002
# The least time between two looks, so that ten thousand connections cannot keep the timer busy.
_APART: Final = 0.01


class DeadlineExceededError(Exception):
    """The deadline passed before the result was there."""


class Expiring(Protocol):
    """Something that ends at a moment, such as a request or a connection."""

    at: float
    """By the event loop's clock; infinity while it waits for nothing. It may move."""

    def expire(self) -> None:
        """The moment has passed."""
        ...


class DeadlineTimer:
    """Expires many things in time, with one timer.

    A timer for each of them would nearly always be cancelled unused, and costs as much as forty calls. This one
    rings when the earliest moment passes that it knew, expires what is due, and is set to the next moment.

    Who moves a moment to a later one only sets `at`; who moves it to an earlier one calls `watch` again.
    """

    def __init__(self) -> None:
        self._watched: set[Expiring] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def __len__(self) -> int:
        """How many things are watched."""
        return len(self._watched)

    def watch(self, thing: Expiring) -> None:
        """Expire a thing, once, when its moment has passed."""
        self._watched.add(thing)
        if thing.at < self._rings_at:
            self._ring_at(thing.at)

    def forget(self, thing: Expiring) -> None:
        """Leave a thing alone."""
        self._watched.discard(thing)

    def _ring_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer, self._rings_at = None, math.inf
        try:
            for thing in [each for each in self._watched if each.at <= now + _EARLY]:
                # The end of one thing may have ended this one, or given it more time.
                if thing in self._watched and thing.at <= now + _EARLY:
                    self._watched.discard(thing)
                    thing.expire()
        finally:
            # Also after a fault, for the sake of the others.
            earliest = min((each.at for each in self._watched), default=math.inf)
            if earliest < self._rings_at:
                self._ring_at(max(earliest, now + _APART))


class Deadline:
    """An absolute moment on the event loop's clock; everything that a request waits for ends at the same one.

    Whoever makes one closes it at the request's end.

    Args:
        seconds: from now.
        timer: of all requests; by default this deadline has its own.
    """

    __slots__ = ("_bound", "_timer", "at", "loop")

    def __init__(self, seconds: float, timer: DeadlineTimer | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.at = self.loop.time() + seconds
        self._bound: list[asyncio.Future[Any]] = []
        self._timer = DeadlineTimer() if timer is None else timer

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
            self._timer.watch(self)
        self._bound.append(future)
        return future

    def close(self) -> None:
        """Let what is bound wait as long as it likes: nobody waits for it any more."""
        if self._bound:
            self._bound = []
            self._timer.forget(self)

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
