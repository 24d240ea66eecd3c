"""Connections to one server: as many as may be, kept while they are used, given to whoever has waited longest."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from graph.happy_eyeballs import Addresses
from graph.konaplate.transport.answer import AnswerBounds
from graph.konaplate.transport.connection import NO_ANSWER, Connection
from graph.resilience.deadline import DeadlineTimer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from graph.konaplate.transport.answer import HttpAnswer


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a pool. Seconds."""

    connections: int = 64
    keepalive: float = 15.0
    """How long an idle connection is kept; less than the server does."""
    connect: float = 1.0
    """For a connection, its TLS included."""
    wait: float = 0.25
    """For a connection to become free."""
    answer: AnswerBounds = field(default_factory=AnswerBounds)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is."""

    host: str
    port: int
    tls: bool


class Pool:
    """Connections to one server.

    Args:
        address: where it is.
        limits: see `PoolLimits`.
        tls: how the server's certificate is verified; needed for a TLS address.
    """

    def __init__(self, address: Address, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._addresses = Addresses(address.host, address.port)
        self._limits = limits
        self._tls = tls if address.tls else None
        # The latest one is used first, so that those that are not needed grow old and go.
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._deadlines = DeadlineTimer()
        self._opening = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        # A waiter gets a connection, or None: the room to open one.
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        """How many connections there are or are being opened."""
        return len(self._all) + self._opening

    async def exchange(
        self,
        request: bytes,
        seconds: float | None = None,
        *,
        wait: float | None = None,
        connect: float | None = None,
        trusts: Callable[[HttpAnswer], bool] | None = None,
        fresh: bool = False,
    ) -> HttpAnswer:
        """Send a request and read its answer.

        Args:
            request: head and body.
            seconds: for everything; None for no bound.
            wait: seconds for a connection to become free, if not those of the limits.
            connect: seconds for a new connection, if not those of the limits.
            trusts: whether a connection that gave this answer may be used again; None if every one may.
            fresh: whether it needs a connection that was not used before.

        Raises:
            httpx.ReadTimeout: when it is not over in time.
            httpx.PoolTimeout: when no connection becomes free in time.
            httpx.ConnectTimeout: when the server does not accept one in time.
            httpx.ConnectError: when it refuses, or its certificate is not accepted.
            httpx.RemoteProtocolError: without an answer, or with one that cannot be used.
        """
        now = self._now()
        ends = None if seconds is None else now + seconds
        if fresh and self._idle and len(self) >= self._limits.connections:
            self._idle.popleft().abort()
        connection = None if fresh else self._latest_idle(now)
        if connection is None:
            connection = await self._take_until(ends, wait, connect, fresh=fresh)
        if ends is not None:
            connection.at = ends
            self._deadlines.watch(connection)
        try:
            answer = await connection.ask(request)
            if trusts is not None and not trusts(answer):
                connection.abort()
        except BaseException as error:
            # Also when the caller was cancelled: what still comes would be the answer to the next request.
            connection.abort()
            if connection.kept and isinstance(error, httpx.RemoteProtocolError) and str(error) == NO_ANSWER:
                self._drop_idle()
            raise
        if connection.usable:
            self._keep(connection)
        return answer

    async def aclose(self) -> None:
        """Close everything, whoever may be waiting, and wait until the connections are gone."""
        self._closed = True
        self._deadlines.close()
        if self._sweep is not None:
            self._sweep.cancel()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(_closed())
        for connection in self._all:
            connection.abort()
        while self._all:  # noqa: ASYNC110 - they are gone a turn or two after this, which no event tells sooner
            await asyncio.sleep(0)

    async def _take_until(
        self, ends: float | None, wait: float | None, connect: float | None, *, fresh: bool
    ) -> Connection:
        try:
            async with asyncio.timeout_at(ends):
                return await self._take(
                    self._limits.wait if wait is None else wait,
                    self._limits.connect if connect is None else connect,
                    fresh=fresh,
                )
        except TimeoutError:
            raise httpx.ReadTimeout("No answer in time.") from None

    async def _take(self, wait: float, connect: float, *, fresh: bool) -> Connection:
        while True:
            if self._closed:
                raise _closed()
            connection = None if fresh else self._latest_idle(self._now())
            if connection is None and len(self) < self._limits.connections:
                self._opening += 1
            elif connection is None:
                connection = await self._wait(wait)
            if connection is None:
                connection = await self._open(connect)
            elif fresh:
                # Its end makes room for a new one.
                connection.abort()
            # One that was handed over may have ended since.
            if connection.usable:
                return connection

    def _latest_idle(self, now: float) -> Connection | None:
        oldest = now - self._limits.keepalive
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _drop_idle(self) -> None:
        """A kept connection has ended: the others were idle for longer, and no attempt should meet them."""
        while self._idle:
            self._idle.pop().abort()

    async def _wait(self, seconds: float) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            self._decline(waiter)
            raise httpx.PoolTimeout("No connection became free in time.") from None
        except asyncio.CancelledError:
            self._decline(waiter)
            raise

    def _decline(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Take back what a waiter was given in the moment in which it left."""
        if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
            return
        connection = waiter.result()
        if connection is not None:
            self._keep(connection)
        else:
            self._opening -= 1
            self._offer_room()

    async def _open(self, seconds: float) -> Connection:
        """Open a connection, for which there must be room, counted in `_opening`."""
        connection = None
        try:
            async with asyncio.timeout(seconds):
                connection = await self._addresses.first(self._connect, Connection.abort, seconds)
            if self._closed or not connection.usable:
                connection.abort()
                raise ConnectionResetError
        except TimeoutError as error:
            raise httpx.ConnectTimeout("No connection in time.") from error
        except (OSError, UnicodeError) as error:
            # UnicodeError: a name with an empty part, or one that is too long, is not even looked up.
            raise httpx.ConnectError("No connection.") from error
        else:
            self._all.add(connection)
        finally:
            self._opening -= 1
            if connection not in self._all:
                self._offer_room()
        return connection

    async def _connect(self, ip_address: str) -> Connection:
        """Connect to one of the server's addresses. TLS belongs to it: who accepts may still stay silent."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._limits.answer, self._lost),
            ip_address,
            self._address.port,
            ssl=self._tls,
            server_hostname=self._address.host if self._tls else None,
        )
        return connection

    def _now(self) -> float:
        if self._loop is None:
            # Once, because with Python 3.11 every time is a system call.
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    def _lost(self, connection: Connection) -> None:
        # One that was lost before it was ever used is not among them.
        if connection in self._all:
            self._all.discard(connection)
            self._deadlines.forget(connection)
            self._offer_room()

    def _keep(self, connection: Connection) -> None:
        """Hand a connection to who has waited longest, or keep it."""
        connection.idle_since = self._now()
        connection.kept = True
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
            return
        self._idle.append(connection)
        self._sweep_later()

    def _offer_room(self) -> None:
        """Let who has waited longest open a connection."""
        waiter = self._next_waiter()
        if waiter is not None:
            self._opening += 1
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _sweep_later(self) -> None:
        if self._sweep is None and not self._closed:
            self._sweep = asyncio.get_running_loop().call_later(self._limits.keepalive, self._close_old)

    def _close_old(self) -> None:
        self._sweep = None
        oldest = self._now() - self._limits.keepalive
        while self._idle and (not self._idle[0].usable or self._idle[0].idle_since <= oldest):
            self._idle.popleft().abort()
        if self._idle:
            self._sweep_later()


def _closed() -> httpx.ConnectError:
    return httpx.ConnectError("The transport is closed.")
