"""Tells a client that has ended its own side only, and waits for its answer, from one that is gone.

TCP shows both in the same way, by a FIN, until something is sent: the system of a client that has closed its
socket answers that with a reset. All answers begin with the same few bytes, so these are sent ahead one by one.
The first brings the reset about; a relay in between meets it there, and passes it on when the next one comes.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

_BEGINNING: Final = b"HTTP/1.1 "


class BegunAnswer:
    """The part of a transport that one answer uses, whose first bytes are sent before the rest is known.

    Args:
        transport: of the connection.
        goes_on: whether the answer has begun already; then nothing is sent ahead.
    """

    def __init__(self, transport: asyncio.Transport, *, goes_on: bool) -> None:
        self._transport = transport
        self._ahead = 0
        self._goes_on = goes_on

    def probe(self) -> None:
        """Send one more byte ahead, if there is one."""
        if not self._goes_on and self._ahead < len(_BEGINNING):
            self._transport.write(_BEGINNING[self._ahead : self._ahead + 1])
            self._ahead += 1

    def write(self, data: bytes) -> None:
        """Write a part of the answer, of which the first begins with what was sent ahead."""
        if not self._goes_on:
            self._goes_on = True
            data = data[self._ahead :]
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection once everything is written."""
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()


def is_reset(transport: asyncio.Transport) -> bool:
    """Whether the other side has taken the connection back. Of that nobody is told who does not read."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    return connection is not None and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
