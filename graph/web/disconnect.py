"""Stops the work for a client that has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from graph.web.body import ClientDisconnectedError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import Receive

T = TypeVar("T")


class _Watch:
    """Cancels the task that made it when the client is gone. One small task, which ends with the work."""

    def __init__(self, receive: Receive) -> None:
        worker = asyncio.current_task()
        if worker is None:
            raise RuntimeError("a request is answered in a task")
        self._worker = worker
        self._receive = receive
        self._cancels_before = worker.cancelling()
        self.gone = False
        self.task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        # The body is read already. Whatever else comes before the end says nothing.
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                break
            # A server that always has something to say must not keep everything else waiting.
            await asyncio.sleep(0)
        self.gone = True
        self._worker.cancel()

    def was_all(self) -> bool:
        """Take our cancellation back; whether there was no other."""
        return self._worker.uncancel() <= self._cancels_before


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """Return the result of `work`, which is cancelled when the client goes away.

    Args:
        receive: the request's; its body must have been read.
        work: runs in this task.

    Raises:
        ClientDisconnectedError: the client went away.
    """
    watch = _Watch(receive)
    try:
        result = await work
    except asyncio.CancelledError:
        if watch.gone and watch.was_all():
            raise ClientDisconnectedError from None
        raise
    finally:
        watch.task.cancel()
    if watch.gone:
        # The work ended in spite of it; nobody reads the result.
        watch.was_all()
        raise ClientDisconnectedError
    return result
