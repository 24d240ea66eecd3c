"""An upstream on a real loopback socket that misbehaves as scripted, byte for byte."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from tests.tools import settle

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    Script = Callable[["Connection"], Awaitable[None]]

_PATIENCE: Final = 30.0
_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n", re.IGNORECASE)


class Connection:
    """One accepted connection, as a script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.requests: list[bytes] = []
        """The head and body of each request received."""
        self.asked = asyncio.Event()
        """A whole request has arrived."""
        self.closed = asyncio.Event()
        """The other side has closed the connection, or reset it."""
        self.sent = 0

    async def read_request(self) -> bytes:
        """Read one request."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _CONTENT_LENGTH.search(head)
        request = head + await self._reader.readexactly(int(length[1]) if length else 0)
        self.requests.append(request)
        self.asked.set()
        return request

    async def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(raw)
        await self._writer.drain()
        self.sent += len(raw)

    async def receive(self) -> bytes:
        """The next bytes; none at the end of the stream."""
        return await self._reader.read(64 * 1024)

    async def until_closed(self) -> None:
        """Wait for the other side to close the connection; discard what it still sends."""
        while await self.receive():
            pass

    def end(self) -> None:
        """Half-close: the other side sees the end of the stream."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Reset the connection."""
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._writer.transport.abort()


class FaultyUpstream:
    """A server that runs one script on every connection, then waits until the other side closes.

    Args:
        script: what happens on a connection.
        tls: the server's side of TLS; None for plain TCP.
        host: the address to listen on.
        port: the port, where it may not be any.
    """

    def __init__(
        self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._script = script
        self._tls = tls
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._accepted = asyncio.Event()
        self.connections: list[Connection] = []
        self.tasks: set[asyncio.Task[None]] = set()
        """The server's own tasks, to distinguish them from leaked ones."""

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the upstream is not running")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        """The base URL to configure in the client."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/open-api"

    async def until_closed(self) -> None:
        """Wait until the other side has closed every connection."""
        async with asyncio.timeout(_PATIENCE):
            for connection in self.connections:
                await connection.closed.wait()

    async def until_asked(self) -> Connection:
        """Wait until the first connection has received a whole request."""
        async with asyncio.timeout(_PATIENCE):
            await self._accepted.wait()
            await self.connections[0].asked.wait()
        return self.connections[0]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, self._port, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        # asyncio fails on a connection that is half accepted when its server closes, so these go first.
        await settle()
        if server is not None:
            server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A plain callback that makes its own task: no task exists that `__aexit__` does not know.
        self.tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self.connections.append(connection)
        self._accepted.set()
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._script(connection)
                await connection.until_closed()
            connection.closed.set()
        finally:
            writer.transport.abort()


def http(body: bytes = b"", status: str = "200 OK", headers: Sequence[str] = ()) -> bytes:
    """A whole response with its correct length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return head(*lines) + body


def head(*lines: str) -> bytes:
    """The head of a response."""
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; the empty one is the last."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def answer(raw: bytes) -> Script:
    """Answer every request of a connection with these bytes."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.read_request()
            await connection.send(raw)

    return script


def silence(raw: bytes = b"") -> Script:
    """Read the request, send these bytes, then stay silent."""

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(raw)

    return script


def drip(raw: bytes, drop: bytes, gap: float = 0.02) -> Script:
    """Send these bytes, then a trickle that is fast enough to keep a read timeout from expiring."""

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(raw)
        while True:
            await asyncio.sleep(gap)
            await connection.send(drop)

    return script


def flood(raw: bytes, piece: bytes) -> Script:
    """Send these bytes, then one chunk after the other without pause."""
    return drip(raw, piece, 0)


def hang_up(raw: bytes = b"") -> Script:
    """Read the request, send these bytes, and close."""

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(raw)
        connection.end()

    return script


def reset(raw: bytes = b"") -> Script:
    """Read the request, send these bytes, and reset the connection."""

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(raw)
        connection.reset()

    return script


async def mute(_connection: Connection) -> None:
    """Accept the connection and stay silent."""
