"""One connection: a request goes out as bytes, and a whole answer comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httpx

from graph.transport.answer import AnswerReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.transport.answer import AnswerBounds, HttpAnswer

NO_ANSWER: Final = "Server disconnected without sending a response."
"""httpx's words for a connection that ended before an answer began; it has no class of its own for that."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time.

    Args:
        bounds: how large an answer may be.
        on_lost: called once, when the connection is gone.
    """

    def __init__(self, bounds: AnswerBounds, on_lost: Callable[[Connection], None]) -> None:
        self._bounds = bounds
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._pending: asyncio.Future[HttpAnswer] | None = None
        self.usable = False
        """Whether it may carry an exchange."""
        self.kept = False
        """Whether it was idle before."""
        self.idle_since = 0.0

    def ask(self, request: bytes) -> asyncio.Future[HttpAnswer]:
        """Send a request; its answer.

        The answer fails with httpx.RemoteProtocolError when it is none, or when there is none; see `AnswerReader`.
        """
        self._reader = AnswerReader(self._bounds)
        self._pending = pending = asyncio.get_running_loop().create_future()
        if self._transport is None:
            raise RuntimeError("not connected")
        self._transport.write(request)
        return pending

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
        reader = self._reader
        if reader is None:
            self.abort()
            return
        try:
            reader.feed(data)
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            if reader.complete:
                self._finish(reader)

    def eof_received(self) -> None:
        """The other side sends no more; the event loop closes the connection then."""
        self.usable = False
        reader = self._reader
        if reader is None:
            return
        if not reader.begun:
            self._fail(httpx.RemoteProtocolError(NO_ANSWER))
            return
        try:
            reader.end()
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            self._finish(reader)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.usable = False
        reader, self._transport = self._reader, None
        if reader is not None:
            text = "The connection broke within the answer." if reader.begun else NO_ANSWER
            error = httpx.RemoteProtocolError(text)
            # Such as the other side's refusal of our certificate, which TLS reports this late.
            error.__cause__ = exc
            self._fail(error)
        self._on_lost(self)

    def _finish(self, reader: AnswerReader) -> None:
        pending, self._reader, self._pending = self._pending, None, None
        self.usable = self.usable and reader.keep_alive
        if not self.usable:
            self.abort()
        if pending is not None and not pending.done():
            pending.set_result(reader.answer())

    def _fail(self, error: httpx.RemoteProtocolError) -> None:
        pending, self._reader, self._pending = self._pending, None, None
        self.abort()
        if pending is not None and not pending.done():
            pending.set_exception(error)
