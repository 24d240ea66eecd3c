"""Stops the work for a client that has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive

T = TypeVar("T")


class DepartureNotice(Protocol):
    """What a server offers that calls the app when a client goes: see `graph.server.departure`."""

    def watch(self, tell: Callable[[], object]) -> None: ...  # noqa: D102 - see there

    def forget(self) -> None: ...  # noqa: D102


async def while_connected(receive: Receive, work: Awaitable[T], departure: DepartureNotice | None = None) -> T:
    """Return the result of `work`, which is cancelled when the client goes away.

    Args:
        receive: the request's; its body must have been read.
        work: runs in this task.
        departure: tells when the client goes; None to wait for `receive` in a task, which costs 13 µs.

    Raises:
        ClientDisconnect: the client went away.
    """
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    cancels_before = task.cancelling()
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        task.cancel()

    if departure is None:
        watching = asyncio.create_task(_watch(receive, leave))
    else:
        departure.watch(leave)
    try:
        result = await work
    except asyncio.CancelledError:
        # Somebody else's cancellation stays one.
        if gone and task.uncancel() <= cancels_before:
            raise ClientDisconnect from None
        raise
    finally:
        if departure is None:
            watching.cancel()
        else:
            departure.forget()
    if gone:
        # The work ended in spite of it; nobody reads the result.
        task.uncancel()
        raise ClientDisconnect
    return result


async def _watch(receive: Receive, leave: Callable[[], None]) -> None:
    # The body is read already. Whatever else comes before the end says nothing.
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - it waits for the server
        # A server that always has something to say must not keep everything else waiting.
        await asyncio.sleep(0)
    leave()
