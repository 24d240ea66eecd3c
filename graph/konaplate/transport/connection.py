"""One connection: a request goes out as bytes, and a whole response comes back."""

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
"""httpx's words for a connection that ended before a response began; it has no class of its own for that."""
TOO_SLOW: Final = "No whole response in time."


class ClientConnection(asyncio.Protocol):
    """Carries one exchange at a time.

    Args:
        max_body: how large a response's body may be, in bytes.
        on_lost: called once, when the connection is gone.
    """

    def __init__(self, max_body: int, on_lost: Callable[[ClientConnection], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = ResponseParser(max_body)
        # That of the exchange under way.
        self._pending: asyncio.Future[ParsedResponse] | None = None
        self.usable = False
        """Whether it may carry an exchange."""
        self.kept = False
        """Whether it was idle before."""
        self.at = math.inf
        """When its exchange has taken too long, or it has been idle for too long; see `DeadlineTimer`."""

    def send(self, request: bytes) -> asyncio.Future[ParsedResponse]:
        """Send a request; its response.

        It fails with httpx.RemoteProtocolError when there is none that can be used; see `ResponseParser`. It fails
        with httpx.ReadTimeout when it is not there at the moment `at`.
        """
        if self._transport is None:
            raise RuntimeError("not connected")
        self._parser.begin()
        self._pending = pending = self._loop.create_future()
        self._transport.write(request)
        return pending

    def abort(self) -> None:
        """End it at once. Not politely: the end of a TLS connection would wait for the other side."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """It has been idle for too long, or its exchange has taken too long."""
        if self._pending is None:
            self.abort()
        else:
            self._fail(httpx.ReadTimeout(TOO_SLOW))

    async def aclose(self) -> None:
        """End it at once: what httpx calls a network stream has this method."""
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be used now."""
        # A stream's transport; uvloop's has none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        # Kept: to ask for it costs a call of the system.
        self._loop = asyncio.get_running_loop()
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Read on. What comes unasked makes the connection useless: the next response could be an old one."""
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
        """The other side sends no more; the event loop closes the connection then."""
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
        """It is gone."""
        self.usable = False
        self._transport = None
        if self._pending is not None:
            text = "The connection broke within the response." if self._parser.begun else NO_RESPONSE
            error = httpx.RemoteProtocolError(text)
            # Such as the other side's refusal of our certificate, which TLS reports this late.
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
