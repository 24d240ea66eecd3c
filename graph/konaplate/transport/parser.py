"""Reads whole responses from bytes: httptools' parser, strict and bounded."""

from __future__ import annotations

from typing import Final, NamedTuple

import httptools
import httpx

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
        if codings and codings != [b"chunked"]:
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
