"""A bad network in front of the upstream: it passes most bytes on, and breaks some connections."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import random
    from types import TracebackType

_PIECE: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)
_TROUBLE: Final = 0.03
"""The part of the answers that meet trouble. Far from what opens the gateway's breaker."""


class BadNetwork:
    """A proxy of TCP connections.

    Args:
        port: of the upstream, on this machine.
        chance: decides what breaks.
    """

    def __init__(self, port: int, chance: random.Random) -> None:
        self._upstream = port
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where to connect to."""
        if self._server is None:
            raise RuntimeError("the network is not running")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, out = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            return
        try:
            directions = {
                asyncio.ensure_future(self._pass(reader, out)),
                asyncio.ensure_future(self._pass_badly(back, writer)),
            }
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in directions:
                    direction.cancel()
                await asyncio.gather(*directions, return_exceptions=True)
        finally:
            out.transport.abort()
            writer.transport.abort()

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                writer.write(data)
                await writer.drain()

    async def _pass_badly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                if self._chance.random() < _TROUBLE and not await self._trouble(data, writer):
                    return
                writer.write(data)
                await writer.drain()

    async def _trouble(self, data: bytes, writer: asyncio.StreamWriter) -> bool:
        """Something bad, and whether the connection goes on."""
        match self._chance.randrange(5):
            case 0:
                await asyncio.sleep(self._chance.random())
                return True
            case 1:
                return False
            case 2:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return False
            case 3:
                writer.write(data[: self._chance.randrange(len(data))])
                await writer.drain()
                return False
            case _:
                # One byte at a time for a while.
                for place in range(min(len(data), 50)):
                    writer.write(data[place : place + 1])
                    await asyncio.sleep(0.002)
                return False
