"""The transport: httpx's interface over pools of connections.

Headers stay bytes until somebody asks for httpx's form of them. httpx looks at each header four times and copies
the URL, which costs more than sending a request and reading its response.
"""

from __future__ import annotations

import asyncio
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.konaplate.transport.connection import NO_RESPONSE, TOO_SLOW
from graph.konaplate.transport.pool import FRESH, Pool

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from graph.header_values import RawHeaders
    from graph.konaplate.transport.connection import ClientConnection
    from graph.konaplate.transport.pool import PoolLimits

ServerKey = tuple[str, bytes, int | None]
"""A URL's scheme, host and port."""

_PORTS: Final = {"http": 80, "https": 443}

TOTAL: Final = "konagraph.total"
"""The request extension that limits the whole exchange, in seconds."""


class Template:
    """The prepared common part of many POST requests."""

    def __init__(self, url: str, headers: RawHeaders) -> None:
        blank = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(b""))
        self.url = blank.url
        self.server = _server_of(blank.url)
        self.raw_headers = [(b"Host", blank.url.netloc), *headers]
        self.head = _request_line(blank) + _header_lines(self.raw_headers)


class TemplateRequest(httpx.Request):
    """A POST request made from a template."""

    def __init__(
        self, template: Template, raw_headers: RawHeaders, body: bytes, extensions: dict[str, Any]
    ) -> None:
        # Sets every documented attribute of a request; httpx's own constructor is what costs.
        self.method = "POST"
        self.url = template.url
        self.stream = httpx.ByteStream(body)
        self.extensions = extensions
        self.template = template
        self.raw_headers = raw_headers
        self.body = body

    @cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override] # an attribute there
        """All headers, for other transports than `LeanTransport`."""
        return httpx.Headers([*self.template.raw_headers, *self.raw_headers])

    def sent(self) -> bytes:
        """The bytes to send."""
        return b"".join((self.template.head, _header_lines(self.raw_headers), b"\r\n", self.body))


class WholeBody(httpx.AsyncByteStream):
    """A response's body. Closing it releases the connection, which is reused only if the body was read."""

    def __init__(self, body: bytes, connection: ClientConnection, pool: Pool) -> None:
        self._body = body
        self.connection = connection
        self._pool: Pool | None = pool
        self._was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.read()

    def read(self) -> bytes:
        """All of it, without the cost of a generator."""
        self._was_read = True
        return self._body

    async def aclose(self) -> None:
        """Release the connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            if not self._was_read:
                self.connection.abort()
            pool.release(self.connection)


class WholeResponse(httpx.Response):
    """A response that was read whole."""

    # What httpx's own constructor would set for every response.
    next_request = None
    is_closed = is_stream_consumed = False
    default_encoding = "utf-8"
    _request = None
    _num_bytes_downloaded = 0

    def __init__(self, status: int, raw_headers: RawHeaders, body: WholeBody) -> None:
        self.status_code = status
        self.extensions = {"http_version": b"HTTP/1.1", "network_stream": body.connection}
        self.history = []
        self.stream = body
        self.raw_headers = raw_headers
        self.body = body

    @cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override] # an attribute there
        """The headers in httpx's form."""
        return httpx.Headers(self.raw_headers)


class LeanTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 with whole, bounded responses. No proxies, HTTP/2, upgrades or streaming.

    Args:
        limits: the bounds of each server's connections.
        tls: how certificates are verified; None rejects https.
    """

    def __init__(self, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._limits = limits
        self._tls = tls
        self._pools: dict[ServerKey, Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its response.

        Of httpx's `timeout`, only `pool` and `connect` apply; `TOTAL` limits the whole exchange.

        Raises:
            httpx.TransportError: there is no usable response; see `Pool`.
        """
        if isinstance(request, TemplateRequest):
            server, sent = request.template.server, request.sent()
        else:
            server, sent = _server_of(request.url), await request_bytes(request)
        pool = self._pools.get(server) or self._new_pool(*server)
        seconds = request.extensions.get(TOTAL)
        ends = math.inf if seconds is None else pool.loop.time() + seconds
        connection = None if request.extensions.get(FRESH) else pool.take_idle(ends)
        if connection is None:
            connection = await _connection(pool, request, ends)
        try:
            status, headers, body = await connection.send(sent)
        except BaseException as error:
            # Even if the caller was cancelled: a late response must not reach the next request.
            connection.abort()
            pool.release(connection)
            if connection.reused and isinstance(error, httpx.RemoteProtocolError) and str(error) == NO_RESPONSE:
                # The other idle connections are even older, and probably closed too.
                pool.close_idle()
            raise
        return WholeResponse(status, headers, WholeBody(body, connection, pool))

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    def _new_pool(self, scheme: str, host: bytes, port: int | None) -> Pool:
        if scheme not in _PORTS or (scheme == "https" and self._tls is None):
            raise httpx.UnsupportedProtocol("The URL must be http or https.")
        tls = self._tls if scheme == "https" else None
        pool = self._pools[scheme, host, port] = Pool(
            host.decode("ascii"), port or _PORTS[scheme], self._limits, tls
        )
        return pool


async def _connection(pool: Pool, request: httpx.Request, ends: float) -> ClientConnection:
    """Wait for a connection, or open one, within the time of the whole exchange."""
    seconds = request.extensions.get("timeout", {})
    try:
        async with asyncio.timeout_at(None if ends == math.inf else ends):
            return await pool.take(
                ends,
                wait=seconds.get("pool"),
                connect=seconds.get("connect"),
                fresh=bool(request.extensions.get(FRESH)),
            )
    except TimeoutError:
        raise httpx.ReadTimeout(TOO_SLOW) from None


def _server_of(url: httpx.URL) -> ServerKey:
    return url.scheme, url.raw_host, url.port


async def request_bytes(request: httpx.Request) -> bytes:
    """The bytes to send for any request.

    Raises:
        httpx.LocalProtocolError: a header holds a line break.
    """
    head = _request_line(request) + _header_lines(request.headers.raw)
    return b"%b\r\n%b" % (head, await request.aread())


def _request_line(request: httpx.Request) -> bytes:
    return b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path)


def _header_lines(headers: RawHeaders) -> bytes:
    lines = b"\r\n".join([*map(b": ".join, headers), b""])
    # A line break in a value would smuggle in another header.
    if lines.count(b"\r") != len(headers) or lines.count(b"\n") != len(headers) or b"\0" in lines:
        raise httpx.LocalProtocolError("A header holds a line break.")
    return lines
