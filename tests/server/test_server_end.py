"""How a server stops listening: connections queued by the system are answered."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.app import create_app
from graph.server.connection import ConnectionOptions
from graph.server.listen import bind
from graph.server.server import Drain, Server
from graph.wiring.serving import rejection_response
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import ec_signer, key_set
from tests.server.live_server import PATIENCE, Probe
from tests.server.raw_http import Wire
from tests.support import Recorder, sandbox_settings

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Message, Scope


def test_a_connection_that_waits_to_be_accepted_when_the_listener_closes_is_answered() -> None:
    wires: list[Wire] = []
    ready = threading.Event()

    def connect() -> None:
        # Called in the loop's thread, so that it cannot accept before it closes.
        wires.append(Wire(server.port))
        wires[-1].send(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")

    drain = Drain(timeout=PATIENCE, on_start=connect)
    server = Server(
        Probe(),
        bind("127.0.0.1", 0),
        ConnectionOptions(rejection_response),
        drain=drain,
        on_ready=lambda _port: ready.set(),
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    assert ready.wait(PATIENCE)
    server.should_exit = True
    thread.join(PATIENCE)
    (wire,) = wires
    with wire:
        answer = wire.answer()
        rest = wire.rest()

    assert (answer.status, answer.values("connection"), rest) == (200, ["close"], b"")
    assert not thread.is_alive()


def test_a_request_that_outlasts_the_drain_timeout_is_cut_off_with_an_answer() -> None:
    class Silent(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.called = threading.Event()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.called.set()
            await asyncio.Event().wait()
            raise AssertionError(request)  # pragma: no cover - the event is never set

    upstream, ready = Silent(), threading.Event()
    server = Server(
        create_app(sandbox_settings(), transport=upstream),
        bind("127.0.0.1", 0),
        ConnectionOptions(rejection_response),
        drain=Drain(timeout=0.2),
        on_ready=lambda _port: ready.set(),
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    assert ready.wait(PATIENCE)
    body = b'{"query":"{ card(cardNo: \\"9491339400000013\\") { balance } }"}'
    with Wire(server.port) as wire:
        wire.send(
            b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert upstream.called.wait(PATIENCE)
        server.should_exit = True
        answer = wire.answer()
        thread.join(PATIENCE)

    assert (
        answer.status,
        answer.values("connection"),
        answer.values("cache-control"),
    ) == (503, ["close"], ["private, no-store"])
    assert b"OVERLOADED" in answer.body
    assert b"94913394" not in answer.body
    assert (server.cut_off, thread.is_alive()) == (1, False)


async def test_one_part_that_fails_to_close_keeps_no_other_open(tmp_path: Path) -> None:
    class Failing(Recorder):
        closed = False

        async def aclose(self) -> None:
            self.closed = True
            raise OSError("c4n4ry")

    transport = Failing()
    keys = tmp_path / "jwks.json"
    keys.write_bytes(key_set(ec_signer()))
    app = create_app(sandbox_settings(**jwt_settings(keys)), transport=transport)
    with pytest.raises(OSError, match="c4n4ry"):
        async with app.router.lifespan_context(app):
            pass

    assert (transport.closed, app.state.health.draining) == (True, True)
    # The task that keeps the keys loaded has ended; it is closed after Konaplate's client.
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_a_cancelled_request_is_answered_in_our_words_before_it_ends() -> None:
    upstream = Recorder()
    app = create_app(sandbox_settings(), transport=upstream)

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError  # pragma: no cover - the event is never set

    messages: list[Message] = []

    async def collect(message: Message) -> None:
        messages.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": None,
        "state": {},
    }
    task = asyncio.ensure_future(app(scope, never, collect))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    start, body = messages
    assert (start["status"], dict(start["headers"])[b"cache-control"]) == (503, b"private, no-store")
    assert b"OVERLOADED" in body["body"]
