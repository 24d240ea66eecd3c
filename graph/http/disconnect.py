"""Stops the work for a client that has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import Receive

T = TypeVar("T")


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """Return the result of `work`, which is cancelled when the client goes away.

    Args:
        receive: the request's; its body must have been read.
        work: runs in this task.

    Raises:
        ClientDisconnect: the client went away.
    """
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    cancels_before = task.cancelling()
    gone = False

    async def watch() -> None:
        nonlocal gone
        # The body is read already. Whatever else comes before the end says nothing.
        while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - it waits for the server
            # A server that always has something to say must not keep everything else waiting.
            await asyncio.sleep(0)
        gone = True
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        result = await work
    except asyncio.CancelledError:
        # Somebody else's cancellation stays one.
        if gone and task.uncancel() <= cancels_before:
            raise ClientDisconnect from None
        raise
    finally:
        watching.cancel()
    if gone:
        # The work ended in spite of it; nobody reads the result.
        task.uncancel()
        raise ClientDisconnect
    return result
