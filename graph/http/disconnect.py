"""Cancels the work for a client that disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import Receive

T = TypeVar("T")


OnDisconnect: TypeAlias = Callable[[Callable[[], object] | None], None]
"""Registers a callback for when the client disconnects; None removes it. See `graph.server.connection`."""


async def while_connected(receive: Receive, work: Awaitable[T], on_disconnect: OnDisconnect | None = None) -> T:
    """Return the result of `work`, which is cancelled when the client disconnects.

    Args:
        receive: the request's; its body must have been read.
        work: runs in this task.
        on_disconnect: see `OnDisconnect`; None to wait for `receive` in a task, which costs 13 µs more.

    Raises:
        ClientDisconnect: the client disconnected.
    """
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    cancels_before = task.cancelling()
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        task.cancel()

    if on_disconnect is None:
        watching = asyncio.create_task(_watch(receive, leave))
    else:
        on_disconnect(leave)
    try:
        result = await work
    except asyncio.CancelledError:
        # Another cancellation is passed on.
        if gone and task.uncancel() <= cancels_before:
            raise ClientDisconnect from None
        raise
    finally:
        if on_disconnect is None:
            watching.cancel()
        else:
            on_disconnect(None)
    if gone:
        # The work finished all the same; its result is not needed.
        task.uncancel()
        raise ClientDisconnect
    return result


async def _watch(receive: Receive, leave: Callable[[], None]) -> None:
    # The body has been read; any other message is of no interest.
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - it waits for the server
        # A server that always has a message ready must not block the loop.
        await asyncio.sleep(0)
    leave()
