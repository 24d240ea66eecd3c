"""aiodataloader for an upstream without bulk endpoints: deduplicate, and let one key fail alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Loads each key at most once within one request; a failure is as final for the request as a value.

    Args:
        fetch: looks one key up.
    """

    def __init__(self, fetch: Callable[[K], Awaitable[V]]) -> None:
        self._fetch = fetch
        self._calls: set[asyncio.Task[Any]] = set()
        self._futures: list[asyncio.Future[V]] = []
        self._closed = False
        self.loads = 0
        """How often a key was asked for."""
        self.fetches = 0
        """How many keys were looked up."""
        # Without batches every key starts at once and none waits for a slower neighbour.
        self._keys: DataLoader[K, V] = DataLoader(self._fetch_one, batch=False)

    async def load(self, key: K) -> V:
        """Return the key's value, or raise its error.

        The key's future is shared by everybody who asks for it, so a waiter that is cancelled must not cancel it.
        """
        self.loads += 1
        future = self._keys.load(key)
        self._futures.append(future)
        return await asyncio.shield(future)

    async def aclose(self) -> None:
        """Cancel what is still under way, with everybody who waits for it, and wait until the calls are gone."""
        self._closed = True
        for future in self._futures:
            future.cancel()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _fetch_one(self, keys: list[K]) -> list[V]:
        (key,) = keys
        task = asyncio.current_task()
        if self._closed or task is None:
            # aiodataloader starts this in a task of its own, which may come after the end of the request.
            raise asyncio.CancelledError
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            self.fetches += 1
            return [await self._fetch(key)]
        except Exception as error:  # noqa: BLE001 - it becomes the key's result, whatever it is
            # A list with the exception is one key's failure. Raised, aiodataloader would forget the key, and the
            # next alias of it would call the upstream again.
            return [error]  # type: ignore[list-item]
