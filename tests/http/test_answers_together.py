"""Answers that wait for the end of a turn: what may happen until then, and what it changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from graph.outbox import Outbox
from graph.server.limits import HttpLimits
from graph.server.protocol import hardened_protocol
from tests.http.test_lean_protocol import BODY, GET, START, answering
from tests.http.test_whole_answer import Writes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class OpenedByHand(Outbox):
    """No turn ends: what is held goes out when something asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = True


class Connection:
    """A connection whose answers wait in an outbox.

    Args:
        app: answers.
        outbox: for answers; None for one that lets nothing go by itself.
    """

    def __init__(self, app: ASGIApp, outbox: Outbox | None = None) -> None:
        config = uvicorn.Config(cast("Any", app), log_config=None, lifespan="off")
        config.load()
        self.outbox = outbox or OpenedByHand()
        self.outbox.open(asyncio.get_running_loop())
        self.state = ServerState()
        make = cast("Any", hardened_protocol(HttpLimits(), self.outbox))
        self.protocol = make(config=config, server_state=self.state, app_state={})
        self.transport = Writes()
        self.protocol.connection_made(self.transport)

    async def until_answered(self) -> None:
        """Return when the app has ended, which is before its answer goes out."""
        await asyncio.gather(*self.state.tasks)

    @property
    def bodies(self) -> list[bytes]:
        """Of the answers that are out."""
        return [write.partition(b"\r\n\r\n")[2] for write in self.transport.writes]

    def lose(self) -> None:
        """The client has gone."""
        self.transport.closing = True
        self.protocol.connection_lost(None)


async def hold(connection: Connection, request: bytes = GET) -> None:
    """Have a request answered, and stop before the answer is out."""
    connection.protocol.data_received(request)
    await connection.until_answered()
    assert [] == connection.transport.writes


async def test_answers_of_one_turn_go_out_together() -> None:
    outbox = Outbox()
    order: list[str] = []

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        outbox.hold_lines(lambda: order.append("line"))
        await answering(scope, receive, send)

    connections = [Connection(logged, outbox) for _ in range(3)]
    for connection in connections:
        transport: Any = connection.transport
        transport.write = lambda _data: order.append("answer")
        connection.protocol.data_received(GET)
    for _ in range(4):
        await asyncio.sleep(0)
    assert ["line"] * 3 + ["answer"] * 3 == order
    for connection in connections:
        connection.lose()


async def test_a_client_that_has_gone_gets_nothing_and_nothing_of_it_stays() -> None:
    connection = Connection(answering)
    await hold(connection)
    connection.lose()
    connection.outbox.release()
    assert [] == connection.transport.writes
    assert connection.protocol.cycle.on_response is not connection.protocol.on_response_complete


async def test_what_comes_out_of_line_stays_behind_the_answer_that_waits() -> None:
    connection = Connection(answering)
    await hold(connection)
    connection.protocol.data_received(b"nonsense\r\n\r\n")
    connection.outbox.release()
    assert [200, 400] == [int(write.split()[1]) for write in connection.transport.writes]
    connection.lose()


@pytest.mark.parametrize("event", ["a bad request", "the end of what the client sends"])
async def test_an_answer_that_cannot_wait_takes_its_lines_along(event: str) -> None:
    order: list[str] = []

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        connection.outbox.hold_lines(lambda: order.append("line"))
        await answering(scope, receive, send)

    connection = Connection(logged)
    transport: Any = connection.transport
    await hold(connection)
    transport.write = lambda data: order.append(data.split()[1].decode())
    if event == "a bad request":
        connection.protocol.data_received(b"nonsense\r\n\r\n")
        assert ["line", "200", "400"] == order
    else:
        # The transport closes the connection now.
        assert connection.protocol.eof_received() is False
        assert ["line", "200"] == order
    connection.lose()


async def test_nothing_is_sent_after_an_answer_that_says_that_it_is_the_last() -> None:
    connection = Connection(answering)
    await hold(connection, b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
    connection.protocol.data_received(b"nonsense\r\n\r\n")
    assert ([b"body"], True) == (connection.bodies, connection.transport.closing)
    connection.lose()


async def test_an_answer_that_cannot_be_written_ends_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_data: object) -> None:
        raise MemoryError

    connection = Connection(answering)
    transport: Any = connection.transport
    await hold(connection)
    transport.write = fail
    connection.outbox.release()
    assert transport.closing
    assert ["something could not be sent"] == [record.message for record in caplog.records]
    connection.lose()


async def test_a_body_that_turns_bad_once_its_request_is_answered_gets_no_second_answer() -> None:
    connection = Connection(answering)
    await hold(connection, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    connection.protocol.data_received(b"nonsense\r\n")
    connection.outbox.release()
    assert [b"body"] == connection.bodies
    connection.lose()


async def test_the_next_request_of_a_connection_waits_for_the_answer_before() -> None:
    connection = Connection(answering)
    await hold(connection)
    connection.protocol.data_received(GET)
    await asyncio.sleep(0)
    assert [] == connection.bodies
    connection.outbox.release()
    await connection.until_answered()
    connection.outbox.release()
    assert [b"body", b"body"] == connection.bodies
    connection.lose()


async def test_an_answer_that_waits_when_the_server_ends_says_that_it_is_the_last() -> None:
    connection = Connection(answering)
    await hold(connection)
    connection.protocol.drain(close_idle=True)
    transport = connection.transport
    before = transport.closing
    connection.outbox.release()
    (answer,) = transport.writes
    assert b"\r\nconnection: close\r\n" in answer
    assert (False, True) == (before, transport.closing)
    connection.lose()


async def test_the_answer_to_head_is_a_head() -> None:
    connection = Connection(answering)
    await hold(connection, GET.replace(b"GET", b"HEAD"))
    connection.outbox.release()
    assert [b""] == connection.bodies
    assert b"content-length: 4\r\n" in connection.transport.writes[0]
    connection.lose()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_app_that_fails_once_it_has_answered_takes_nothing_back(
    caplog: pytest.LogCaptureFixture, *, cancelled: bool
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        connection.outbox.hold_lines(lambda: answered.append(bool(connection.bodies)))
        raise asyncio.CancelledError if cancelled else RuntimeError

    answered: list[bool] = []
    connection = Connection(failing)
    connection.protocol.data_received(GET)
    await connection.until_answered()
    assert ([b"body"], [False]) == (connection.bodies, answered)
    assert cancelled == (not caplog.records)
    connection.lose()


async def test_an_answer_whose_connection_is_closed_already_is_no_fault_of_the_app(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def lingering(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        connection.transport.closing = True
        connection.outbox.release()

    connection = Connection(lingering)
    connection.protocol.data_received(GET)
    await connection.until_answered()
    assert ([], []) == (connection.bodies, caplog.records)
    connection.lose()


async def test_an_answer_is_one_head_and_one_body(caplog: pytest.LogCaptureFixture) -> None:
    async def twice(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        await send(BODY)

    async def short(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"bod"})

    for app, bodies in ((twice, [b"body"]), (short, [])):
        connection = Connection(app)
        connection.protocol.data_received(GET)
        await connection.until_answered()
        connection.outbox.release()
        assert (bodies, True) == (connection.bodies, connection.transport.closing)
        connection.lose()
    assert ["Exception in ASGI application\n"] * 2 == [record.message for record in caplog.records]
