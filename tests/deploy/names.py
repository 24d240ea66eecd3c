"""A DNS server with one name, whose addresses change as containers come and go."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME: Final = "gateways.test"
_A, _IN = 1, 1
_ANSWER, _NO_SUCH_NAME = 0x8400, 0x8403


class NameServer(asyncio.DatagramProtocol):
    """Answers with the current `addresses`, like Docker's; without any, the name does not exist."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a query for one name (RFC 1035, section 4)."""
        # The header, labels with their lengths up to an empty one, type and class.
        end = data.index(b"\0", 12) + 1
        (kind,) = struct.unpack_from(">H", data, end)
        found = self.addresses if kind == _A else []
        records = b"".join(
            # The name is that of the query, at byte 12; the TTL is one second.
            struct.pack(">HHHIH", 0xC00C, _A, _IN, 1, 4) + ipaddress.IPv4Address(address).packed
            for address in found
        )
        flags = _ANSWER if self.addresses else _NO_SUCH_NAME
        header = data[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        self._transport.sendto(header + data[12 : end + 4] + records, addr)


@asynccontextmanager
async def name_server(*addresses: str) -> AsyncIterator[NameServer]:
    """The server, on a loopback port."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(list(addresses)), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
