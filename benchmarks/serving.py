"""Serves a hand-written peer: `python -m benchmarks.serving NAME BASE_URL`."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from benchmarks import handwritten, naive, raw

if TYPE_CHECKING:
    from collections.abc import Callable

RAW: Final = "raw-asgi-aiohttp"
STARLETTE_AIOHTTP: Final = "starlette-aiohttp"
STARLETTE_HTTPX: Final = "starlette-httpx"
STRAWBERRY_HTTPX: Final = "strawberry-httpx"

APPS: Final[dict[str, Callable[[str], Callable[..., Any]]]] = {
    RAW: raw.Raw,
    STARLETTE_AIOHTTP: lambda base_url: handwritten.create_app(base_url, handwritten.aiohttp_client),
    STARLETTE_HTTPX: lambda base_url: handwritten.create_app(base_url, handwritten.httpx_client),
    STRAWBERRY_HTTPX: naive.create_app,
}


def main(name: str, base_url: str) -> None:
    """Serve until a signal comes, on a port that is free."""
    config = uvicorn.Config(
        APPS[name](base_url), loop="uvloop", http="httptools", ws="none", log_level="warning", access_log=False
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Connections wait in the listener's queue until uvicorn takes them.
        print(f"{name} answers on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
