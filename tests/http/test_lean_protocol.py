"""What the protocol must keep of uvicorn's behaviour where it takes a shorter way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from graph.http.response_headers import FixedFields, Heading
from graph.server.limits import HttpLimits
from graph.server.protocol import hardened_protocol
from tests.http.test_whole_answer import Writes, written

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"
FIXED = FixedFields([(b"content-type", b"text/plain")])
START: Message = {"type": "http.response.start", "status": 200, "headers": Heading(FIXED, "a" * 32, 4)}
BODY: Message = {"type": "http.response.body", "body": b"body"}


async def answering(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    await send(BODY)


class Connection:
    """A connection to an app, and what is written on it."""

    def __init__(self, app: ASGIApp, limits: HttpLimits | None = None) -> None:
        config = uvicorn.Config(cast("Any", app), log_config=None, lifespan="off")
        config.load()
        self.state = ServerState()
        make = cast("Any", hardened_protocol(limits or HttpLimits()))
        self.protocol = make(config=config, server_state=self.state, app_state={})
        self.transport = Writes()
        self.protocol.connection_made(self.transport)

    async def ask(self, request: bytes) -> bytes:
        """What is written in answer to some bytes."""
        before = len(self.transport.writes)
        self.protocol.data_received(request)
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)
        return b"".join(self.transport.writes[before:])


async def test_the_date_of_an_answer_is_that_of_its_own_time() -> None:
    connection = Connection(answering)
    connection.state.default_headers = [(b"date", b"yesterday")]
    first = await connection.ask(GET)
    connection.state.default_headers = [(b"date", b"today")]
    second = await connection.ask(GET)
    assert (1, 0) == (first.count(b"\r\ndate: yesterday\r\n"), first.count(b"today"))
    assert (1, 0) == (second.count(b"\r\ndate: today\r\n"), second.count(b"yesterday"))
    connection.protocol.connection_lost(None)


@pytest.mark.parametrize("other", [b"Host: other", b"Host: a b", b"X: y"])
async def test_the_host_of_every_request_is_checked_and_not_only_the_first_ones(other: bytes) -> None:
    connection = Connection(answering, HttpLimits(allowed_hosts=frozenset({b"gateway"})))
    assert (await connection.ask(GET)).startswith(b"HTTP/1.1 200 ")
    assert (await connection.ask(GET)).startswith(b"HTTP/1.1 200 ")
    refusal = await connection.ask(GET.replace(b"Host: gateway", other))
    assert refusal.startswith(b"HTTP/1.1 400 ")
    connection.protocol.connection_lost(None)


async def test_no_more_is_read_while_a_request_waits_for_its_turn() -> None:
    reading = []
    release = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await answering(scope, receive, send)

    connection = Connection(slow)
    connection.protocol.data_received(GET)
    reading.append(connection.protocol.flow.read_paused)
    connection.protocol.data_received(GET)
    reading.append(connection.protocol.flow.read_paused)
    release.set()
    while connection.state.tasks:
        await asyncio.gather(*connection.state.tasks)
    assert [False, True] == reading
    assert [b"body", b"body"] == [write.partition(b"\r\n\r\n")[2] for write in connection.transport.writes]
    connection.protocol.connection_lost(None)


async def test_a_request_that_is_cancelled_once_it_is_answered_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def lingering(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        await asyncio.Event().wait()

    connection = Connection(lingering)
    connection.protocol.data_received(GET)
    await asyncio.sleep(0)
    (task,) = connection.state.tasks
    task.cancel()
    await asyncio.wait([task])
    assert [] == caplog.records
    assert (False, False) == (task.cancelled(), connection.transport.closing)
    connection.protocol.connection_lost(None)


async def test_a_client_is_not_told_to_send_its_body_between_the_head_and_the_end_of_its_answer() -> None:
    async def hasty(_scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await receive()
        await send(BODY)

    request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"
    (answer,), _ = await written(hasty, request)
    assert answer.startswith(b"HTTP/1.1 200 ")
