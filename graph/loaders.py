"""aiodataloader for an upstream whose keys are answered one by one: batch them, and let each go its own way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader, dispatch_queue
from aiodataloader import Loader as Asked

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

K = TypeVar("K")
R = TypeVar("R")


class _Keys(DataLoader[K, R]):
    """A `DataLoader` without what costs a request 2 % of its time."""

    get_cache_key = staticmethod(lambda key: key)

    def __init__(
        self,
        start: Callable[[list[K]], Coroutine[Any, Any, list[R]]],
        cache: dict[Any, asyncio.Future[R]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        # All that the base class does, but for looking with `inspect` whether the function is one to await.
        self.loop = loop
        self.batch_load_fn = start
        self._cache = cache
        self._queue: list[Asked] = []

    def do_resolve_reject(self, key: K, future: asyncio.Future[R]) -> None:
        """Queue a key, for the turn of the event loop in which the base class would begin, but without a task."""
        self._queue.append(Asked(key, future))
        if len(self._queue) == 1:
            self.loop.call_soon(self.loop.call_soon, dispatch_queue, self)


class Loader(Generic[K, R]):
    """Loads each key at most once within one request; a failure is as final for the request as a value.

    Args:
        start: begins to look up the keys of one turn of the event loop, which are all new. It gives a future for
            each key and does not fail. It is called in a task of its own, which may come after `close`.
        loop: the running event loop.
    """

    __slots__ = ("_begun", "_keys")

    def __init__(
        self,
        start: Callable[[list[K]], Coroutine[Any, Any, list[asyncio.Future[R]]]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._begun: dict[K, asyncio.Future[asyncio.Future[R]]] = {}
        # Of futures: so no key waits for a slower one of its batch, and one that fails is no failure of the batch.
        self._keys: DataLoader[K, asyncio.Future[R]] = _Keys(start, self._begun, loop)

    def begin(self, key: K) -> None:
        """Look a key up with the others of this turn, unless that has begun."""
        self._keys.load(key)

    async def load(self, key: K) -> R:
        """Return the key's value, or raise its error."""
        begun = self._keys.load(key)
        # Not the futures that everybody shares who asks for the key: a waiter that is cancelled would cancel them.
        waiter: asyncio.Future[R] = self._keys.loop.create_future()
        begun.add_done_callback(partial(_wait_on, waiter))
        return await waiter

    def close(self) -> list[asyncio.Future[Any]]:
        """Cancel what is still under way, with everybody who waits for it; return what was cancelled."""
        ending: list[asyncio.Future[Any]] = []
        for begun in self._begun.values():
            # One that has failed and that nobody waited for is not complained about after that.
            future = begun if not begun.done() else begun.result()
            if future.cancel():
                ending.append(future)
        return ending


def _wait_on(waiter: asyncio.Future[R], begun: asyncio.Future[asyncio.Future[R]]) -> None:
    """Called when a key has begun."""
    if begun.cancelled():
        waiter.cancel()
    else:
        begun.result().add_done_callback(partial(_tell, waiter))


def _tell(waiter: asyncio.Future[R], answered: asyncio.Future[R]) -> None:
    """Called when a key was answered."""
    if answered.cancelled():
        waiter.cancel()
        return
    # Looked at, also when the waiter has left.
    error = answered.exception()
    if waiter.done():
        return
    if error is None:
        waiter.set_result(answered.result())
    else:
        waiter.set_exception(error)
