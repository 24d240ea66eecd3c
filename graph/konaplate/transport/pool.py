"""Connections to one server: as many as may be, and kept while they are used."""

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
"""The extension of a request that needs a connection which was not used before."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a pool."""

    connections: int = 64
    keepalive: float = 15.0
    """The seconds for which an idle connection is kept; less than the server does."""
    response_bytes: int = 256 * 1024
    """How large a response's body may be."""


class Pool:
    """Connections to one server.

    Args:
        host: a name, or an address.
        port: of the server.
        limits: see `PoolLimits`.
        tls: how the server's certificate is verified; None for a server without TLS.
    """

    def __init__(self, host: str, port: int, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._addresses = Addresses(host, port)
        self._limits = limits
        self._tls = tls
        # Held by every exchange until its connection is idle or gone. One that is idle leaves its place to whoever
        # takes it, or opens another instead.
        self._places = Slots(SlotRules(most=limits.connections, least=limits.connections), time.monotonic)
        # The latest one is used first, so that those that are not needed grow old and go.
        self._idle: dict[ClientConnection, None] = {}
        self._all: set[ClientConnection] = set()
        self._timer = DeadlineTimer()
        self._closed = False
        self.loop = asyncio.get_running_loop()
        """Of all its connections."""

    def take_idle(self, ends: float) -> ClientConnection | None:
        """The connection that was used last, if one is idle and nobody waits; see `take`."""
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
        """A connection for one exchange, to be given back by `give_back`.

        Args:
            ends: when the exchange shall be over, by the event loop's clock.
            wait: seconds for one to become free; None for no bound.
            connect: seconds for a new one, its TLS included; None for no bound.
            fresh: whether it must be one that was not used before.

        Raises:
            httpx.PoolTimeout: when none becomes free in time.
            httpx.ConnectTimeout: when the server does not accept one in time.
            httpx.ConnectError: when it refuses, or its certificate is not accepted.
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

    def give_back(self, connection: ClientConnection) -> None:
        """Take a connection back, and keep it if it may be used again."""
        # Else its place is free once it is lost.
        if connection.usable:
            connection.kept = True
            connection.at = self.loop.time() + self._limits.keepalive
            self._idle[connection] = None
            self._timer.watch(connection)
            self._places.release(lost=None)

    def end_idle(self) -> None:
        """End all that are idle."""
        for connection in self._idle:
            connection.abort()

    async def aclose(self) -> None:
        """Close everything, whoever may be waiting, and wait until the connections are gone."""
        self._closed = True
        for connection in self._all:
            connection.abort()
        while self._all:  # noqa: ASYNC110 - they are gone a turn or two after this, which no event tells sooner
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
            # The oldest one makes room for the new one, in the loop's next turn.
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
            # UnicodeError: a name with an empty part, or one that is too long, is not even looked up.
            if connection is not None:
                connection.abort()
            raise httpx.ConnectError("No connection.") from error
        self._all.add(connection)
        return connection

    async def _connect(self, ip_address: str) -> ClientConnection:
        """Connect to one of the server's addresses. TLS belongs to it: who accepts may still stay silent."""
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
