"""The gateway in this process, over an upstream that answers at once: what is left is the gateway's own work."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

import httpx
import orjson
import uvloop

from benchmarks.protected import protection
from benchmarks.targets import gateway_settings
from benchmarks.upstream import BASE_PATH, Calls
from graph.app import create_app
from graph.config.environment import load_settings
from graph.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
    from typing import Any

    from starlette.applications import Starlette

BASE_URL: Final = f"http://upstream{BASE_PATH}"


class Canned(httpx.AsyncBaseTransport):
    """Gives the benchmark upstream's answers without a network."""

    def __init__(self) -> None:
        self._calls = Calls()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        status, body = self._calls.answer(request.url.raw_path, await request.aread())
        # A stream, as from the network: an answer that httpx has read already cannot be read in pieces.
        return httpx.Response(int(status[:3]), stream=httpx.ByteStream(body))


@contextlib.asynccontextmanager
async def gateway(*, protected: bool = False, extra: Mapping[str, str] | None = None) -> AsyncIterator[Starlette]:
    """The whole app, started; protected: with tokens, budgets and audit; extra: further settings."""
    settings = {**gateway_settings(BASE_URL), **(extra or {})}
    if protected:
        settings.update(protection().settings)
    app = create_app(load_settings(settings), transport=Canned())
    async with app.router.lifespan_context(app):
        yield app


async def ask(app: Starlette, body: bytes, authorization: str = "") -> bytes:
    """POST one request straight to the ASGI app; the answer's body."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"gateway"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *([(b"authorization", authorization.encode())] if authorization else []),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }
    chunks: list[bytes] = []
    unread = [body]

    async def receive() -> MutableMapping[str, Any]:
        if not unread:
            # As a server does while the client is there.
            await asyncio.Event().wait()
        return {"type": "http.request", "body": unread.pop(), "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(chunks)


def print_result(measured: Awaitable[object]) -> None:
    """Run a measurement in a process of its own, which logs as a gateway of the benchmark does."""
    configure_logging("warning", as_json=True)
    print(orjson.dumps(uvloop.run(_awaited(measured))).decode())


async def _awaited(work: Awaitable[object]) -> object:
    return await work


async def cpu_microseconds(work: Callable[[], Awaitable[object]], seconds: float) -> float:
    """CPU time of one call of `work`, called one after the other for some seconds."""
    ends_at = time.monotonic() + seconds
    calls = 0
    before = time.process_time()
    while time.monotonic() < ends_at:
        await work()
        calls += 1
    return (time.process_time() - before) / calls * 1e6
