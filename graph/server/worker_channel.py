"""What a process and its workers tell each other, over a pair of connected sockets that nobody else can reach.

The parent sends one byte that says what it wants to know; the worker answers with four bytes of length and so many
bytes of text. When the parent is gone, however it ended, the worker ends, too.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from graph.http.health import Health, Metrics

STATE: Final = b"s"
METRICS: Final = b"m"

_LENGTH: Final = struct.Struct(">I")
_SECONDS: Final = 1.0


class WorkerGoneError(Exception):
    """The worker does not answer."""


class Channel:
    """The parent's end.

    Args:
        connected: one of the pair.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()
        self._asking: dict[bytes, asyncio.Task[bytes]] = {}

    async def ask(self, what: bytes, *, seconds: float | None = _SECONDS) -> bytes:
        """What the worker answers. Who asks the same at the same time gets the same answer.

        Args:
            what: `STATE` or `METRICS`.
            seconds: to wait; None for as long as the worker lives.

        Raises:
            WorkerGoneError: when it does not, or not in time.
        """
        task = self._asking.get(what)
        if task is None or task.done():
            task = self._asking[what] = asyncio.get_running_loop().create_task(self._exchange(what))
            task.add_done_callback(_look_at)
        try:
            # An answer that comes late is read all the same: it must not be taken for the next one.
            return await asyncio.wait_for(asyncio.shield(task), seconds)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            raise WorkerGoneError from None
        except asyncio.CancelledError:
            asking = asyncio.current_task()
            if task.cancelled() and asking is not None and not asking.cancelling():
                # The channel was closed, and nobody has cancelled who asks.
                raise WorkerGoneError from None
            raise

    async def _exchange(self, what: bytes) -> bytes:
        async with self._turn:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(sock=self._socket)
            reader, writer = self._streams
            writer.write(what)
            await writer.drain()
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            return await reader.readexactly(length)

    async def aclose(self) -> None:
        """End the connection, and with it the worker."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._streams is None:
            self._socket.close()
        else:
            self._streams[1].close()


def _look_at(task: asyncio.Task[bytes]) -> None:
    """Take note of an exception for which nobody waited any more."""
    if not task.cancelled():
        task.exception()


async def answer_parent(
    connected: socket.socket, health: Health, metrics: Callable[[], Metrics | None], on_end: Callable[[], None]
) -> None:
    """The worker's end: answer until the parent is gone.

    Args:
        connected: the other one of the pair.
        health: this process's state.
        metrics: its numbers.
        on_end: called when the parent is gone.
    """
    reader, writer = await asyncio.open_unix_connection(sock=connected)
    try:
        while what := await reader.read(1):
            found = metrics() if what == METRICS else None
            said = orjson.dumps(health.report()) if what == STATE else b"" if found is None else found.render()
            writer.write(_LENGTH.pack(len(said)) + said)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
        on_end()
