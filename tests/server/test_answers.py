"""Responses: each is one write, in order, and those of one turn of the loop are sent together."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from graph.server.connection import ConnectionOptions
from graph.server.limits import HttpLimits
from graph.wiring.serving import rejection_response
from tests.server.in_memory import Connected, Wired

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\nab"
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"4")]
START: Message = {"type": "http.response.start", "status": 201, "headers": HEADERS}
BODY: Message = {"type": "http.response.body", "body": b"body"}


async def answering(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    await send(BODY)


async def in_pieces(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"bo", "more_body": True})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"dy"})


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (POST, b"\r\nbody"),
        (POST.replace(b"Host", b"Connection: close\r\nHost"), b"connection: close\r\n\r\nbody"),
        (POST.replace(b"Host", b"Expect: 100-continue\r\nHost"), b"connection: close\r\n\r\nbody"),
        (b"GET / HTTP/1.0\r\n\r\n", b"connection: close\r\n\r\nbody"),
        (b"HEAD / HTTP/1.1\r\nHost: gateway\r\n\r\n", b"\r\n"),
        (b"HEAD / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n", b"connection: close\r\n\r\n"),
    ],
    ids=["POST", "close", "100-continue", "HTTP/1.0", "HEAD", "HEAD, close"],
)
async def test_an_answer_is_one_write_to_the_last_byte(request_: bytes, expected: bytes) -> None:
    connection = Connected(answering)
    await connection.ask(request_)
    (answer,) = connection.transport.writes
    head = b"HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n"
    assert head + expected == answer
    assert (b"close" in expected) == connection.transport.closed
    connection.lose()


async def test_the_date_of_an_answer_is_that_of_its_own_time() -> None:
    connection = Connected(answering)
    connection.state.default_headers = [(b"date", b"yesterday")]
    first = await connection.ask(GET)
    connection.state.default_headers = [(b"date", b"today")]
    second = await connection.ask(GET)
    assert (first.count(b"\r\ndate: yesterday\r\n"), first.count(b"today")) == (1, 0)
    assert (second.count(b"\r\ndate: today\r\n"), second.count(b"yesterday")) == (1, 0)
    connection.lose()


@pytest.mark.parametrize("app", [answering, in_pieces])
async def test_two_answers_in_a_row_come_in_their_order(app: ASGIApp) -> None:
    connection = Connected(app)
    answers = await connection.ask(GET + GET)
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"body", b"body"]
    connection.lose()


async def test_a_head_is_not_held_back_while_the_app_waits() -> None:
    connection = Connected(in_pieces)
    await connection.ask(GET)
    head, *pieces = connection.transport.writes
    assert (head.endswith(b"\r\n\r\n"), pieces) == (True, [b"bo", b"dy"])
    connection.lose()


async def test_an_answer_that_is_large_is_not_held_back() -> None:
    async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(10):
            await send({"type": "http.response.body", "body": b"x" * 60_000, "more_body": True})
            assert len(connection.transport.written) >= 60_000 * number
        await send({"type": "http.response.body", "body": b"end"})

    connection = Connected(large)
    assert (await connection.ask(GET)).endswith(b"end\r\n0\r\n\r\n")
    connection.lose()


async def test_a_head_whose_body_never_comes_is_not_sent_and_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken_off(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)

    connection = Connected(broken_off)
    assert await connection.ask(GET) == b""
    assert connection.transport.closed
    assert [record.msg for record in caplog.records] == ["ASGI callable returned without completing response."]
    connection.lose()


@pytest.mark.parametrize("body", [b"bod", b"bodyy"])
async def test_a_body_of_another_length_than_announced_ends_the_connection(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def wrong(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": body})

    connection = Connected(wrong)
    answer = await connection.ask(GET)
    assert (connection.transport.closed, b"bodyy" in answer) == (True, False)
    assert [RuntimeError] == [record.exc_info[0] for record in caplog.records if record.exc_info]
    connection.lose()


async def test_a_second_body_is_a_fault_of_the_app_and_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def twice(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        await send(BODY)

    connection = Connected(twice)
    await connection.ask(GET)
    assert (connection.transport.bodies, connection.transport.closed) == ([b"body"], True)
    assert [RuntimeError] == [record.exc_info[0] for record in caplog.records if record.exc_info]
    connection.lose()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_app_that_fails_once_it_has_answered_takes_nothing_back(
    caplog: pytest.LogCaptureFixture, *, cancelled: bool
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        raise asyncio.CancelledError if cancelled else RuntimeError

    connection = Connected(failing)
    await connection.ask(GET)
    assert connection.transport.bodies == [b"body"]
    assert cancelled == (not caplog.records)
    assert cancelled != connection.transport.closed
    connection.lose()


async def test_a_client_is_not_told_to_send_its_body_between_the_head_and_the_end_of_its_answer() -> None:
    async def hasty(_scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await receive()
        await send(BODY)

    connection = Connected(hasty)
    answer = await connection.ask(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    assert answer.startswith(b"HTTP/1.1 201 ")
    connection.lose()


async def test_a_client_that_waits_for_it_is_told_to_send_its_body() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answering(scope, receive, send)

    connection = Connected(reading)
    head, _, body = POST.replace(b"Host", b"Expect: 100-continue\r\nHost").partition(b"\r\n\r\n")
    connection.protocol.data_received(head + b"\r\n\r\n")
    await asyncio.sleep(0)
    assert connection.transport.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    assert (await connection.ask(body)).endswith(b"body")
    connection.lose()


async def test_the_word_to_continue_may_begin_with_what_was_sent_ahead() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answering(scope, receive, send)

    connection = Connected(reading)
    connection.protocol.data_received(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    connection.protocol.eof_received()
    assert connection.transport.writes == [b"H"]
    await connection.until_answered()
    await asyncio.sleep(0)
    answers = connection.transport.written
    assert answers.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")
    connection.lose()


async def test_a_body_that_comes_in_pieces_is_put_together() -> None:
    async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = json.dumps([message["body"].decode(), message["more_body"]]).encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    connection = Connected(echo)
    pieces = b"1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n0\r\n\r\n"
    answer = await connection.ask(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == ["abcd", False]
    connection.lose()


@pytest.mark.parametrize("other", [b"Host: other", b"Host: a b", b"X: y"])
async def test_the_host_of_every_request_is_checked_and_not_only_the_first_ones(other: bytes) -> None:
    options = ConnectionOptions(rejection_response, HttpLimits(allowed_hosts=frozenset({b"gateway"})))
    connection = Connected(answering, options)
    assert (await connection.ask(GET)).startswith(b"HTTP/1.1 201 ")
    assert (await connection.ask(GET)).startswith(b"HTTP/1.1 201 ")
    assert (await connection.ask(GET.replace(b"Host: gateway", other))).startswith(b"HTTP/1.1 400 ")
    connection.lose()


async def test_no_more_is_read_while_a_request_waits_for_its_turn() -> None:
    reading = []
    release = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await answering(scope, receive, send)

    connection = Connected(slow)
    connection.protocol.data_received(GET)
    reading.append(connection.protocol.flow.read_paused)
    connection.protocol.data_received(GET)
    reading.append(connection.protocol.flow.read_paused)
    release.set()
    await connection.until_answered()
    await asyncio.sleep(0)
    reading.append(connection.protocol.flow.read_paused)
    assert reading == [False, True, False]
    assert connection.transport.bodies == [b"body", b"body"]
    connection.lose()


async def test_a_request_that_is_cancelled_once_it_is_answered_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def lingering(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        await asyncio.Event().wait()

    connection = Connected(lingering)
    connection.protocol.data_received(GET)
    await asyncio.sleep(0)
    (task,) = connection.state.tasks
    task.cancel()
    await asyncio.wait([task])
    assert caplog.records == []
    assert (task.cancelled(), connection.transport.closed) == (False, False)
    connection.lose()


async def hold(connection: Connected, request: bytes = GET) -> None:
    """Have a request answered, and stop before the response is sent."""
    connection.protocol.data_received(request)
    await asyncio.sleep(0)
    assert connection.protocol.cycle.response_complete
    assert connection.transport.writes == []


async def test_answers_of_one_turn_go_out_together_when_it_ends() -> None:
    order: list[str] = []

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(scope, receive, send)
        order.append("made")

    class Noting(Wired):
        def write(self, data: Any) -> None:
            super().write(data)
            order.append("sent")

    options = ConnectionOptions(rejection_response)
    connections = [Connected(logged, options, Noting()) for _ in range(3)]
    for connection in connections:
        connection.protocol.data_received(GET)
    for _ in range(4):
        await asyncio.sleep(0)
    assert order == ["made"] * 3 + ["sent"] * 3
    for connection in connections:
        connection.lose()


async def test_an_answer_that_cannot_be_written_ends_its_connection_and_keeps_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Wired):
        def write(self, _data: Any) -> None:
            raise MemoryError

    options = ConnectionOptions(rejection_response)
    failing, other = Connected(answering, options, Failing()), Connected(answering, options)
    failing.protocol.data_received(GET)
    await other.ask(GET)
    assert (failing.transport.closed, other.transport.closed, other.transport.bodies) == (True, False, [b"body"])
    assert [MemoryError] == [record.exc_info[0] for record in caplog.records if record.exc_info]
    failing.lose()
    other.lose()


async def test_a_client_that_has_gone_gets_nothing() -> None:
    connection = Connected(answering)
    await hold(connection)
    connection.lose()
    await asyncio.sleep(0)
    assert connection.transport.writes == []


async def test_a_rejection_stays_behind_the_answer_that_waits() -> None:
    connection = Connected(answering)
    await hold(connection)
    connection.protocol.data_received(b"nonsense\r\n\r\n")
    assert [int(write.split()[1]) for write in connection.transport.writes] == [201, 400]
    connection.lose()


async def test_the_end_of_what_the_client_sends_takes_nothing_from_the_answer_that_waits() -> None:
    connection = Connected(answering)
    await hold(connection)
    # The transport closes the connection now.
    assert connection.protocol.eof_received() is False
    assert connection.transport.bodies == [b"body"]
    connection.lose()


async def test_probes_are_sent_after_the_previous_response() -> None:
    connection = Connected(answering)
    connection.protocol.data_received(GET + GET)
    await asyncio.sleep(0)
    # The first is answered, the second is in flight.
    assert connection.protocol.eof_received() is True
    await connection.until_answered()
    await asyncio.sleep(0)
    statuses = [answer[:3] for answer in connection.transport.written.split(b"HTTP/1.1 ")]
    assert (statuses, connection.transport.written[-4:]) == ([b"", b"201", b"201"], b"body")
    connection.lose()


async def test_nothing_is_sent_after_an_answer_that_says_that_it_is_the_last() -> None:
    connection = Connected(answering)
    await connection.ask(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    connection.protocol.data_received(b"nonsense\r\n\r\n")
    assert (connection.transport.bodies, connection.transport.closed) == ([b"body"], True)
    connection.lose()


async def test_a_body_that_turns_bad_once_its_request_is_answered_gets_no_second_answer() -> None:
    connection = Connected(answering)
    await hold(connection, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    connection.protocol.data_received(b"nonsense\r\n")
    await asyncio.sleep(0)
    assert connection.transport.bodies == [b"body"]
    connection.lose()


async def test_an_answer_that_waits_is_sent_before_its_idle_connection_is_closed() -> None:
    connection = Connected(answering)
    await hold(connection)
    connection.protocol.drain(close_idle=True)
    assert (connection.transport.bodies, connection.transport.closed) == ([b"body"], True)
    connection.lose()
