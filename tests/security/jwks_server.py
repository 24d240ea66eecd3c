"""A server on this machine that responds with a key set or any other bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def unused_port() -> int:
    """A port of this machine where nobody listens yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class KeyServer:
    """Gives every request the same bytes, and keeps the requests."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self.sent = 0
        self.drip = False
        self.url = ""
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self._open[task] = writer
        await asyncio.wait([task])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if self.drip:
                await self._drip(writer)
            else:
                for start in range(0, len(self.reply), 65_536):
                    writer.write(self.reply[start : start + 65_536])
                    await writer.drain()
                    self.sent += len(self.reply[start : start + 65_536])
        writer.close()

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        """One byte per ten milliseconds: each in time, but all of them far too late."""
        for byte in self.reply:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        """Listen, at a port that is free unless one is given."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        bound = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{bound}/keys"
        async with server:
            yield
            # An accepted connection that is not served yet, of a client that has left.
            await settle()
            for task, writer in self._open.items():
                writer.transport.abort()
                task.cancel()
            # Each connection has ended, or a later test would be blamed for it.
            await asyncio.gather(*self._open, return_exceptions=True)
            for writer in self._open.values():
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()


@asynccontextmanager
async def key_server(reply: bytes) -> AsyncIterator[KeyServer]:
    """A server that runs."""
    server = KeyServer(reply)
    async with server.running():
        yield server
