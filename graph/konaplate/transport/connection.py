"""One connection: a request goes out as bytes, and a whole answer comes back."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, cast

import httpx

from graph.konaplate.transport.answer import AnswerReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.konaplate.transport.answer import AnswerBounds, HttpAnswer

NO_ANSWER: Final = "Server disconnected without sending a response."
"""httpx's words for a connection that ended before an answer began; it has no class of its own for that."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time.

    Args:
        bounds: how large an answer may be.
        on_lost: called once, when the connection is gone.
    """

    def __init__(self, bounds: AnswerBounds, on_lost: Callable[[Connection], None]) -> None:
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader(bounds)
        # That of the exchange under way.
        self._pending: asyncio.Future[HttpAnswer] | None = None
        self.usable = False
        """Whether it may carry an exchange."""
        self.kept = False
        """Whether it was idle before."""
        self.idle_since = 0.0
        self.at = math.inf
        """When the exchange under way must be over; see `DeadlineTimer`."""

    def ask(self, request: bytes) -> asyncio.Future[HttpAnswer]:
        """Send a request; its answer.

        The answer fails with httpx.RemoteProtocolError when it is none, or when there is none; see `AnswerReader`.
        """
        if self._transport is None:
            raise RuntimeError("not connected")
        self._reader.begin()
        self._pending = pending = self._loop.create_future()
        self._transport.write(request)
        return pending

    def expire(self) -> None:
        """The exchange under way has taken too long: it fails with httpx.ReadTimeout."""
        self._fail(httpx.ReadTimeout("No answer in time."))

    def abort(self) -> None:
        """End it at once. Not politely: the end of a TLS connection would wait for the other side."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be used now."""
        # A stream's transport; uvloop's has none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Read on. What comes unasked makes the connection useless: the next answer could be an old one."""
        if self._pending is None:
            self.abort()
            return
        try:
            self._reader.feed(data)
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            if self._reader.complete:
                self._finish()

    def eof_received(self) -> None:
        """The other side sends no more; the event loop closes the connection then."""
        self.usable = False
        if self._pending is None:
            return
        if not self._reader.begun:
            self._fail(httpx.RemoteProtocolError(NO_ANSWER))
            return
        try:
            self._reader.end()
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.usable = False
        self._transport = None
        if self._pending is not None:
            text = "The connection broke within the answer." if self._reader.begun else NO_ANSWER
            error = httpx.RemoteProtocolError(text)
            # Such as the other side's refusal of our certificate, which TLS reports this late.
            error.__cause__ = exc
            self._fail(error)
        self._on_lost(self)

    def _finish(self) -> None:
        pending, self._pending, self.at = self._pending, None, math.inf
        self.usable = self.usable and self._reader.keep_alive
        if not self.usable:
            self.abort()
        if pending is not None and not pending.done():
            pending.set_result(self._reader.answer())

    def _fail(self, error: httpx.TransportError) -> None:
        pending, self._pending, self.at = self._pending, None, math.inf
        self.abort()
        if pending is not None and not pending.done():
            pending.set_exception(error)
