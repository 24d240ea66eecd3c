"""Stops the work for a client that has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from graph.http.body import ClientDisconnectedError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import Receive

T = TypeVar("T")


class _Work:
    """The task that works for a client, and is cancelled when the client is gone."""

    __slots__ = ("_cancels_before", "_task", "gone")

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is answered in a task")
        self._task = task
        self._cancels_before = task.cancelling()
        self.gone = False

    def stop(self) -> None:
        """The client is gone."""
        self.gone = True
        self._task.cancel()

    def was_all(self) -> bool:
        """Take our cancellation back; whether there was no other."""
        return self._task.uncancel() <= self._cancels_before


async def _watch(receive: Receive, work: _Work) -> None:
    # The body is read already. Whatever else comes before the end says nothing.
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        # A server that always has something to say must not keep everything else waiting.
        await asyncio.sleep(0)
    work.stop()


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """Return the result of `work`, which is cancelled when the client goes away.

    Args:
        receive: the request's; its body must have been read.
        work: runs in this task.

    Raises:
        ClientDisconnectedError: the client went away.
    """
    running = _Work()
    watching = asyncio.get_running_loop().create_task(_watch(receive, running))
    try:
        result = await work
    except asyncio.CancelledError:
        if running.gone and running.was_all():
            raise ClientDisconnectedError from None
        raise
    finally:
        watching.cancel()
    if running.gone:
        # The work ended in spite of it; nobody reads the result.
        running.was_all()
        raise ClientDisconnectedError
    return result
