"""aiodataloader for an upstream whose keys are answered one by one: batch them, and let each go its own way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

K = TypeVar("K")
R = TypeVar("R")


class Loader(Generic[K, R]):
    """Loads each key at most once within one request; a failure is as final for the request as a value.

    Args:
        start: begins to look up the keys of one turn of the event loop, which are all new. It gives a future for
            each key and does not fail. It is called in a task of its own, which may come after `close`.
    """

    __slots__ = ("_begun", "_keys")

    def __init__(self, start: Callable[[list[K]], Coroutine[Any, Any, list[asyncio.Future[R]]]]) -> None:
        self._begun: dict[K, asyncio.Future[asyncio.Future[R]]] = {}
        # Of futures: so no key waits for a slower one of its batch, and one that fails is no failure of the batch.
        self._keys: DataLoader[K, asyncio.Future[R]] = DataLoader(start, cache_map=self._begun)

    def begin(self, key: K) -> None:
        """Look a key up with the others of this turn, unless that has begun."""
        self._keys.load(key)

    async def load(self, key: K) -> R:
        """Return the key's value, or raise its error.

        Everybody who asks for the key shares both futures, so a waiter that is cancelled must not cancel them.
        """
        return await asyncio.shield(await asyncio.shield(self._keys.load(key)))

    def close(self) -> list[asyncio.Future[Any]]:
        """Cancel what is still under way, with everybody who waits for it; return what was cancelled."""
        ending: list[asyncio.Future[Any]] = []
        for begun in self._begun.values():
            # One that has failed and that nobody waited for is not complained about after that.
            future = begun if not begun.done() else begun.result()
            if future.cancel():
                ending.append(future)
        return ending
