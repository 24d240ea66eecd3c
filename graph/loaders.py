"""aiodataloader for an upstream without bulk endpoints: deduplicate, and let one key fail alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Loads each key at most once within one request; a failure is as final for the request as a value.

    There are two ways to a key, `start` and `load`, which share what they find.

    Args:
        fetch: begins to look one key up. The future is the loader's to cancel.
    """

    __slots__ = ("_calls", "_fetch", "_futures", "_keys", "closed", "fetches", "loads")

    def __init__(self, fetch: Callable[[K], asyncio.Future[V]]) -> None:
        self._fetch = fetch
        self._futures: dict[K, asyncio.Future[V]] = {}
        self._keys: DataLoader[K, V] | None = None
        self._calls: set[asyncio.Task[Any]] = set()
        self.closed = False
        """Whether the request is over: nothing is looked up any more."""
        self.loads = 0
        """How often a key was asked for."""
        self.fetches = 0
        """How many keys were looked up."""

    def start(self, key: K) -> asyncio.Future[V]:
        """The future of a key's value or error: begun now, or the one that this request has already.

        It is shared by everybody in the request who asks for the key. Cancelling it ends the look-up for them all.
        """
        self.loads += 1
        future = self._futures.get(key)
        if future is None:
            future = self._futures[key] = self._begun(key)
        return future

    async def load(self, key: K) -> V:
        """Return the key's value, or raise its error.

        The key's future is shared by everybody who asks for it, so a waiter that is cancelled must not cancel it.
        """
        self.loads += 1
        if self._keys is None:
            # Without batches every key starts at once and none waits for a slower neighbour.
            self._keys = DataLoader(self._fetch_one, batch=False, cache_map=self._futures)
        return await asyncio.shield(self._keys.load(key))

    async def aclose(self) -> None:
        """Cancel what is still under way, with everybody who waits for it, and wait until the calls are gone."""
        self.closed = True
        # All of them: one that has failed and that nobody waited for is not complained about after that.
        left: list[asyncio.Future[Any]] = [future for future in self._futures.values() if future.cancel()]
        for call in self._calls:
            call.cancel()
            left.append(call)
        if left:
            await asyncio.wait(left)

    def _begun(self, key: K) -> asyncio.Future[V]:
        if self.closed:
            never: asyncio.Future[V] = asyncio.get_running_loop().create_future()
            never.cancel()
            return never
        self.fetches += 1
        return self._fetch(key)

    async def _fetch_one(self, keys: list[K]) -> list[V]:
        (key,) = keys
        task = asyncio.current_task()
        if self.closed or task is None:
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
