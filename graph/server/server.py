"""uvicorn, set up for this gateway: no access log, no `Server` header, and an end that loses no request."""

from __future__ import annotations

import asyncio
import gc
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from graph.server.acceptor import Acceptor
from graph.server.listen import ListenError
from graph.server.protocol import HardenedProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from graph.server.connection import ConnectionOptions

_TICK_SECONDS: Final = 0.1
# For what was cut off to send its last words.
_LAST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Drain:
    """How a server ends. Seconds."""

    delay: float = 0.0
    """New connections are still accepted, for balancers that have not noticed yet."""
    timeout: float = 6.0
    """Open connections are served out."""
    on_start: Callable[[], None] = lambda: None
    """Told when it begins."""


class Server(uvicorn.Server):
    """Ends normally on a signal; in a thread other than the main one, where none arrives, by its `should_exit`.

    uvicorn ends the process with -15, which supervisors take for a failure, and closes idle connections at once,
    on which the next request may be on its way already.

    Args:
        app: the app.
        sockets: bound (see `bind`); the server closes them.
        connections: how they are served.
        drain: how to end.
        on_ready: called with the port once connections are accepted.
        lifespan: whether the app is to be opened and closed.
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
        """Servers that run as long as this one: they begin earlier and end later."""
        self.on_hangup: Callable[[], None] | None = None
        """Called on SIGHUP."""
        self.ended_by: str | None = None
        """The name of the signal that ends it."""
        self.cut_off = 0
        """Requests that were still being answered when the time for it was over."""

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to end. SIGINT is a person who waits: idle connections are not waited for."""
        if not self.should_exit:
            self._patient = sig == signal.SIGTERM
            self.ended_by = signal.Signals(sig).name
        super().handle_exit(sig, frame)
        # Else uvicorn would raise the signal again at the end.
        self._captured_signals.clear()
        # At once, and not when the loop next looks at it.
        self._drain.on_start()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Run until the end, with the servers beside this one."""
        if self.on_hangup is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.on_hangup)
        beside = [asyncio.ensure_future(server.serve_beside()) for server in self.beside]
        try:
            await super().serve(sockets or self._sockets)
        finally:
            for server in self.beside:
                server.should_exit = True
            await asyncio.gather(*beside)

    async def serve_beside(self) -> None:
        """Run until `should_exit`, without an eye on signals."""
        await self._serve(self._sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        # Without sockets: uvicorn opens the application and leaves the listening to us.
        await super().startup(sockets=[])
        if not self.started:
            return
        backlog = self.config.backlog
        self._acceptors = [
            Acceptor(one, self._protocol, backlog, self._make_room) for one in sockets or self._sockets
        ]
        try:
            for acceptor in self._acceptors:
                acceptor.start()
        except OSError as error:
            # Bound twice, which is possible as long as nobody listens.
            await self.lifespan.shutdown()
            raise ListenError(f"port {self.port}: {str(error.strerror).lower()}", error.errno) from None
        # What was made up to here lives as long as the process: collections need not walk it again and again.
        gc.collect()
        gc.freeze()
        self._on_ready(self.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's form
        """Go on for a while, stop listening, serve out what is open, and close the rest."""
        self._drain.on_start()
        await self._until(lambda: False, self._drain.delay)
        self._closing = True
        for acceptor in self._acceptors:
            await acceptor.aclose()
        self._drain_connections()
        # Long enough for a connection that was accepted in the last moment.
        await self._until(lambda: False, _TICK_SECONDS)
        await self._until(self._drain_connections, self._drain.timeout)
        await self._cut_off()
        if not self.force_exit:
            await self.lifespan.shutdown()

    def _protocol(self) -> HardenedProtocol:
        made = HardenedProtocol(self.config, self.server_state, self.lifespan.state, self._options)
        if self._closing:
            made.drain(close_idle=False)
        return made

    def _connections(self) -> list[HardenedProtocol]:
        return [cast("HardenedProtocol", one) for one in self.server_state.connections]

    def _make_room(self) -> None:
        """Give up the connections that are only kept: somebody who asks is without one."""
        for connection in self._connections():
            connection.give_up_idle()

    def _drain_connections(self) -> bool:
        """Let all connections end; whether they have."""
        for connection in self._connections():
            connection.drain(close_idle=not self._patient)
        return not self.server_state.connections and not self.server_state.tasks

    async def _until(self, done: Callable[[], bool], seconds: float, *, insist: bool = False) -> None:
        """Wait, but neither longer than that nor, unless it insists, against a second signal."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (insist or not self.force_exit) and not done() and loop.time() < deadline:
            # Keeps the date of the answers right.
            await self.on_tick(0)
            await asyncio.sleep(min(_TICK_SECONDS, max(0.0, deadline - loop.time())))

    async def _cut_off(self) -> None:
        """Cancel what is still being answered, which says so, and close what is still open."""
        self.cut_off = len(self.server_state.tasks)
        if self.server_state.tasks:
            for task in self.server_state.tasks:
                task.cancel()
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_SECONDS)
        for connection in self._connections():
            connection.close()
        await self._until(lambda: not self.server_state.connections, _LAST_SECONDS, insist=True)
        for connection in self._connections():
            connection.transport.abort()
        # For the aborted ones to be told.
        await asyncio.sleep(0)
