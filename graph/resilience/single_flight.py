"""One call for everybody who asks for the same thing at the same time. Nothing is remembered once it is over.

A call runs in a task of its own. Whoever asks gets a future of their own, which the end of the call resolves. A
future that ends in another way (it is cancelled, or its owner's time is over) is a waiter who has left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

K = TypeVar("K")
A = TypeVar("A")
V = TypeVar("V")


class AbandonedError(Exception):
    """The call was given up because the process ends, while somebody was still waiting for it."""


class SingleFlight(Generic[K, A, V]):
    """Calls under way, by key, each with those who wait for it.

    Args:
        call: makes a call: what it is for, and what whoever begins it has to say. It runs in a task of its own,
            and so under no waiter's time limit.
    """

    def __init__(self, call: Callable[[K, A], Coroutine[Any, Any, V]]) -> None:
        self._call = call
        self._flights: dict[K, _Flight[K, A, V]] = {}
        # Cancelled, forgotten, and not ended yet: a task that nobody holds may vanish.
        self._leaving: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def __len__(self) -> int:
        """How many calls are under way."""
        return len(self._flights)

    def join(self, key: K) -> asyncio.Future[V] | None:
        """A waiter for the call that is under way for a key; None when there is none.

        The future fails with what the call raised, and with `AbandonedError` when the call was cancelled by
        `aclose`. Cancelling it leaves the call, which is cancelled once nobody waits for it any more.
        """
        flight = self._flights.get(key)
        return None if flight is None else flight.waiter()

    def begin(self, key: K, said: A) -> asyncio.Future[V]:
        """A waiter for a new call, which others can join from now on; see `join`. None begins after `aclose`."""
        if self._closed:
            return self._refused()
        if self._loop is None:
            # Once, because with Python 3.11 every time is a system call.
            self._loop = asyncio.get_running_loop()
        flight = self._flights[key] = _Flight(self, key, self._loop)
        flight.task = flight.loop.create_task(self._fly(flight, key, said))
        return flight.waiter()

    def give_up(self, flight: _Flight[K, A, V]) -> None:
        """Cancel a call that nobody waits for, and hold it until it is gone."""
        # At once, so that nobody joins a call that is about to end without a result.
        self._forget(flight)
        self._leaving.add(flight.task)
        flight.task.add_done_callback(self._leaving.discard)
        flight.task.cancel()

    async def aclose(self) -> None:
        """Cancel what is under way, and wait until it is gone; begin no more."""
        self._closed = True
        for flight in list(self._flights.values()):
            self.give_up(flight)
            # Not left to the call: one that has not begun never will, and tells nobody.
            flight.abandon()
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _fly(self, flight: _Flight[K, A, V], key: K, said: A) -> None:
        """Make a call and tell its waiters, in the very step of the loop in which it ends."""
        try:
            value = await self._call(key, said)
        except asyncio.CancelledError:
            self._forget(flight)
            flight.abandon()
            raise
        except BaseException as error:
            self._forget(flight)
            flight.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._forget(flight)
            flight.land(value)

    def _refused(self) -> asyncio.Future[V]:
        waiter: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        waiter.set_exception(AbandonedError())
        # Looked at, also when nobody else will: see `_Flight.fail`.
        waiter.exception()
        return waiter

    def _forget(self, flight: _Flight[K, A, V]) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]


class _Flight(Generic[K, A, V]):
    """One call, and those who wait for it."""

    __slots__ = ("_flights", "_waiters", "key", "loop", "task")

    task: asyncio.Task[None]

    def __init__(self, flights: SingleFlight[K, A, V], key: K, loop: asyncio.AbstractEventLoop) -> None:
        self._flights = flights
        self._waiters: list[asyncio.Future[V]] = []
        self.key = key
        self.loop = loop

    def waiter(self) -> asyncio.Future[V]:
        waiter: asyncio.Future[V] = self.loop.create_future()
        waiter.add_done_callback(self._left)
        self._waiters.append(waiter)
        return waiter

    def land(self, value: V) -> None:
        for waiter in self._waiters:
            # One that is done has left a moment ago.
            if not waiter.done():
                waiter.remove_done_callback(self._left)
                waiter.set_result(value)
        self._waiters.clear()

    def fail(self, error: BaseException) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.remove_done_callback(self._left)
                waiter.set_exception(error)
                # Looked at, also when nobody else will: else asyncio logs it, with whatever it holds.
                waiter.exception()
        self._waiters.clear()

    def abandon(self) -> None:
        # Not as a cancellation: nobody has cancelled the waiters, and who waits for them would wait for ever.
        self.fail(AbandonedError())

    def _left(self, waiter: asyncio.Future[V]) -> None:
        """Called when a waiter's future ended, but not by the call."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            if not self._waiters:
                self._flights.give_up(self)
