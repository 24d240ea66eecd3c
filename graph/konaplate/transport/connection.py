"""One connection: sends a request as bytes, and parses a whole response, strictly and within bounds."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import httptools
import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

NO_RESPONSE: Final = "Server disconnected without sending a response."
"""httpx's message for a connection that closed before a response began; it has no exception class for that."""
TOO_SLOW: Final = "No whole response in time."

_VERSIONS: Final = ("1.1", "1.0")
_INTERIM: Final = range(100, 200)
_SWITCHING_PROTOCOLS: Final = 101
_WITHOUT_BODY: Final = (204, 304)
_KEEP_ALIVE: Final = "1.1"

_MAX_HEAD: Final = 64 * 1024
# The most framing per byte of content; a chunk of one byte has five.
_FRAMING: Final = 16


class ParsedResponse(NamedTuple):
    """One whole response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class ResponseRefusedError(httpx.RemoteProtocolError):
    """A response that is too large or compressed."""

    def __init__(self, status: int) -> None:
        super().__init__("The response is too large or compressed.")
        self.status = status


class ResponseParser:
    """Reads the responses of one connection, one after the other. httptools calls the `on_` methods."""

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        # One for all responses, because creating a parser costs as much as reading a response.
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Prepare for a response; the previous one must be complete and allow reuse of the connection."""
        self._received = 0
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._length: bytes | None = None
        self._transfer_codings: list[bytes] = []
        self._head_complete = False
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._ends_with_connection = False
        self.keep_alive = False
        """Whether the connection may carry another exchange."""
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether any part of a response has arrived."""
        return self._received > 0

    def feed(self, data: bytes) -> None:
        """Parse data.

        Raises:
            httpx.RemoteProtocolError: it is not HTTP, or more than one response.
            ResponseRefusedError: it is too large.
        """
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            # httptools wraps what the methods below raise. Its own messages quote the data.
            if isinstance(error.__context__, httpx.RemoteProtocolError):
                raise error.__context__ from None
            raise _malformed() from None
        except httptools.HttpParserUpgrade:
            raise _malformed() from None
        # Bounds incomplete headers, which the parser buffers, and framing, which it never reports.
        if not self.complete and self._received > _MAX_HEAD + _FRAMING * self._body_bytes:
            raise ResponseRefusedError(self._status) if self._head_complete else _malformed()

    def end(self) -> None:
        """The connection has ended.

        Raises:
            httpx.RemoteProtocolError: the response is incomplete.
        """
        if not self._ends_with_connection:
            raise httpx.RemoteProtocolError("The connection ended within the response.")
        self.complete = True

    def response(self) -> ParsedResponse:
        """The complete response."""
        return ParsedResponse(self._status, self._headers, b"".join(self._body))

    def on_message_begin(self) -> None:
        """Reject a second response: nobody requested it, so the first may belong to another request."""
        if self.complete:
            raise _malformed()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; trailers are ignored."""
        if self._head_complete:
            return
        value = value.rstrip(b" \t")
        self._headers.append((name, value))
        match name.lower():
            case b"content-length":
                self._length = value
            case b"transfer-encoding":
                self._transfer_codings.append(value.lower())

    def on_headers_complete(self) -> None:
        """Check the head."""
        self._status = status = self._parser.get_status_code()
        version = self._parser.get_http_version()
        if version not in _VERSIONS or status < _INTERIM.start or status == _SWITCHING_PROTOCOLS:
            raise _malformed()
        if status < _INTERIM.stop:
            return
        self._head_complete = True
        codings, length = self._transfer_codings, self._length
        # Empty members of a list mean nothing (RFC 9110 section 5.6.1). Those after `chunked` are refused, because
        # the parser would not read chunks then.
        if codings and b",".join(codings).lstrip(b", \t") != b"chunked":
            raise _malformed()
        self._ends_with_connection = length is None and not codings and status not in _WITHOUT_BODY
        self.keep_alive = version == _KEEP_ALIVE and self._parser.should_keep_alive()
        if length is not None and int(length) > self._max_body:
            raise ResponseRefusedError(status)

    def on_body(self, body: bytes) -> None:
        """Collect content."""
        self._body_bytes += len(body)
        if self._body_bytes > self._max_body:
            raise ResponseRefusedError(self._status)
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Complete the response, or discard an interim one."""
        if self._head_complete:
            self.complete = True
        else:
            self._headers.clear()
            self._transfer_codings.clear()
            self._length = None


def _malformed() -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError("The response is not well-formed.")


class ClientConnection(asyncio.Protocol):
    """Carries one exchange at a time."""

    def __init__(self, max_body: int, on_lost: Callable[[ClientConnection], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = ResponseParser(max_body)
        # The response of the exchange in progress.
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
