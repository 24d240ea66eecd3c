"""The ASGI extension that reports a disconnect without `receive`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from graph.server.connection import ON_DISCONNECT
from tests.server.in_memory import Connected, Wired

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"


async def test_an_app_that_asks_for_it_is_called_when_its_client_disconnects() -> None:
    told: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scope["extensions"][ON_DISCONNECT](lambda: told.append("gone"))
        await asyncio.sleep(0)
        if scope["path"] == "/forgetful":
            scope["extensions"][ON_DISCONNECT](None)
        connected.lose()

    for path, expected in ((b"/", ["gone"]), (b"/forgetful", [])):
        connected = Connected(app)
        connected.protocol.data_received(b"GET " + path + b" HTTP/1.1\r\nHost: gateway\r\n\r\n")
        await connected.until_answered()
        assert told == expected
        told.clear()


async def test_an_app_that_asks_late_is_called_at_once() -> None:
    told: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        connected.lose()
        scope["extensions"][ON_DISCONNECT](lambda: told.append("gone"))

    connected = Connected(app)
    connected.protocol.data_received(GET)
    await connected.until_answered()
    assert told == ["gone"]


async def test_after_a_large_body_reading_resumes_so_that_a_disconnect_is_noticed() -> None:
    class Paused(Wired):
        paused = False

        def pause_reading(self) -> None:
            self.paused = True

        def resume_reading(self) -> None:
            self.paused = False

    paused = []

    async def app(scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        paused.append(transport.paused)
        scope["extensions"][ON_DISCONNECT](lambda: None)
        paused.append(transport.paused)
        connected.lose()

    transport = Paused()
    connected = Connected(app, transport=transport)
    connected.protocol.data_received(b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100000\r\n\r\n")
    await asyncio.sleep(0)
    connected.protocol.data_received(bytes(100_000))
    await connected.until_answered()
    assert paused == [True, False]
