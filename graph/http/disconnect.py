"""Stops the work for a client that has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from graph.http.body import ClientDisconnectedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive

T = TypeVar("T")

HANGUP: Final = "konagraph.hangup"
"""Where in a scope our own server puts its `Hangup`."""


class Hangup:
    """Where our own server tells one request that its client has gone, so that nobody has to wait for that.

    Args:
        read_on: makes the server read on, in case that it has paused: else it would not see the end.
        loop: the server's event loop. To ask asyncio for it is a system call with Python 3.11.
    """

    __slots__ = ("_listener", "_read_on", "gone", "loop")

    def __init__(self, read_on: Callable[[], object], loop: asyncio.AbstractEventLoop) -> None:
        self._read_on = read_on
        self.loop = loop
        self._listener: Callable[[], None] | None = None
        self.gone = False

    def tell(self) -> None:
        """The client has gone."""
        self.gone = True
        if self._listener is not None:
            self._listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this when the client goes; at once, when it has gone already."""
        self._listener = listener
        if self.gone:
            listener()
        else:
            self._read_on()

    def forget(self) -> None:
        """Call nobody."""
        self._listener = None


class _Worker:
    """The task that works for a client, and is cancelled when the client is gone."""

    __slots__ = ("_cancels_before", "_task", "gone")

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        task = asyncio.current_task(loop)
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


async def _watch(receive: Receive, worker: _Worker) -> None:
    # The body is read already. Whatever else comes before the end says nothing.
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        # A server that always has something to say must not keep everything else waiting.
        await asyncio.sleep(0)
    worker.stop()


async def while_connected(
    receive: Receive,
    work: Awaitable[T],
    hangup: Hangup | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> T:
    """Return the result of `work`, which is cancelled when the client goes away.

    Args:
        receive: the request's; its body must have been read.
        work: runs in this task.
        hangup: tells of the client's end. None under a server that does not: then a small task waits for it, which
            ends with the work.
        loop: the running event loop, for who has it at hand.

    Raises:
        ClientDisconnectedError: the client went away.
    """
    worker = _Worker(loop)
    watching = None
    if hangup is not None:
        hangup.listen(worker.stop)
    else:
        watching = asyncio.get_running_loop().create_task(_watch(receive, worker))
    try:
        result = await work
    except asyncio.CancelledError:
        if worker.gone and worker.was_all():
            raise ClientDisconnectedError from None
        raise
    finally:
        if hangup is not None:
            hangup.forget()
        if watching is not None:
            watching.cancel()
    if worker.gone:
        # The work ended in spite of it; nobody reads the result.
        worker.was_all()
        raise ClientDisconnectedError
    return result
