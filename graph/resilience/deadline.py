"""Deadlines: moments after which nobody waits any more."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

# An event loop may fire this much too early: uvloop counts whole milliseconds.
_EARLY: Final = 0.002
# The shortest time between two scans, so that ten thousand connections cannot keep the timer busy.
_APART: Final = 0.01


class DeadlineExceededError(Exception):
    """The deadline passed before there was a result."""


class Expiring(Protocol):
    """Something that expires, such as a request or a connection."""

    at: float
    """When, by the event loop's clock; infinity for never. It may change."""

    def expire(self) -> None:
        """The moment has passed."""
        ...


class DeadlineTimer:
    """Expires many things with one timer.

    A timer for each would nearly always be cancelled unused, at the cost of forty calls. This one fires at the
    earliest known moment, expires what is due, and is set to the next moment.

    To postpone a moment, set `at`; to bring it forward, also call `watch` again.
    """

    def __init__(self) -> None:
        self._watched: set[Expiring] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def __len__(self) -> int:
        """How many things are watched."""
        return len(self._watched)

    def watch(self, thing: Expiring) -> None:
        """Expire a thing once, when its moment has passed."""
        self._watched.add(thing)
        if thing.at < self._rings_at:
            self._ring_at(thing.at)

    def forget(self, thing: Expiring) -> None:
        """Stop watching a thing."""
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
                # Expiring another thing may have ended or postponed this one.
                if thing in self._watched and thing.at <= now + _EARLY:
                    self._watched.discard(thing)
                    thing.expire()
        finally:
            # Even after an exception, so that the others still expire.
            earliest = min((each.at for each in self._watched), default=math.inf)
            if earliest < self._rings_at:
                self._ring_at(max(earliest, now + _APART))


class Deadline:
    """An absolute moment on the event loop's clock that limits everything a request waits for.

    Its creator closes it at the end of the request.

    Args:
        seconds: from now.
        timer: shared by all requests; by default the deadline has its own.
    """

    __slots__ = ("_bound", "_timer", "at", "loop")

    def __init__(self, seconds: float, timer: DeadlineTimer | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.at = self.loop.time() + seconds
        self._bound: list[asyncio.Future[Any]] = []
        self._timer = DeadlineTimer() if timer is None else timer

    def check(self) -> None:
        """Check that there is time left, so that no work begins that nobody waits for.

        Raises:
            DeadlineExceededError: there is none.
        """
        if self.loop.time() >= self.at:
            raise DeadlineExceededError

    def bound(self, future: asyncio.Future[T]) -> asyncio.Future[T]:
        """Make a future fail with `DeadlineExceededError` when the deadline passes; returns the same future.

        Unlike `wait`, this sets no timer of its own. The future must belong to this request alone.
        """
        if not self._bound:
            self._timer.watch(self)
        self._bound.append(future)
        return future

    def end(self) -> None:
        """Fail what is bound, as if the deadline had passed."""
        self._timer.forget(self)
        self.expire()

    def close(self) -> None:
        """Release what is bound: nobody waits for it any more."""
        if self._bound:
            self._bound = []
            self._timer.forget(self)

    async def wait(self, work: Awaitable[T]) -> T:
        """Return the result of `work`.

        Raises:
            DeadlineExceededError: the deadline passed first; `work` is cancelled.
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
        """Fail what is bound. What is bound later fails in the loop's next turn."""
        bound, self._bound = self._bound, []
        # The request waits for what began first. By failing that last, all others have left their calls before the
        # request goes on, so that nobody joins a call that is about to be cancelled.
        for future in reversed(bound):
            if not future.done():
                future.set_exception(DeadlineExceededError())
                # Marks it as retrieved, or asyncio would log it if nobody waits any more.
                future.exception()
