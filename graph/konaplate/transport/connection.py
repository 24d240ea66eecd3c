"""One connection: sends a request as bytes, and returns a whole response."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, cast

import httpx

from graph.konaplate.transport.parser import ResponseParser

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.konaplate.transport.parser import ParsedResponse

NO_RESPONSE: Final = "Server disconnected without sending a response."
"""httpx's message for a connection that closed before a response began; it has no exception class for that."""
TOO_SLOW: Final = "No whole response in time."


class ClientConnection(asyncio.Protocol):
    """Carries one exchange at a time."""

    def __init__(self, max_body: int, on_lost: Callable[[ClientConnection], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = ResponseParser(max_body)
        # Of the exchange in progress.
        self._pending: asyncio.Future[ParsedResponse] | None = None
        self.usable = False
        """Whether it may carry an exchange."""
        self.reused = False
        """Whether it was idle before."""
        self.at = math.inf
        """When its exchange or its idle time expires; see `DeadlineTimer`."""

    def send(self, request: bytes) -> asyncio.Future[ParsedResponse]:
        """Send a request; returns a future of its response.

        It fails with httpx.RemoteProtocolError if the response is unusable (see `ResponseParser`), and with
        httpx.ReadTimeout if it is not complete at `at`.
        """
        if self._transport is None:
            raise RuntimeError("not connected")
        self._parser.begin()
        self._pending = pending = self._loop.create_future()
        self._transport.write(request)
        return pending

    def abort(self) -> None:
        """Close it at once, without waiting for the other side as TLS would."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """Its exchange or its idle time has expired."""
        if self._pending is None:
            self.abort()
        else:
            self._fail(httpx.ReadTimeout(TOO_SLOW))

    async def aclose(self) -> None:
        """Close it at once; a method of what httpx calls a network stream."""
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Mark it as usable."""
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        # Kept, because looking it up costs a system call.
        self._loop = asyncio.get_running_loop()
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Parse data. Unsolicited data ends the connection: it could pass for the next response."""
        if self._pending is None:
            self.abort()
            return
        try:
            self._parser.feed(data)
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            if self._parser.complete:
                self._finish()

    def eof_received(self) -> None:
        """End the response; the event loop then closes the connection."""
        self.usable = False
        if self._pending is None:
            return
        if not self._parser.begun:
            self._fail(httpx.RemoteProtocolError(NO_RESPONSE))
            return
        try:
            self._parser.end()
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the exchange in progress."""
        self.usable = False
        self._transport = None
        if self._pending is not None:
            text = "The connection broke within the response." if self._parser.begun else NO_RESPONSE
            error = httpx.RemoteProtocolError(text)
            # For example, the other side's rejection of our certificate, which TLS reports this late.
            error.__cause__ = exc
            self._fail(error)
        self._on_lost(self)

    def _finish(self) -> None:
        pending, self._pending = self._pending, None
        self.usable = self.usable and self._parser.keep_alive
        if not self.usable:
            self.abort()
        if pending is not None and not pending.done():
            pending.set_result(self._parser.response())

    def _fail(self, error: httpx.TransportError) -> None:
        pending, self._pending = self._pending, None
        self.abort()
        if pending is not None and not pending.done():
            pending.set_exception(error)
