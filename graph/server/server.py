"""uvicorn, set up for this gateway: no access log, no `Server` header, a protocol with bounds."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NotRequired, TypedDict, Unpack

import uvicorn

from graph.server.connection import ConnectionOptions
from graph.server.limits import HttpLimits
from graph.server.listen import bind
from graph.server.rejection import plain_response
from graph.server.shutdown import Drain, Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from graph.server.rejection import RejectionResponse, RequestRejectedError


class Options(TypedDict):
    """How to serve an app."""

    host: NotRequired[str]
    port: NotRequired[int]
    """0 for any that is free."""
    sockets: NotRequired[list[socket.socket]]
    """Bound already, instead of host and port."""
    on_ready: NotRequired[Callable[[int], None]]
    """Called with the port once connections are accepted."""
    drain: NotRequired[Drain]
    """How to end."""
    limits: NotRequired[HttpLimits]
    """Bounds of each connection."""
    respond: NotRequired[Callable[[RequestRejectedError], RejectionResponse]]
    """Makes the answer to a request that is rejected before the app sees it; by default of plain text."""
    lifespan: NotRequired[bool]
    """Whether the app is to be opened and closed."""


def run(server: Server) -> bool:
    """Run a server until a signal comes, then answer what is open and return.

    Returns:
        Whether it ever started; it says in its log why it did not.
    """
    # uvicorn leaves with an exit status of its own when the application does not start.
    with contextlib.suppress(SystemExit):
        server.run()
    return server.started


def make_server(app: ASGIApp, **options: Unpack[Options]) -> Server:
    """A server that is ready to run.

    Raises:
        ListenError: when the address cannot be listened on.
    """
    sockets = options.get("sockets")
    config = uvicorn.Config(
        app,
        # Without an answer in their own words, callers of a dead path would see uvicorn's.
        lifespan="on" if options.get("lifespan", True) else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
    )
    return Server(
        config,
        bind(options.get("host", "127.0.0.1"), options.get("port", 0)) if sockets is None else sockets,
        options.get("on_ready", lambda _port: None),
        options.get("drain", Drain()),
        ConnectionOptions(options.get("limits", HttpLimits()), options.get("respond", plain_response)),
    )
