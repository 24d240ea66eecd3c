"""A bounded pool of connections to one server."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from graph.happy_eyeballs import Addresses
from graph.konaplate.transport.connection import ClientConnection
from graph.resilience.deadline import DeadlineTimer
from graph.resilience.slots import NoSlotError, SlotRules, Slots

if TYPE_CHECKING:
    import ssl

FRESH: Final = "konagraph.fresh"
"""The extension of a request that needs a new connection."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a pool."""

    connections: int = 64
    # Shorter than common servers and balancers keep one. If the upstream closes one first, it is not reused.
    keepalive: float = 15.0
    """Seconds that an idle connection is kept."""
    response_bytes: int = 256 * 1024
    """The largest body of a response."""


class Pool:
    """Connections to one server.

    Args:
        host: a name or an address.
        port: the server's port.
        limits: see `PoolLimits`.
        tls: how the server's certificate is verified; None for plain HTTP.
    """

    def __init__(self, host: str, port: int, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._addresses = Addresses(host, port)
        self._limits = limits
        self._tls = tls
        # An exchange holds a place until its connection is idle or gone; idle connections hold none.
        self._places = Slots(SlotRules(most=limits.connections, least=limits.connections), time.monotonic)
        # The most recently used is taken first, so that surplus connections expire.
        self._idle: dict[ClientConnection, None] = {}
        self._all: set[ClientConnection] = set()
        self._timer = DeadlineTimer()
        self._closed = False
        self.loop = asyncio.get_running_loop()
        """The event loop of all connections."""

    def take_idle(self, ends: float) -> ClientConnection | None:
        """Take an idle connection if there is one and nobody is waiting; see `take`."""
        if not self._idle or not self._places.try_take():
            return None
        connection = self._latest_idle()
        if connection is None:
            self._places.release(lost=None)
            return None
        connection.at = ends
        self._timer.watch(connection)
        return connection

    async def take(
        self, ends: float, *, wait: float | None, connect: float | None, fresh: bool
    ) -> ClientConnection:
        """Take a connection for one exchange; return it with `release`.

        Args:
            ends: the exchange's deadline, by the event loop's clock.
            wait: seconds to wait for a free connection; None for no limit.
            connect: seconds to open a connection, including TLS; None for no limit.
            fresh: whether it must be a new one.

        Raises:
            httpx.PoolTimeout: none became free in time.
            httpx.ConnectTimeout: none could be opened in time.
            httpx.ConnectError: the server refused, or its certificate is not accepted.
        """
        try:
            await self._places.take(wait)
        except NoSlotError:
            raise httpx.PoolTimeout("No connection became free in time.") from None
        connection = None if fresh else self._latest_idle()
        if connection is None:
            try:
                connection = await self._open(connect)
            except BaseException:
                self._places.release(lost=None)
                raise
        connection.at = ends
        self._timer.watch(connection)
        return connection

    def release(self, connection: ClientConnection) -> None:
        """Return a connection, and keep it if it is reusable."""
        # Otherwise `_lost` releases its place.
        if connection.usable:
            connection.reused = True
            connection.at = self.loop.time() + self._limits.keepalive
            self._idle[connection] = None
            self._timer.watch(connection)
            self._places.release(lost=None)

    def close_idle(self) -> None:
        """Close all idle connections."""
        for connection in self._idle:
            connection.abort()

    async def aclose(self) -> None:
        """Close all connections, whoever is waiting for them, and wait until they are gone."""
        self._closed = True
        for connection in self._all:
            connection.abort()
        while self._all:  # noqa: ASYNC110 - they are gone after a turn or two; no event would tell sooner
            await asyncio.sleep(0)

    def _latest_idle(self) -> ClientConnection | None:
        now = self.loop.time()
        for connection in reversed(self._idle):
            if connection.usable and connection.at > now:
                del self._idle[connection]
                return connection
            connection.abort()
        return None

    async def _open(self, seconds: float | None) -> ClientConnection:
        if self._idle:
            # The oldest idle one makes room, in the loop's next turn.
            next(iter(self._idle)).abort()
            await asyncio.sleep(0)
        connection: ClientConnection | None = None
        try:
            async with asyncio.timeout(seconds):
                within = math.inf if seconds is None else seconds
                connection = await self._addresses.first(self._connect, ClientConnection.abort, within)
            if self._closed or not connection.usable:
                raise ConnectionResetError
        except TimeoutError as error:
            raise httpx.ConnectTimeout("No connection in time.") from error
        except (OSError, UnicodeError) as error:
            # UnicodeError: a host name with an empty or too long label is not even looked up.
            if connection is not None:
                connection.abort()
            raise httpx.ConnectError("No connection.") from error
        self._all.add(connection)
        return connection

    async def _connect(self, ip_address: str) -> ClientConnection:
        """Connect to one address, including TLS: a server that accepts may still stay silent."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: ClientConnection(self._limits.response_bytes, self._lost),
            ip_address,
            self._port,
            ssl=self._tls,
            server_hostname=self._host if self._tls else None,
        )
        return connection

    def _lost(self, connection: ClientConnection) -> None:
        self._timer.forget(connection)
        if connection in self._idle:
            del self._idle[connection]
        elif connection in self._all:
            self._places.release(lost=None)
        self._all.discard(connection)
