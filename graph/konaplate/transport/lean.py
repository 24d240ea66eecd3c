"""The transport: httpx's interface over pools of connections."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

import httpx

from graph.konaplate.transport.connection import NO_RESPONSE, TOO_SLOW
from graph.konaplate.transport.messages import TemplateRequest, WholeResponse, request_bytes, server_of
from graph.konaplate.transport.pool import FRESH, Pool

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from graph.konaplate.transport.connection import ClientConnection
    from graph.konaplate.transport.messages import Server
    from graph.konaplate.transport.pool import PoolLimits

_PORTS: Final = {"http": 80, "https": 443}

TOTAL: Final = "konagraph.total"
"""The extension of a request that says how many seconds its whole exchange may take."""


class LeanTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 with whole, bounded responses. Proxies, HTTP/2, upgrades and streaming are not its business.

    Args:
        limits: bounds of each server's connections.
        tls: how certificates are verified; None refuses https.
    """

    def __init__(self, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._limits = limits
        self._tls = tls
        self._pools: dict[Server, Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its response.

        Of httpx's `timeout` it takes `pool` and `connect`; `TOTAL` bounds everything, and nothing else does.

        Raises:
            httpx.TransportError: without a response, or with one that cannot be used; see `Pool`.
        """
        if isinstance(request, TemplateRequest):
            server, sent = request.template.server, request.sent()
        else:
            server, sent = server_of(request.url), await request_bytes(request)
        pool = self._pools.get(server) or self._new_pool(*server)
        seconds = request.extensions.get(TOTAL)
        ends = math.inf if seconds is None else pool.loop.time() + seconds
        connection = None if request.extensions.get(FRESH) else pool.take_idle(ends)
        if connection is None:
            connection = await _connection(pool, request, ends)
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


class WholeBody(httpx.AsyncByteStream):
    """A response's body. Its connection is free once it is closed, and kept if it was read, as httpx does it."""

    def __init__(self, body: bytes, connection: ClientConnection, pool: Pool) -> None:
        self._body = body
        self.connection = connection
        self._pool: Pool | None = pool
        self._was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.read()

    def read(self) -> bytes:
        """All of it; for who need not go through a generator."""
        self._was_read = True
        return self._body

    async def aclose(self) -> None:
        """Give its connection back."""
        pool, self._pool = self._pool, None
        if pool is not None:
            if not self._was_read:
                self.connection.abort()
            pool.give_back(self.connection)
