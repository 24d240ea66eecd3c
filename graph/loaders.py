"""aiodataloader for an upstream whose keys are answered one by one: batch them, and let each go its own way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

K = TypeVar("K")
R = TypeVar("R")


class Loader(Generic[K, R]):
    """Loads each key at most once within one request; a failure is as final for the request as a value.

    Args:
        start: begins to look up the keys of one turn of the event loop, which are all new. It gives the future of
            each key, which is the loader's to cancel, and does not fail.
    """

    __slots__ = ("_batches", "_begun", "_closed", "_keys", "_start", "_started", "fetches", "loads")

    def __init__(self, start: Callable[[list[K]], Awaitable[list[asyncio.Future[R]]]]) -> None:
        self._start = start
        # Of futures: so no key waits for a slower one of its batch, and one that fails is no failure of the batch.
        self._begun: dict[K, asyncio.Future[asyncio.Future[R]]] = {}
        self._keys: DataLoader[K, asyncio.Future[R]] = DataLoader(self._batch, cache_map=self._begun)
        self._batches: set[asyncio.Task[Any]] = set()
        self._started: list[asyncio.Future[R]] = []
        self._closed = False
        self.loads = 0
        """How often a key was asked for."""
        self.fetches = 0
        """How many keys were looked up."""

    def begin(self, key: K) -> None:
        """Look a key up with the others of this turn, unless that has begun."""
        self._keys.load(key)

    async def load(self, key: K) -> R:
        """Return the key's value, or raise its error.

        Everybody who asks for the key shares both futures, so a waiter that is cancelled must not cancel them.
        """
        self.loads += 1
        return await asyncio.shield(await asyncio.shield(self._keys.load(key)))

    def close(self) -> list[asyncio.Future[Any]]:
        """Cancel what is still under way, with everybody who waits for it; return what has yet to end."""
        self._closed = True
        # All of them: one that has failed and that nobody waited for is not complained about after that.
        ending: list[asyncio.Future[Any]] = [future for future in self._started if future.cancel()]
        ending += [future for future in self._begun.values() if future.cancel()]
        ending += [batch for batch in self._batches if batch.cancel()]
        return ending

    async def _batch(self, keys: list[K]) -> list[asyncio.Future[R]]:
        task = asyncio.current_task()
        if self._closed or task is None:
            # aiodataloader starts this in a task of its own, which may come after the end of the request.
            raise asyncio.CancelledError
        self._batches.add(task)
        try:
            futures = await self._start(keys)
        finally:
            self._batches.discard(task)
        self.fetches += len(keys)
        self._started += futures
        return futures
