"""uvicorn, set up for this gateway: no access log, no `Server` header, and a shutdown that loses no request."""

from __future__ import annotations

import asyncio
import gc
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from graph.server.listen import Acceptor, ListenError
from graph.server.protocol import HardenedProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from graph.server.connection import ConnectionOptions

_TICK_SECONDS: Final = 0.1
# How many new objects start a collection; the requests in progress have more than Python's 700, which all live.
_YOUNG_OBJECTS: Final = 10_000
# For cancelled requests to send their responses.
_LAST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Drain:
    """How a server shuts down. Times are in seconds."""

    delay: float = 0.0
    """How long new connections are still accepted, until load balancers have noticed."""
    timeout: float = 6.0
    """How long open connections may take to finish."""
    on_start: Callable[[], None] = lambda: None
    """Called when it begins."""


class Server(uvicorn.Server):
    """A uvicorn server that exits with 0 on a signal; in a thread, where no signal arrives, set `should_exit`.

    uvicorn itself exits with -15, which supervisors take for a failure, and closes idle connections at once, on
    which the next request may already be on its way.

    Args:
        app: the app.
        sockets: bound (see `bind`); the server closes them.
        connections: options of its connections.
        drain: how to shut down.
        on_ready: called with the port once connections are accepted.
        lifespan: whether to run the app's lifespan.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: list[socket.socket],
        connections: ConnectionOptions,
        *,
        drain: Drain | None = None,
        on_ready: Callable[[int], None] = lambda _port: None,
        lifespan: bool = True,
    ) -> None:
        config = uvicorn.Config(
            cast("Any", app),
            lifespan="on" if lifespan else "off",
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        super().__init__(config)
        self._sockets = sockets
        self._on_ready = on_ready
        self._drain = drain or Drain()
        self._options = connections
        self._patient = False
        self._closing = False
        self._acceptors: list[Acceptor] = []
        self.beside: list[Server] = []
        """Servers that run beside this one: they start before it and stop after it. If one fails, all stop."""
        self.on_hangup: Callable[[], None] | None = None
        """Called on SIGHUP; None leaves the signal alone."""
        self.ended_by: str | None = None
        """The name of the signal that stopped it."""
        self.cut_off = 0
        """How many requests were cancelled because they did not finish in time."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Start the shutdown. All but SIGTERM come from a person, so idle connections are closed at once."""
        if not self.should_exit:
            self._patient = sig == signal.SIGTERM
            self.ended_by = signal.Signals(sig).name
        super().handle_exit(sig, frame)
        # Otherwise uvicorn would raise the signal again at the end.
        self._captured_signals.clear()
        # At once, not when the main loop next looks.
        self._drain.on_start()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Run until shutdown, with the servers beside this one.

        Raises:
            ListenError: when one of them cannot listen.
        """
        if self.on_hangup is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.on_hangup)
        beside = [asyncio.ensure_future(server.serve_beside()) for server in self.beside]
        for task in beside:
            task.add_done_callback(self._stop)
        try:
            await super().serve(sockets or self._sockets)
        finally:
            for server in self.beside:
                server.should_exit = True
            await asyncio.gather(*beside, return_exceptions=True)
            self._close_sockets()
        for task in beside:
            task.result()

    async def serve_beside(self) -> None:
        """Run until `should_exit`, without handling signals."""
        try:
            await self._serve(self._sockets)
        finally:
            self._close_sockets()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, listen, and call `on_ready`."""
        # Without sockets, uvicorn only starts the app.
        await super().startup(sockets=[])
        if not self.started or self.should_exit:
            return
        backlog = self.config.backlog
        self._acceptors = [
            Acceptor(one, self._protocol, backlog, self._close_idle_connections)
            for one in sockets or self._sockets
        ]
        try:
            for acceptor in self._acceptors:
                acceptor.start()
        except OSError as error:
            # Two processes can bind one address while neither listens.
            await self.lifespan.shutdown()
            raise ListenError(f"port {self.port}: {str(error.strerror).lower()}", error.errno) from None
        # Everything so far lives as long as the process, so the garbage collector need not traverse it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        self._on_ready(self.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Keep accepting for a while, stop listening, let open connections finish, and close the rest."""
        self._drain.on_start()
        # No balancer knows a server that never listened.
        await self._wait(lambda: not self._acceptors, self._drain.delay)
        self._closing = True
        for acceptor in self._acceptors:
            await acceptor.aclose()
        self._drain_connections()
        # For connections that were accepted at the last moment.
        await self._wait(lambda: False, _TICK_SECONDS)
        await self._wait(self._drain_connections, self._drain.timeout)
        await self._cut_off()
        if not self.force_exit:
            await self.lifespan.shutdown()

    def _stop(self, _ended: asyncio.Future[None]) -> None:
        self.should_exit = True

    def _close_sockets(self) -> None:
        """Close those that were never listened on; acceptors close the others."""
        for one in self._sockets:
            one.close()

    def _protocol(self) -> HardenedProtocol:
        made = HardenedProtocol(self.config, self.server_state, self.lifespan.state, self._options)
        if self._closing:
            made.drain(close_idle=False)
        return made

    def _connections(self) -> list[HardenedProtocol]:
        return [cast("HardenedProtocol", one) for one in self.server_state.connections]

    def _close_idle_connections(self) -> None:
        """Close idle connections in favour of new ones."""
        for connection in self._connections():
            connection.close_if_idle()

    def _drain_connections(self) -> bool:
        """Ask all connections to finish; whether they have."""
        for connection in self._connections():
            connection.drain(close_idle=not self._patient)
        return not self.server_state.connections and not self.server_state.tasks

    async def _wait(self, done: Callable[[], bool], seconds: float, *, even_if_forced: bool = False) -> None:
        """Wait until `done`, at most for `seconds`; a second signal ends the wait unless `even_if_forced`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (even_if_forced or not self.force_exit) and not done() and loop.time() < deadline:
            # It updates the Date header.
            await self.on_tick(0)
            await asyncio.sleep(min(_TICK_SECONDS, max(0.0, deadline - loop.time())))

    async def _cut_off(self) -> None:
        """Cancel requests, which still get a response, and close all connections."""
        self.cut_off = len(self.server_state.tasks)
        if self.server_state.tasks:
            for task in self.server_state.tasks:
                task.cancel()
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_SECONDS)
        for connection in self._connections():
            connection.close()
        await self._wait(lambda: not self.server_state.connections, _LAST_SECONDS, even_if_forced=True)
        for connection in self._connections():
            connection.transport.abort()
        # So that `connection_lost` of the aborted ones is called.
        await asyncio.sleep(0)
