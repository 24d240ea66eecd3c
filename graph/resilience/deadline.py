"""A point in time after which nobody waits any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


class DeadlineExceededError(Exception):
    """The deadline passed before the result was there."""


class Deadline:
    """An absolute moment on the event loop's clock; everything that a request waits for ends at the same one.

    Whoever makes one closes it at the request's end.

    Args:
        seconds: from now.
        loop: the running event loop, for who has it at hand: with Python 3.11, to ask for it is a system call.
    """

    __slots__ = ("_at", "_bound", "_loop", "_timer")

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._at = self._loop.time() + seconds
        self._bound: list[asyncio.Future[Any]] = []
        self._timer: asyncio.TimerHandle | None = None

    def check(self) -> None:
        """Do nothing while there is time left.

        Raises:
            DeadlineExceededError: when there is none: work that nobody waits for had better not begin.
        """
        if self._loop.time() >= self._at:
            raise DeadlineExceededError

    def bound(self, future: asyncio.Future[T]) -> asyncio.Future[T]:
        """Let a future fail with `DeadlineExceededError` when the deadline passes; the same future.

        One timer serves everything that a request waits for, where `wait` sets one for each. The future must be
        this request's alone.
        """
        self._bound.append(future)
        if self._timer is None:
            self._timer = self._loop.call_at(self._at, self._expire)
        return future

    def close(self) -> None:
        """Let what is bound wait as long as it likes: nobody waits for it any more."""
        self._bound = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def wait(self, work: Awaitable[T]) -> T:
        """Return the result of `work`.

        Raises:
            DeadlineExceededError: when the deadline passes first; `work` is cancelled then.
        """
        expiry = asyncio.timeout_at(self._at)
        try:
            async with expiry:
                return await work
        except TimeoutError as error:
            if expiry.expired():
                raise DeadlineExceededError from error
            raise

    def _expire(self) -> None:
        # What is bound from now on sets the timer again, which ends it in the loop's next turn.
        bound, self._bound, self._timer = self._bound, [], None
        # Last what began first, which is what is waited for: the others have left their calls by the time the
        # request goes on, and nobody joins a call that is about to end without a result.
        for future in reversed(bound):
            if not future.done():
                future.set_exception(DeadlineExceededError())
                # Looked at: else asyncio logs it when whoever would wait for it has gone.
                future.exception()
