"""Deduplicates concurrent calls: callers who ask for the same key at the same time share one call. No caching.

A call runs in a task of its own. Each caller gets a future of their own, which the call resolves. A future that
ends in any other way (cancelled, or timed out by its owner) is a waiter that has left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

K = TypeVar("K")
V = TypeVar("V")


class AbandonedError(Exception):
    """The process is shutting down and cancelled a call that somebody was waiting for."""


def failed_future(error: Exception) -> asyncio.Future[Any]:
    """Return a future that has failed already, and that nobody needs to wait for."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    # Marks the exception as retrieved, or asyncio would log it.
    future.exception()
    return future


class SingleFlight(Generic[K, V]):
    """Calls in progress, by key, each with its waiters."""

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[K, V]] = {}
        # Also of cancelled calls that have not ended yet: asyncio keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many calls are in progress."""
        return len(self._flights)

    def join(self, key: K) -> asyncio.Future[V] | None:
        """A waiter for the call in progress for a key, or None.

        The future fails with what the call raised, or with `AbandonedError` if `aclose` cancelled the call.
        Cancelling it leaves the call, which is cancelled once nobody waits for it any more.
        """
        flight = self._flights.get(key)
        return None if flight is None else flight.waiter()

    def begin(self, key: K, call: Coroutine[Any, Any, V]) -> asyncio.Future[V]:
        """A waiter for a new call, which others can join; see `join`. After `aclose` no call begins."""
        flight = self._flights[key] = _Flight(self._flights, self._tasks, key, call)
        if self._closed:
            flight.abandon()
        return flight.waiter()

    async def aclose(self) -> None:
        """Cancel the calls in progress and wait until they have ended; begin no more."""
        self._closed = True
        for flight in self._flights.values():
            flight.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Flight(Generic[K, V]):
    """One call and its waiters."""

    __slots__ = ("_call", "_flights", "_key", "_loop", "_tasks", "_waiters", "task")

    def __init__(
        self,
        flights: dict[K, _Flight[K, V]],
        tasks: set[asyncio.Task[None]],
        key: K,
        call: Coroutine[Any, Any, V],
    ) -> None:
        self._flights = flights
        self._tasks = tasks
        self._key = key
        self._call = call
        self._waiters: list[asyncio.Future[V]] = []
        self._loop = asyncio.get_running_loop()
        self.task = self._loop.create_task(self._run())
        tasks.add(self.task)

    def waiter(self) -> asyncio.Future[V]:
        waiter: asyncio.Future[V] = self._loop.create_future()
        waiter.add_done_callback(self._left)
        self._waiters.append(waiter)
        return waiter

    def abandon(self) -> None:
        """Cancel the call."""
        self.task.cancel()
        # `_run` never starts in a task that was cancelled before it began.
        self.task.add_done_callback(self._abandoned)

    async def _run(self) -> None:
        # The task resolves the waiters itself: a done callback would cost another turn of the event loop.
        try:
            value = await self._call
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            for waiter in self._landed():
                waiter.set_result(value)

    def _abandoned(self, _task: asyncio.Task[None]) -> None:
        self._call.close()
        self._fail(asyncio.CancelledError())

    def _fail(self, error: BaseException) -> None:
        # Not as a cancellation: nobody has cancelled the waiters, and their owners would mistake it for their own.
        failure = AbandonedError() if isinstance(error, asyncio.CancelledError) else error
        for waiter in self._landed():
            waiter.set_exception(failure)
            # Marks it as retrieved, or asyncio would log it with its contents.
            waiter.exception()

    def _landed(self) -> list[asyncio.Future[V]]:
        """End the call; returns those who are still waiting."""
        self._forget()
        self._tasks.discard(self.task)
        waiters, self._waiters = self._waiters, []
        # A waiter that is done has just left.
        waiting = [waiter for waiter in waiters if not waiter.done()]
        for waiter in waiting:
            waiter.remove_done_callback(self._left)
        return waiting

    def _left(self, waiter: asyncio.Future[V]) -> None:
        """Called when a waiter's future has ended, but not by the call."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            if not self._waiters:
                # At once, so that nobody joins a call that is about to be cancelled.
                self._forget()
                self.abandon()

    def _forget(self) -> None:
        if self._flights.get(self._key) is self:
            del self._flights[self._key]
