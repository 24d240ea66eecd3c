"""A real server on a real socket, in a thread, and the app that most tests use."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graph.http.front import Front
from graph.server.connection import ConnectionOptions
from graph.server.limits import HttpLimits
from graph.server.listen import bind
from graph.server.server import Drain, Server
from graph.wiring.serving import rejection_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send


# Only a failing test waits this long.
PATIENCE = 30

# A deadline that a test waits for, and one that is never reached.
SOON = 0.1
NEVER = 60.0


def only(
    *,
    header_timeout: float = NEVER,
    body_timeout: float = NEVER,
    write_timeout: float = NEVER,
    keepalive: float = NEVER,
) -> HttpLimits:
    """Limits whose other deadlines are never reached."""
    return HttpLimits(
        header_timeout=header_timeout,
        body_timeout=body_timeout,
        write_timeout=write_timeout,
        keepalive=keepalive,
    )


class Live:
    """A server that runs in a thread."""

    def __init__(self, app: ASGIApp, limits: HttpLimits | None = None) -> None:
        self.port = 0
        self._ready = threading.Event()
        self._server = Server(
            app,
            bind("127.0.0.1", 0),
            ConnectionOptions(rejection_response, limits or HttpLimits()),
            drain=Drain(timeout=PATIENCE),
            on_ready=self._on_ready,
        )
        self._thread = threading.Thread(target=self._server.run)

    def _on_ready(self, port: int) -> None:
        self.port = port
        self._ready.set()

    def start(self) -> None:
        """Start, and wait until connections are accepted."""
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def stop(self) -> None:
        """Stop, and assert that no connection and no task remains."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert not self._server.server_state.connections
        assert not self._server.server_state.tasks

    def wait_for_no_connection(self) -> None:
        """Return once the server has closed every connection; clients that do not read cannot tell."""
        deadline = time.monotonic() + PATIENCE
        while self._server.server_state.connections:
            assert time.monotonic() < deadline, "a connection is still open"
            time.sleep(0.005)


@contextmanager
def serving(app: ASGIApp, limits: HttpLimits | None = None) -> Iterator[Live]:
    """Serve an app on a port of its own."""
    live = Live(app, limits or HttpLimits())
    live.start()
    try:
        yield live
    finally:
        live.stop()


class Probe:
    """An app that records its requests and returns them. Its behaviour depends on the path.

    - `/early`: answers without reading the body
    - `/large`: answers with a large body
    - `/wait`: answers when `release` is called, or stops when the client disconnects
    - `/stream`: streams bytes until the client disconnects
    - `/break`: raises an exception with a card number
    - any other: reads the body and returns the request
    """

    LARGE = 32 * 1024 * 1024

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.paths: list[str] = []
        self.disconnects: list[str] = []
        self.arrived = threading.Event()
        self.gone = threading.Event()
        self._release = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.app: ASGIApp = Front(self._answer)

    def forget(self) -> None:
        """Forget all requests except those in flight."""
        self.scopes.clear()
        self.paths.clear()
        self.disconnects.clear()
        self.arrived.clear()
        self.gone.clear()
        self._release.clear()

    def release(self) -> None:
        """Let waiting requests continue."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._release.set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        await self.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        self._release = asyncio.Event()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.scopes.append(scope)
        self.paths.append(path)
        self.arrived.set()
        body = b""
        if path == "/break":
            raise RuntimeError("canary 9491339400000013")
        if path == "/stream":
            await self._stream(receive, send)
            return
        if path == "/wait":
            await self._wait(receive)
        elif path not in ("/early", "/large"):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self._note_disconnect(path)
                    return
                body += message["body"]
                more = message["more_body"]
        answer = b"x" * self.LARGE if path == "/large" else _seen(scope, body)
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _stream(self, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(self._disconnect(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)
        self._note_disconnect("/stream")

    @staticmethod
    async def _disconnect(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _wait(self, receive: Receive) -> None:
        while (await receive()).get("more_body"):
            pass
        gone = asyncio.ensure_future(receive())
        released = asyncio.ensure_future(self._release.wait())
        done, _ = await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        released.cancel()
        if gone in done:
            self._note_disconnect("/wait")

    def _note_disconnect(self, path: str) -> None:
        self.disconnects.append(path)
        self.gone.set()


def _seen(scope: Scope, body: bytes) -> bytes:
    seen: dict[str, Any] = {
        "method": scope["method"],
        "version": scope["http_version"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    return json.dumps(seen).encode()


Served = tuple[Probe, Live]
Serve = Callable[[HttpLimits], Served]
