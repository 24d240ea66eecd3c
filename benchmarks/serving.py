"""Serves the benchmark's own ASGI applications."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


def serve(app: Callable[..., Any], path: str = "") -> None:
    """Serve on a free port, and print the address with that path, until a signal comes."""
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", log_level="warning", access_log=False,
        # Servers that are not asked for a while keep their connections to the upstream.
        timeout_keep_alive=75,
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(f"it answers on http://127.0.0.1:{listener.getsockname()[1]}{path}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
