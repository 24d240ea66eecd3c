"""Slow and silent clients: each connection is closed, without effect on others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from graph.server.limits import HttpLimits
from tests.server.live_server import NEVER, PATIENCE, SOON, only
from tests.server.raw_http import RawAnswer, Wire, assert_is_a_refusal

if TYPE_CHECKING:
    from tests.server.live_server import Probe, Serve

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def limits() -> HttpLimits:
    """All deadlines are short."""
    return HttpLimits(header_timeout=SOON, body_timeout=SOON, write_timeout=SOON, keepalive=SOON)


def let_every_deadline_pass(port: int) -> None:
    """A silent connection is closed at the deadline of the first header; two in a row outlast all others."""
    for _ in range(2):
        with Wire(port) as wire:
            assert wire.rest() == b""


def drip(wire: Wire, data: bytes) -> RawAnswer:
    """Send byte by byte until there is a response."""
    for byte in data:
        wire.send_until_refused(bytes([byte]))
        if wire.has_news(0.01):
            return wire.answer()
    raise AssertionError("there was no answer")


def test_a_connection_that_stays_silent_is_ended_without_a_word(serve: Serve) -> None:
    _, live = serve(only(header_timeout=SOON))
    with Wire(live.port) as wire:
        assert wire.rest() == b""


@pytest.mark.parametrize("start", [b"G", b"GET / HT", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX"])
def test_a_header_that_does_not_end_is_refused(serve: Serve, start: bytes) -> None:
    _, live = serve(only(header_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(start)
        assert_is_a_refusal(wire.answer(), 408)
        assert wire.rest() == b""


def test_a_header_that_drips_is_refused_although_bytes_keep_coming(serve: Serve) -> None:
    _, live = serve(only(header_timeout=SOON))
    with Wire(live.port) as wire:
        assert_is_a_refusal(drip(wire, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000), 408)


def test_empty_lines_do_not_keep_a_connection(serve: Serve) -> None:
    _, live = serve(only(header_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(b"\r\n\r\n")
        assert wire.rest() == b""


def test_the_header_of_a_further_request_has_its_deadline_too(serve: Serve) -> None:
    _, live = serve(only(header_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(GET)
        assert wire.answer().status == 200
        wire.send(b"GET / HT")
        assert_is_a_refusal(wire.answer(), 408)


def test_an_idle_connection_outlasts_the_deadline_of_a_header(serve: Serve) -> None:
    _, live = serve(only(header_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(GET)
        assert wire.answer().status == 200
        let_every_deadline_pass(live.port)
        wire.send(GET)
        assert wire.answer().status == 200


@pytest.mark.parametrize("write_timeout", [SOON / 2, NEVER])
def test_an_idle_connection_is_ended_without_a_word(serve: Serve, write_timeout: float) -> None:
    idle = only(keepalive=SOON, write_timeout=write_timeout)
    _, live = serve(idle)
    with Wire(live.port) as wire:
        wire.send(GET)
        assert wire.answer().status == 200
        started = time.monotonic()
        assert wire.rest() == b""
        assert time.monotonic() - started > SOON * 0.8


def test_empty_lines_do_not_keep_an_idle_connection(serve: Serve) -> None:
    _, live = serve(only(keepalive=SOON * 2, write_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(GET)
        assert wire.answer().status == 200
        sent = 0
        while not wire.has_news(0.02):
            wire.send(b"\r\n")
            sent += 1
            assert sent < 200, "the connection is still open"
        assert wire.rest() == b""


@pytest.mark.parametrize("start", [POST, POST + b"ab", CHUNKED, CHUNKED + b"5\r\nab", CHUNKED + b"2\r\nab\r\n"])
def test_a_body_that_does_not_end_is_refused_and_the_app_is_told(serve: Serve, start: bytes) -> None:
    probe, live = serve(only(body_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(start)
        assert_is_a_refusal(wire.answer(), 408)
        assert wire.rest() == b""
        assert probe.gone.wait(PATIENCE)


@pytest.mark.parametrize(
    "request_", [POST.replace(b"5", b"1000") + b"a" * 999, CHUNKED + b"1\r\na\r\n" * 100], ids=["length", "chunks"]
)
def test_a_body_that_drips_is_refused_although_bytes_keep_coming(serve: Serve, request_: bytes) -> None:
    head, body = request_[:60], request_[60:]
    _, live = serve(only(body_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(head)
        assert_is_a_refusal(drip(wire, body), 408)


def test_a_body_that_never_ends_after_its_answer_ends_the_connection_without_a_second_answer(serve: Serve) -> None:
    _, live = serve(only(body_timeout=SOON))
    with Wire(live.port) as wire:
        wire.send(POST.replace(b"POST /", b"POST /early") + b"ab")
        assert wire.answer().status == 200
        assert wire.rest() == b""


def test_a_body_that_comes_after_its_answer_is_thrown_away_and_the_next_request_answered(port: int) -> None:
    with Wire(port) as wire:
        wire.send(POST.replace(b"POST /", b"POST /early"))
        assert wire.answer().json()["path"] == "/early"
        wire.send(b"GET /" + GET)
        assert wire.answer().json()["path"] == "/"


@pytest.mark.slow
def test_a_body_right_after_the_rest_of_another_has_its_full_time(serve: Serve) -> None:
    early = POST.replace(b"POST /", b"POST /early")
    _, live = serve(only(body_timeout=SOON * 10))
    with Wire(live.port) as wire:
        wire.send(early)
        assert wire.answer().status == 200
        assert not wire.has_news(SOON * 5)
        wire.send(b"abcde" + early + b"ab")
        started = time.monotonic()
        assert wire.answer().status == 200
        assert wire.rest() == b""
        assert time.monotonic() - started > SOON * 7


def test_an_app_that_takes_its_time_is_waited_for(port: int, probe: Probe) -> None:
    with Wire(port) as wire:
        wire.send(WAIT)
        let_every_deadline_pass(port)
        probe.release()
        assert wire.answer().json()["path"] == "/wait"


def test_the_deadlines_of_a_request_that_waits_start_with_its_turn(port: int, probe: Probe) -> None:
    with Wire(port) as wire:
        wire.send(WAIT + POST + b"ab")
        let_every_deadline_pass(port)
        probe.release()
        assert wire.answer().json()["path"] == "/wait"
        wire.send(b"cde")
        assert wire.answer().json()["body"] == "abcde"


@pytest.mark.parametrize("unfinished", [b"GET / HT", POST + b"ab"], ids=["header", "body"])
def test_a_request_that_waits_is_refused_after_the_answer_before_it(
    port: int, probe: Probe, unfinished: bytes
) -> None:
    with Wire(port) as wire:
        wire.send(WAIT + unfinished)
        let_every_deadline_pass(port)
        probe.release()
        assert wire.answer().json()["path"] == "/wait"
        assert_is_a_refusal(wire.answer(), 408)
        assert wire.rest() == b""


@pytest.mark.slow
def test_a_client_that_was_refused_and_stays_is_left(serve: Serve) -> None:
    _, live = serve(only())
    with Wire(live.port) as wire:
        wire.send(b"x\r\n")
        assert_is_a_refusal(wire.answer())
        live.wait_for_no_connection()


def test_data_after_a_rejection_is_discarded(port: int, probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    with Wire(port) as wire:
        wire.send(b"x\r\n")
        assert_is_a_refusal(wire.answer())
        wire.send(GET)
        wire.end()
        assert wire.rest() == b""
    assert probe.paths == []
    assert [record.getMessage() for record in caplog.records] == ["request refused"]


@pytest.mark.slow
def test_many_clients_that_say_nothing_keep_nobody_else_from_an_answer(serve: Serve) -> None:
    _, live = serve(only(header_timeout=1))
    silent = [Wire(live.port) for _ in range(200)]
    for wire in silent[:100]:
        wire.send(b"GET / HTTP/1.1\r\nX: ")
    with Wire(live.port) as wire:
        wire.send(GET)
        assert wire.answer().status == 200
    for wire in silent:
        with wire:
            wire.end()
