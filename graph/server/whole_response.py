"""An answer's head and body in one write.

uvicorn writes them one after the other. A process that is killed in between leaves a head without a body, and no
balancer may send the request to another gateway once it has seen a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class WholeAnswer:
    """The part of a transport that uvicorn uses for one answer: the first write waits for the second one.

    It does not wait longer than the app takes without a pause, so that an answer in pieces is not held back.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._begun = False
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write, together with what is held."""
        if not self._begun:
            self._begun = True
            self._held = data
            self._loop.call_soon(self._release)
            return
        held, self._held = self._held, b""
        self._transport.write(held + data if held else data)

    def close(self) -> None:
        """Close the connection once everything is written."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = b""
