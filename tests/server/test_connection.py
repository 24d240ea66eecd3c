"""Connections, byte by byte: requests cut into any pieces, answered slowly, or given up."""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import logging
import re
import tomllib
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.server.connection import ConnectionOptions
from graph.server.limits import ConnectionState, HttpLimits
from graph.server.protocol import HardenedProtocol
from graph.wiring.serving import rejection_response
from tests.server.in_memory import Connected, Wired
from tests.server.live_server import PATIENCE, SOON, Probe, only
from tests.tools import ROOT, settle

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


@pytest.mark.parametrize("name", ["uvicorn", "httptools"])
def test_libraries_whose_internals_are_used_are_pinned_exactly(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"{name}=={importlib.metadata.version(name)}" in project["project"]["dependencies"]


async def answers_to(pieces: list[bytes], protocol: type[HardenedProtocol] = HardenedProtocol) -> list[bytes]:
    """The statuses and the recorded requests when the bytes arrive in these pieces.

    The reason of a rejection may depend on the pieces: of two faults, the parser reports the first that it sees.
    """
    connection = Connected(Probe(), protocol=protocol)
    for piece in pieces:
        if not connection.transport.closed:
            connection.protocol.data_received(piece)
        await settle()
    connection.lose()
    await connection.until_answered()
    return re.findall(rb"HTTP/1\.1 \d{3}|\{\"method.*?\}", connection.transport.written)


MESSAGES = [
    b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
    b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n",
    b"POST /4 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab",
    b"POST /5 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    b"GET http://a/6 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"HEAD /7 HTTP/1.0\r\n\r\n",
    b"POST /8 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Requests, some with a wrong byte, and the same in pieces."""
    data = b"".join(draw(st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=4)))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(data) - 1))
        data = data[:place] + draw(st.binary(min_size=1, max_size=1)) + data[place + 1 :]
    cuts = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=8)))
    return data, [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@settings(deadline=None)
@given(conversations())
def test_however_bytes_are_cut_into_pieces_the_answers_are_the_same(
    conversation: tuple[bytes, list[bytes]],
) -> None:
    whole, pieces = conversation
    assert asyncio.run(answers_to([whole])) == asyncio.run(answers_to(pieces))


async def test_a_fault_of_our_own_while_a_request_is_read_is_a_refusal_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(HardenedProtocol):
        def on_url(self, url: bytes) -> None:
            raise LookupError(url)

    answer = await answers_to([MESSAGES[0]], Faulty)

    assert answer == [b"HTTP/1.1 400"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [LookupError]


async def test_no_line_of_the_log_holds_a_url_whatever_the_logging_is_set_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = Connected(Probe())
    with caplog.at_level(logging.DEBUG):
        await connection.ask(MESSAGES[0].replace(b" /1 ", b" /c4n4ry "))
    assert b"c4n4ry" in connection.transport.written
    assert "c4n4ry" not in caplog.text
    connection.lose()


def test_an_idle_connection_is_kept_for_the_whole_of_its_time_and_no_longer() -> None:
    for write_timeout in (1, 5, 75, 100):
        seconds = HttpLimits(keepalive=75, write_timeout=write_timeout).timeouts()
        assert seconds[ConnectionState.FLUSH] + seconds[ConnectionState.IDLE] == 75


async def test_the_end_of_an_answer_that_is_never_read_ends_the_connection() -> None:
    transport = Wired()
    connection = Connected(Probe(), ConnectionOptions(rejection_response, only(write_timeout=SOON)), transport)
    transport.unsent = 10
    connection.protocol.data_received(MESSAGES[0])
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert transport.aborted
    connection.lose()


@pytest.mark.parametrize("message", [b"GET /break HTTP/1.1\r\nHost: a\r\n\r\n", b"x\r\n", MESSAGES[5]])
async def test_a_connection_that_is_closed_but_whose_last_answer_is_never_read_ends(message: bytes) -> None:
    transport = Wired()
    connection = Connected(Probe(), ConnectionOptions(rejection_response, only(write_timeout=SOON)), transport)
    transport.unsent = 10
    connection.protocol.data_received(message)
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert transport.aborted
    connection.lose()


async def test_an_answer_that_is_read_bit_by_bit_leaves_the_connection_as_it_is() -> None:
    class Draining(Wired):
        """Its reader reads more than required per write timeout, and needs four of them."""

        def get_write_buffer_size(self) -> int:
            return max(0, int((started + 4 * SOON - loop.time()) * 10**6))

    loop = asyncio.get_running_loop()
    started = loop.time()
    transport = Draining()
    connection = Connected(
        Probe(), ConnectionOptions(rejection_response, only(write_timeout=SOON, keepalive=2 * SOON)), transport
    )
    connection.protocol.data_received(MESSAGES[0])
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert not transport.aborted
    assert loop.time() - started > 4 * SOON
    connection.lose()


async def test_a_reader_that_takes_a_part_of_its_answer_in_the_time_for_writing_is_not_stalled() -> None:
    class HalfRead(Wired):
        """Its reader reads exactly as much as required, and not all of it."""

        def write(self, data: Any) -> None:
            super().write(data)
            self.unsent = len(data) // 2

    transport = HalfRead()
    connection = Connected(large, ConnectionOptions(rejection_response, only(write_timeout=SOON)), transport)
    connection.protocol.data_received(MESSAGES[0])
    await asyncio.sleep(1.5 * SOON)
    assert (transport.unsent // 1000 * 1000, transport.aborted) == (20_000, False)
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert transport.aborted
    connection.lose()


async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"40000")]})
    await send({"type": "http.response.body", "body": b"x" * 40_000})


async def test_nothing_is_kept_of_a_connection_that_has_ended() -> None:
    connection = Connected(Probe(), ConnectionOptions(rejection_response, HttpLimits()), Wired())
    connection.protocol.data_received(MESSAGES[0] + MESSAGES[1] + MESSAGES[2][:20])
    await settle()
    connection.lose()
    await connection.until_answered()
    gone = weakref.ref(connection.protocol)
    del connection
    gc.collect()
    assert gone() is None
