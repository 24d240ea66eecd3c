"""uvicorn's HTTP protocol with what it does for each request made cheaper, and otherwise as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph.outbox import Outbox
from graph.server.cycle import Cycle

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import HTTPScope
    from uvicorn.config import Config
    from uvicorn.server import ServerState


class LeanProtocol(HttpToolsProtocol):
    """One connection, whose requests are of our own class."""

    # Never opened, so that it holds nothing: without one of the server's, answers do not wait.
    outbox: ClassVar[Outbox] = Outbox()
    cycle: Cycle

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn writes URLs whenever its logger has a handler, be it one of somebody else's.
        self.access_log = False
        self._running: Cycle | None = None
        self._defaults: list[tuple[bytes, bytes]] | None = None
        self._defaults_wire = b""

    def on_message_begin(self) -> None:
        """Forget the request before. uvicorn makes the scope here, which then lacks half of itself."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, unless the request is answered already."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.add(body)
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def _begin_request(self, version: str, method: bytes) -> None:
        """Have the request answered when its turn comes, as uvicorn's `on_headers_complete` does."""
        self.scope = self._new_scope(version, method)
        waits = self._running is not None and not self.cycle.response_complete
        self.cycle = Cycle(
            self.scope,
            self.transport,
            self.flow,
            self.loop,
            default_headers=self.server_state.default_headers,
            default_wire=self._default_wire(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
            outbox=self.outbox,
        )
        if waits:
            # For its turn.
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._start_asgi_task(self.cycle, self.app)

    def _new_scope(self, version: str, method: bytes) -> HTTPScope:
        path, raw_path, query = _split(self.url)
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "headers": self.headers,
            "state": self.app_state.copy(),
            "method": method.decode("ascii"),
            "path": self.root_path + path,
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query,
        }
        return cast("HTTPScope", scope)

    def _default_wire(self) -> bytes:
        """What the server adds to every answer, as it is sent; put together anew when it has changed."""
        current = self.server_state.default_headers
        if current is not self._defaults:
            self._defaults = current
            self._defaults_wire = b"".join(b"%b: %b\r\n" % field for field in current)
        return self._defaults_wire


def _split(url: bytes) -> tuple[str, bytes, bytes]:
    """The path of a target, decoded and raw, and its query."""
    if url[1:].isalpha():
        # Mostly there is nothing to split.
        return url.decode("ascii"), url, b""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""
