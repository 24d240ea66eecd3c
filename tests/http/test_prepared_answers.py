"""An answer with a prepared header is, on the wire, the one that uvicorn makes of the same fields."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from graph.http.response_headers import FixedFields, Heading
from graph.server.cycle import Bell
from tests.http.test_whole_answer import written

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

POST = b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\nab"
FIXED = FixedFields([(b"content-type", b"text/plain")])
REQUESTS = {
    "kept alive": POST,
    "to be closed": POST.replace(b"Host", b"Connection: close\r\nHost"),
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HEAD": b"HEAD / HTTP/1.1\r\nHost: gateway\r\n\r\n",
    "100-continue": POST.replace(b"Host", b"Expect: 100-continue\r\nHost"),
    "two in a row": POST + POST,
}


class App:
    """Answers with the same fields, prepared or one by one.

    Args:
        ready: whether prepared.
        body: of the answer.
        length: that the header announces.
    """

    def __init__(self, *, ready: bool, body: bytes | None = b"body", length: int = 4) -> None:
        self.ready = ready
        self.body = body
        self.length = length

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        heading = Heading(FIXED, "a" * 32, self.length)
        headers: Any = heading if self.ready else list(heading)
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        if self.body is not None:
            await send({"type": "http.response.body", "body": self.body})


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS)
async def test_it_is_the_same_on_the_wire(request_bytes: bytes) -> None:
    expected, expected_end = await written(App(ready=False), request_bytes)
    writes, end = await written(App(ready=True), request_bytes)
    assert b"".join(expected) == b"".join(writes)
    assert expected_end == end


async def test_it_is_one_write() -> None:
    writes, _ = await written(App(ready=True), POST)
    assert 1 == len(writes)


@pytest.mark.parametrize("body", [b"", b"bod", b"bodyy"])
async def test_a_body_of_another_length_than_announced_ends_the_connection_and_is_not_sent(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert ([], True) == await written(App(ready=True, body=body), POST)
    assert [RuntimeError] == [record.exc_info[0] for record in caplog.records if record.exc_info]


async def test_a_header_whose_body_never_comes_is_not_sent_and_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert ([], True) == await written(App(ready=True, body=None), POST)
    assert ["ASGI callable returned without completing response."] == [
        record.getMessage() for record in caplog.records
    ]


async def test_a_second_body_is_a_fault_of_the_app_and_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    class Twice(App):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await super().__call__(scope, receive, send)
            await send({"type": "http.response.body", "body": b"more"})

    writes, _ = await written(Twice(ready=True), POST)
    assert [b"body"] == [write.partition(b"\r\n\r\n")[2] for write in writes]
    assert [RuntimeError] == [record.exc_info[0] for record in caplog.records if record.exc_info]


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the messages that a body came in."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message["body"].decode())
        more = message["more_body"]
    body = json.dumps(parts).encode()
    await send({"type": "http.response.start", "status": 200, "headers": Heading(FIXED, "a" * 32, len(body))})
    await send({"type": "http.response.body", "body": body})


async def test_a_body_that_comes_in_pieces_is_put_together() -> None:
    chunked = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n0\r\n\r\n"
    )
    (answer,), _ = await written(echo, chunked)
    assert ["abcd"] == json.loads(answer.partition(b"\r\n\r\n")[2])


async def test_a_bell_that_rings_is_not_waited_for_and_one_that_does_not_wakes_everybody() -> None:
    bell = Bell()
    bell.set()
    await bell.wait()
    bell.clear()
    waiting = [asyncio.ensure_future(bell.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert [False, False] == [one.done() for one in waiting]
    bell.set()
    await asyncio.gather(*waiting)
    bell.clear()
    again = asyncio.ensure_future(bell.wait())
    await asyncio.sleep(0)
    assert not again.done()
    bell.set()
    await again
