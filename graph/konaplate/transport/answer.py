"""A whole answer, and how it is read from bytes: httptools' parser, with bounds, and strict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import httptools
import httpx

from graph.header_values import is_encoded

_VERSIONS: Final = ("1.1", "1.0")
_INTERIM: Final = range(100, 200)
_SWITCHING_PROTOCOLS: Final = 101
_WITHOUT_BODY: Final = (204, 304)
_KEEP_ALIVE: Final = "1.1"


@dataclass(slots=True)
class HttpAnswer:
    """One whole answer."""

    status: int
    fields: dict[bytes, bytes]
    """The header, by names in lower case; the values of a field that was there more than once are one list."""
    # It may be a person's data in clear.
    body: bytes = field(repr=False)

    def header(self, name: bytes) -> str | None:
        """The value of a field."""
        value = self.fields.get(name)
        return None if value is None else value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class AnswerBounds:
    """How large an answer may be. Bytes."""

    head: int = 64 * 1024
    body: int = 256 * 1024
    framing: int = 16
    """What may surround each byte of content; a chunk of one byte has five bytes around it."""


class AnswerRefusedError(httpx.RemoteProtocolError):
    """An answer that is larger than may be, or compressed; `status` is its status."""

    def __init__(self, status: int) -> None:
        super().__init__("The answer is too large or compressed.")
        self.status = status


class AnswerReader:
    """Reads the answers of one connection, one after the other. Methods that begin with `on_` are for the parser.

    Args:
        bounds: how large an answer may be.
    """

    def __init__(self, bounds: AnswerBounds) -> None:
        self._bounds = bounds
        # Making a parser costs as much as reading an answer, so a connection has one for all.
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Make ready for an answer; the one before, if any, must be complete, and have kept the connection."""
        self._received = 0
        self._status = 0
        self._fields: dict[bytes, bytes] = {}
        self._head_complete = False
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._ends_with_connection = False
        self.keep_alive = False
        """Whether the connection may carry another exchange."""
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether anything of an answer has come."""
        return self._received > 0

    def feed(self, data: bytes) -> None:
        """Take what has come.

        Raises:
            httpx.RemoteProtocolError: when it is no HTTP, or more than one answer.
            AnswerRefusedError: when it is more than may be, or compressed.
        """
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            # httptools wraps what the methods below raise. Its own messages quote what came.
            if isinstance(error.__context__, httpx.RemoteProtocolError):
                raise error.__context__ from None
            raise _malformed() from None
        except httptools.HttpParserUpgrade:
            raise _malformed() from None
        if not self.complete:
            self._check_size()

    def end(self) -> None:
        """The connection has ended.

        Raises:
            httpx.RemoteProtocolError: when the answer is not complete.
        """
        if not self._ends_with_connection:
            raise httpx.RemoteProtocolError("The connection ended within the answer.")
        self.complete = True

    def answer(self) -> HttpAnswer:
        """What was read."""
        return HttpAnswer(self._status, self._fields, b"".join(self._body))

    def on_message_begin(self) -> None:
        """Refuse a second answer: nobody has asked for it, so which question the first one answers is unsure."""
        if self.complete:
            raise _malformed()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field; those after the body are not wanted."""
        if self._head_complete:
            return
        name, value = name.lower(), value.rstrip(b" \t")
        earlier = self._fields.get(name)
        self._fields[name] = value if earlier is None else earlier + b", " + value

    def on_headers_complete(self) -> None:
        """Look at the head."""
        self._status = status = self._parser.get_status_code()
        version = self._parser.get_http_version()
        if version not in _VERSIONS or status < _INTERIM.start or status == _SWITCHING_PROTOCOLS:
            raise _malformed()
        if status < _INTERIM.stop:
            return
        self._head_complete = True
        fields = self._fields
        transfer, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
        if transfer is not None and transfer.lower() != b"chunked":
            raise _malformed()
        self._ends_with_connection = length is None and transfer is None and status not in _WITHOUT_BODY
        self.keep_alive = version == _KEEP_ALIVE and self._parser.should_keep_alive()
        too_long = length is not None and int(length) > self._bounds.body
        encoding = fields.get(b"content-encoding")
        # Inflating has no bound.
        if too_long or (encoding is not None and is_encoded(encoding.decode("latin-1"))):
            raise AnswerRefusedError(status)

    def on_body(self, body: bytes) -> None:
        """Collect content."""
        self._body_bytes += len(body)
        if self._body_bytes > self._bounds.body:
            raise AnswerRefusedError(self._status)
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was only an interim one."""
        if self._head_complete:
            self.complete = True
        else:
            self._fields.clear()

    def _check_size(self) -> None:
        """Bound what the parser holds until a field is complete, and the framing, which it never hands out."""
        if self._received > self._bounds.head + self._bounds.framing * self._body_bytes:
            raise AnswerRefusedError(self._status) if self._head_complete else _malformed()


def _malformed() -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError("The answer is not well-formed.")
