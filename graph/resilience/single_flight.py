"""One call for everybody who asks for the same thing at the same time. Nothing is remembered once it is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

K = TypeVar("K")
V = TypeVar("V")


class AbandonedError(Exception):
    """The call was given up because the process ends, while somebody was still waiting for it."""


class SingleFlight(Generic[K, V]):
    """Calls under way, by key, each with the number of those who wait for it."""

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}
        # Also those that were cancelled and have not ended yet: a task that nobody holds may vanish.
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many calls are under way."""
        return len(self._flights)

    async def run(
        self, key: K, start: Callable[[], Coroutine[Any, Any, V]], on_join: Callable[[], None] = lambda: None
    ) -> V:
        """The result of the call that is under way for a key; if there is none, of the one that `start` makes.

        Args:
            key: what the call is for.
            start: makes the call. It runs in a task of its own, and so under no waiter's time limit.
            on_join: called when a call was under way already.

        Raises:
            AbandonedError: when it was cancelled by `aclose`.
            Exception: what the call raised.
        """
        flight = self._flights.get(key)
        # One that is over, but whose waiters have not been told yet, is none: no result outlives its call.
        if flight is None or flight.task.done():
            flight = self._flights[key] = _Flight(self._start(start()))
            flight.task.add_done_callback(lambda _task: self._forget(key, flight))
        else:
            on_join()
        flight.waiters += 1
        try:
            # The call belongs to all: a waiter that is cancelled leaves alone. Not `shield`, which reports the
            # failure of a call whose waiter has left.
            await asyncio.wait((flight.task,))
            if flight.task.cancelled():
                # Not as a cancellation: nobody has cancelled the waiter, and who waits for it would wait for ever.
                raise AbandonedError
            return flight.task.result()
        finally:
            flight.waiters -= 1
            if not flight.waiters:
                # At once, so that nobody joins a call that is about to end without a result. One that has ended is
                # past being cancelled.
                self._forget(key, flight)
                flight.task.cancel()

    async def aclose(self) -> None:
        """Cancel what is under way, and wait until it is gone."""
        for task in self._tasks:
            # One that was cancelled before is cleaning up, which a second time would interrupt.
            if not task.cancelling():
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, call: Coroutine[Any, Any, V]) -> asyncio.Task[V]:
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[V]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, also when everybody has left: else asyncio logs it, with whatever it holds.
            task.exception()

    def _forget(self, key: K, flight: _Flight[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight(Generic[V]):
    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[V]) -> None:
        self.task = task
        self.waiters = 0
