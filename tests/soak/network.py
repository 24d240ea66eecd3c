"""A bad network in front of the upstream: it passes most bytes on, and breaks some connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator

_PIECE: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)
_IDLE: Final = 0.5
"""Seconds after which a connection that carries nothing is closed, so that the gateway is at rest soon."""
_TROUBLE: Final = 0.03
"""The share of answers that meet trouble; far from what opens the gateway's breaker."""


@contextlib.asynccontextmanager
async def bad_network(upstream: int, chance: random.Random) -> AsyncIterator[int]:
    """A proxy of TCP connections to a port of this machine; the block is given the proxy's own port."""
    tasks: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        directions: list[asyncio.Task[None]] = []
        writers = [writer]
        try:
            back, out = await asyncio.open_connection("127.0.0.1", upstream)
            writers.append(out)
            directions = [
                asyncio.create_task(_pass(reader, out, None)),
                asyncio.create_task(_pass(back, writer, chance)),
            ]
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for end in writers:
                end.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(connect(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random | None) -> None:
    with contextlib.suppress(OSError):
        while data := await asyncio.wait_for(reader.read(_PIECE), _IDLE):
            if chance and chance.random() < _TROUBLE and not await _trouble(data, writer, chance):
                return
            writer.write(data)
            await writer.drain()


async def _trouble(data: bytes, writer: asyncio.StreamWriter, chance: random.Random) -> bool:
    """A delay, an end, a reset, half an answer, or one byte at a time; and whether the connection goes on."""
    match chance.randrange(5):
        case 0:
            await asyncio.sleep(chance.random())
            return True
        case 1:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        case 2:
            writer.write(data[: chance.randrange(len(data))])
            await writer.drain()
        case 3:
            for byte in data[:50]:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.002)
    return False
