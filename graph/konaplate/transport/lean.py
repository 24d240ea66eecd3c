"""The transport: httpx's interface over pools of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.konaplate.transport.connection import NO_RESPONSE
from graph.konaplate.transport.pool import FRESH, Pool

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from graph.konaplate.transport.connection import Connection
    from graph.konaplate.transport.pool import PoolLimits

_PORTS: Final = {"http": 80, "https": 443}


class LeanTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 with whole, bounded responses. Proxies, HTTP/2, upgrades and streaming are not its business.

    Args:
        limits: bounds of each server's connections.
        tls: how certificates are verified; None refuses https.
    """

    def __init__(self, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._limits = limits
        self._tls = tls
        self._pools: dict[tuple[str, bytes, int | None], Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its response.

        Of httpx's `timeout` it takes `pool` and `connect`; how long the response may take is the caller's to say.

        Raises:
            httpx.TransportError: without a response, or with one that cannot be used; see `Pool` and `Connection`.
        """
        content = b"".join([part async for part in request.stream])  # type: ignore[union-attr] # as async clients have it
        sent = request_head(request) + content
        pool, seconds = self._pool(request.url), request.extensions.get("timeout", {})
        connection = await pool.take(
            wait=seconds.get("pool"), connect=seconds.get("connect"), fresh=bool(request.extensions.get(FRESH))
        )
        try:
            status, headers, body = await connection.send(sent)
        except BaseException as error:
            # Also when the caller was cancelled: what still comes would be the response to the next request.
            connection.abort()
            pool.give_back(connection)
            if connection.kept and isinstance(error, httpx.RemoteProtocolError) and str(error) == NO_RESPONSE:
                # The others were idle for longer, and no attempt should meet them.
                pool.end_idle()
            raise
        extensions: dict[str, Any] = {"http_version": b"HTTP/1.1", "network_stream": connection}
        stream = _Body(body, connection, pool)
        return httpx.Response(status, headers=headers, stream=stream, extensions=extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    def _pool(self, url: httpx.URL) -> Pool:
        server = (url.scheme, url.raw_host, url.port)
        pool = self._pools.get(server)
        return self._new_pool(*server) if pool is None else pool

    def _new_pool(self, scheme: str, host: bytes, port: int | None) -> Pool:
        if scheme not in _PORTS or (scheme == "https" and self._tls is None):
            raise httpx.UnsupportedProtocol("The URL must be http or https.")
        tls = self._tls if scheme == "https" else None
        pool = self._pools[scheme, host, port] = Pool(
            host.decode("ascii"), port or _PORTS[scheme], self._limits, tls
        )
        return pool


class _Body(httpx.AsyncByteStream):
    """A response's body. Its connection is free once it is closed, and kept if it was read, as httpx does it."""

    def __init__(self, body: bytes, connection: Connection, pool: Pool) -> None:
        self._body = body
        self._connection = connection
        self._pool: Pool | None = pool
        self._was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._was_read = True
        yield self._body

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            if not self._was_read:
                self._connection.abort()
            pool.give_back(self._connection)


def request_head(request: httpx.Request) -> bytes:
    """The request line and the headers of a request.

    Raises:
        httpx.LocalProtocolError: when a value would break out of its line.
    """
    line = b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)
    lines = [line, *map(b": ".join, request.headers.raw), b"", b""]
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\r") != breaks or head.count(b"\n") != breaks or b"\0" in head:
        raise httpx.LocalProtocolError("A header holds a line break.")
    return head
