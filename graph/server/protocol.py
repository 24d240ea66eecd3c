"""uvicorn's HTTP protocol with limits, and without requests that two parsers could read differently.

uvicorn leaves this to a proxy in front. A gateway to card data does not rely on one: it accepts nothing larger,
slower or more ambiguous than a query needs. The overrides depend on uvicorn's internals; hence uvicorn is pinned
exactly, and tests check the responses to raw bytes.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httptools

from graph.server.connection import Connection, RequestPart
from graph.server.request_validation import (
    RequestRejectedError,
    bad_request,
    check_host,
    check_request_line,
    origin_form,
    read_headers,
)

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from graph.server.connection import ConnectionOptions

# No GraphQL client pipelines. Waiting requests are held in memory.
_MAX_PIPELINED: Final = 10
# A chunk of one byte needs five bytes of framing. More than this can only be an attack.
_FRAMING_PER_BYTE: Final = 16


class HardenedProtocol(Connection):
    """One connection whose parser events are checked before uvicorn sees them."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], options: ConnectionOptions
    ) -> None:
        super().__init__(config, server_state, app_state, options)
        self._part_is_new = False
        self._part_bytes = 0
        self._header_bytes = 0
        self._content_bytes = 0
        self._host: bytes | None = None
        """The Host of the last request, already checked: nearly all requests of a connection name the same."""

    def data_received(self, data: bytes) -> None:
        """Parse. Data after a rejection is discarded."""
        if self._rejected is not None:
            return
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._without_upgrade() + data[upgrade.args[0] :]
            except httptools.HttpParserError as error:
                self._reject(self._reason(error))
                break
            else:
                self._count(len(data))
                break
        self._update_deadline()

    def on_message_begin(self) -> None:
        """Reset the counters of the previous request."""
        super().on_message_begin()
        self._part, self._part_is_new = RequestPart.HEAD, True
        self._header_bytes = 0
        self._content_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Collect the target; uvicorn accepts any length."""
        self.url += url
        if len(self.url) > self.options.limits.url_bytes:
            raise RequestRejectedError(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; uvicorn accepts any number and size."""
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self.options.limits.header_bytes:
            raise _too_large("The header is too large.")
        if self._part is not RequestPart.HEAD:
            # A trailer. uvicorn would add it to the headers of the running request, past all checks.
            return
        if len(self.headers) == self.options.limits.headers:
            raise _too_large("The header has too many fields.")
        # httptools keeps trailing white space, which is not part of the value (RFC 9110 section 5.5).
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Check the head as a whole before uvicorn starts the app."""
        version, method = self.parser.get_http_version(), self.parser.get_method()
        check_request_line(method, version)
        self.url, authority = origin_form(self.url, method)
        host, self.expect_100_continue = read_headers(self.headers, version)
        if host is None or host != self._host or authority is not None:
            check_host(host, authority, version, self.options.limits)
            self._host = host if authority is None else None
        if authority is not None:
            # An absolute target overrides the Host header (RFC 9112 section 3.2.2).
            self.headers[:] = [*(one for one in self.headers if one[0] != b"host"), (b"host", authority)]
        if self.parser.should_upgrade():
            return
        if len(self.pipeline) == _MAX_PIPELINED:
            raise bad_request("Too many requests wait for their turn.")
        super().on_headers_complete()
        # A client that expects `100-continue` and gets a final response may or may not send its body, so that the
        # next bytes would be ambiguous.
        if self.expect_100_continue or self._draining:
            self.cycle.keep_alive = False
        self._part, self._part_is_new = RequestPart.BODY, True

    def on_body(self, body: bytes) -> None:
        """Count the content."""
        self._content_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request, unless its head is about to be parsed again: see `_without_upgrade`."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
            self._part, self._part_is_new = RequestPart.NONE, True

    def _count(self, received: int) -> None:
        """Limit what the parser buffers until a field is complete, and the framing, which it never passes on.

        Where in the data a part begins is unknown, so the data with its beginning is not counted.
        """
        if self._part_is_new:
            self._part_is_new = False
            self._part_bytes = 0
            return
        self._part_bytes += received
        if self._part is RequestPart.BODY:
            if self._part_bytes > self.options.limits.header_bytes + _FRAMING_PER_BYTE * self._content_bytes:
                self._reject(bad_request("The body is mostly framing."))
        elif self._part_bytes > self.options.limits.header_bytes + self.options.limits.url_bytes:
            self._reject(_too_large("The header is too large."))

    def _reason(self, error: httptools.HttpParserError) -> RequestRejectedError:
        """The rejection that one of the callbacks raised; httptools wraps their exceptions."""
        cause = error.__context__
        if isinstance(cause, RequestRejectedError):
            return cause
        if cause is not None and not isinstance(cause, httptools.HttpParserError):
            self.logger.error("Exception while a request was read", exc_info=cause)
        return bad_request("The request is not well-formed HTTP.")

    def _without_upgrade(self) -> bytes:
        """The head of a request that asks for an upgrade, without its Upgrade header, and a new parser for it.

        Java's HTTP client asks for `h2c` in every first request; a server may ignore that (RFC 9110 section 7.8).
        The parser cannot: it takes everything that follows, such as the body, for the other protocol.
        """
        line = f"HTTP/{self.parser.get_http_version()}".encode("ascii")
        lines = [b" ".join([self.parser.get_method(), self.url, line])]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join([*lines, b"", b""])


def _too_large(message: str) -> RequestRejectedError:
    return RequestRejectedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, message)
