"""What the protocol takes for granted of uvicorn and httptools, and what it does with a fault of its own."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import importlib.metadata
import inspect
import re
import tomllib
import weakref
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.server import ServerState

from graph.server.connection_state import Phase, patience
from graph.server.limits import HttpLimits
from graph.server.protocol import HardenedProtocol, hardened_protocol
from tests.http.live_server import PATIENCE, SOON, Probe, only
from tests.tools import ROOT

# After an update: read what has changed, and see that the overrides still do what they say. Then renew this.
RELIED_UPON = {
    httptools_impl.HttpToolsProtocol: "18fdf324b11bf160e38739eed01a48516b460be9e88f1e20e4546e7363fd9232",
    httptools_impl.RequestResponseCycle: "e67d470d435dcc1ce6de9773841524a4439a06afd3a7243e458dc7f7c952b310",
    flow_control.FlowControl: "126debcdaa894c83ed9491b41cb3b99c97469f00520f2483d2a5d1f53de91fa4",
}


@pytest.mark.parametrize(
    ("source", "digest"), RELIED_UPON.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_the_internals_of_uvicorn_are_those_that_the_overrides_were_written_for(source: type, digest: str) -> None:
    assert digest == hashlib.sha256(inspect.getsource(source).encode()).hexdigest()


@pytest.mark.parametrize("name", ["uvicorn", "httptools"])
def test_what_is_relied_upon_is_pinned_exactly(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"{name}=={importlib.metadata.version(name)}" in project["project"]["dependencies"]


class Wired(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.unsent = 0
        self.ended = asyncio.Event()
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True
        if not self.unsent:
            self.ended.set()

    def abort(self) -> None:
        self.closed = self.aborted = True
        self.ended.set()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def connect(protocol_class: type[Any], state: ServerState, transport: Wired) -> Any:
    """A protocol with a connection, made as uvicorn makes it."""
    config = uvicorn.Config(Probe(), log_config=None, lifespan="off", ws="none", http=protocol_class)
    config.load()
    protocol = protocol_class(config, state, {})
    protocol.connection_made(transport)
    return protocol


async def turns() -> None:
    """Let the loop turn as often as the probe needs for an answer."""
    for _ in range(20):
        await asyncio.sleep(0)


async def answers_to(pieces: list[bytes], protocol_class: type[Any]) -> list[bytes]:
    """What is answered when the bytes come in these pieces: each status, and what the probe has seen.

    Why something is refused may depend on the pieces: of two faults, the parser tells the one that it sees first.
    """
    state, transport = ServerState(), Wired()
    protocol = connect(protocol_class, state, transport)
    for piece in pieces:
        if not transport.closed:
            protocol.data_received(piece)
        await turns()
    protocol.connection_lost(None)
    await asyncio.gather(*state.tasks)
    return re.findall(rb"HTTP/1\.1 \d{3}|\{\"method.*?\}", transport.written)


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
    """Requests, perhaps with a wrong byte, and the same in pieces."""
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
    protocol = hardened_protocol(HttpLimits())

    assert asyncio.run(answers_to([whole], protocol)) == asyncio.run(answers_to(pieces, protocol))


async def test_a_fault_of_our_own_while_a_request_is_read_is_a_refusal_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(HardenedProtocol):
        def on_url(self, url: bytes) -> None:
            raise LookupError(url)

    answer = await answers_to([MESSAGES[0]], Faulty)

    assert answer == [b"HTTP/1.1 400"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [LookupError]


def test_no_line_of_the_log_holds_a_url_whatever_the_logging_is_set_to() -> None:
    config = uvicorn.Config(Probe(), log_config=None, access_log=True)
    config.load()
    loop = asyncio.new_event_loop()
    try:
        assert HardenedProtocol(config, ServerState(), {}, loop).access_log is False
    finally:
        loop.close()


def test_an_idle_connection_is_kept_for_the_whole_of_its_time_and_no_longer() -> None:
    for write_timeout in (1, 5, 75, 100):
        seconds = patience(HttpLimits(keepalive=75, write_timeout=write_timeout))
        assert seconds[Phase.FLUSH] + seconds[Phase.IDLE] == 75


async def test_the_end_of_an_answer_that_is_never_read_ends_the_connection() -> None:
    transport = Wired()
    protocol = connect(hardened_protocol(only(write_timeout=SOON)), ServerState(), transport)
    transport.unsent = 10
    protocol.data_received(MESSAGES[0])
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert transport.aborted
    protocol.connection_lost(None)


@pytest.mark.parametrize("message", [b"GET /break HTTP/1.1\r\nHost: a\r\n\r\n", b"x\r\n", MESSAGES[5]])
async def test_a_connection_that_is_closed_but_whose_last_answer_is_never_read_ends(message: bytes) -> None:
    transport = Wired()
    state = ServerState()
    protocol = connect(hardened_protocol(only(write_timeout=SOON)), state, transport)
    transport.unsent = 10
    protocol.data_received(message)
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert transport.aborted
    protocol.connection_lost(None)


async def test_an_answer_that_is_read_bit_by_bit_leaves_the_connection_as_it_is() -> None:
    class Draining(Wired):
        """Its reader takes more in the time for writing than is demanded, and needs four times that time."""

        def get_write_buffer_size(self) -> int:
            return max(0, int((started + 4 * SOON - loop.time()) * 10**6))

    loop = asyncio.get_running_loop()
    started = loop.time()
    transport = Draining()
    protocol = connect(hardened_protocol(only(write_timeout=SOON, keepalive=2 * SOON)), ServerState(), transport)
    protocol.data_received(MESSAGES[0])
    await asyncio.wait_for(transport.ended.wait(), PATIENCE)
    assert not transport.aborted
    assert loop.time() - started > 4 * SOON
    protocol.connection_lost(None)


async def test_nothing_is_kept_of_a_connection_that_has_ended() -> None:
    state = ServerState()
    protocol = connect(hardened_protocol(HttpLimits()), state, Wired())
    protocol.data_received(MESSAGES[0] + MESSAGES[1] + MESSAGES[2][:20])
    await turns()
    protocol.connection_lost(None)
    await asyncio.gather(*state.tasks)
    gone = weakref.ref(protocol)
    del protocol
    gc.collect()
    assert gone() is None
