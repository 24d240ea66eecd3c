"""An answer is one write, so that the end of the process cannot cut it in two."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.server import ServerState

from graph.server.limits import HttpLimits
from graph.server.protocol import hardened_protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

POST = b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n"


class Writes(asyncio.Transport):
    """A transport that keeps what is written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closing = False

    def write(self, data: Any) -> None:
        assert not self.closing, "uvloop raises, and asyncio drops what is written"
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Everything is here already."""

    def resume_reading(self) -> None:
        """Nothing was paused."""


def start(length: int) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % length)]}


async def whole(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(start(4))
    await send({"type": "http.response.body", "body": b"whole"[:4]})


async def in_pieces(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(start(4))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd"})


async def broken_off(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(start(4))


async def written(app: Any, request: bytes) -> tuple[list[bytes], bool]:
    """What is written for a request, and whether the connection is closed after it."""
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    make = cast("Any", hardened_protocol(HttpLimits()))
    protocol = make(config=config, server_state=state, app_state={})
    transport = Writes()
    protocol.connection_made(transport)
    protocol.data_received(request)
    while state.tasks:
        await asyncio.gather(*state.tasks)
    await asyncio.sleep(0)
    closing = transport.closing
    protocol.connection_lost(None)
    return transport.writes, closing


async def test_head_and_body_are_written_at_once() -> None:
    (answer,), closing = await written(whole, POST)
    assert (True, True, False) == (
        answer.startswith(b"HTTP/1.1 200 OK\r\n"),
        answer.endswith(b"\r\n\r\nwhol"),
        closing,
    )


async def test_two_answers_in_a_row_are_two_writes_in_their_order() -> None:
    writes, _ = await written(whole, POST + POST)
    assert [b"whol", b"whol"] == [write.partition(b"\r\n\r\n")[2] for write in writes]


async def test_a_head_is_not_held_back_while_the_app_waits() -> None:
    writes, _ = await written(in_pieces, POST)
    assert [b"", b"ab", b"cd"] == [
        write.partition(b"\r\n\r\n")[2] or write * (b"HTTP" not in write) for write in writes
    ]


async def test_the_head_of_an_answer_that_never_comes_is_written_before_the_end() -> None:
    (head,), closing = await written(broken_off, POST)
    assert (True, True) == (head.startswith(b"HTTP/1.1 200 OK\r\n"), closing)
