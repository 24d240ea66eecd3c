"""The limits of requests and pipelining, and that rejections cost no memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from graph.server.limits import HttpLimits
from tests.server.live_server import only
from tests.server.raw_http import Wire, assert_is_a_refusal, exchange

if TYPE_CHECKING:
    from tests.server.live_server import Probe, Serve

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def limits() -> HttpLimits:
    return replace(only(), header_bytes=1_000, headers=20, url_bytes=200)


def is_answered(port: int, data: bytes) -> bool:
    with Wire(port) as wire:
        wire.send(data)
        return wire.answer().status == 200


def head_of(size: int) -> bytes:
    """A request whose header fields have this many bytes."""
    host, rest = b"Host: a\r\n", size - len(b"Host: a\r\n")
    return b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * (rest - len(b"X: \r\n")) + b"\r\n\r\n"


def test_a_header_may_be_as_large_as_the_limit_and_no_larger(port: int, probe: Probe) -> None:
    assert is_answered(port, head_of(1_000))
    probe.forget()

    assert_is_a_refusal(exchange(port, head_of(1_001)), 431)
    assert probe.paths == []


def test_a_header_may_have_as_many_fields_as_the_limit_and_no_more(port: int, probe: Probe) -> None:
    assert is_answered(port, GET + b"X: a\r\n" * 19 + b"\r\n")
    probe.forget()

    assert_is_a_refusal(exchange(port, GET + b"X: a\r\n" * 20 + b"\r\n"), 431)
    assert probe.paths == []


def test_a_url_may_be_as_long_as_the_limit_and_no_longer(port: int, probe: Probe) -> None:
    assert is_answered(port, b"GET /" + b"a" * 199 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    probe.forget()

    assert_is_a_refusal(exchange(port, b"GET /" + b"a" * 200 + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 414)
    assert_is_a_refusal(exchange(port, b"GET /?" + b"a" * 199 + b" HTTP/1.1\r\nHost: a\r\n\r\n"), 414)
    assert probe.paths == []


def test_the_limits_hold_for_each_request_anew(port: int) -> None:
    request = head_of(600)
    with Wire(port) as wire:
        for _ in range(5):
            wire.send(request)
            assert wire.answer().status == 200
        wire.send(request * 5)
        assert [wire.answer().status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("part", [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"GET / HTTP/1.1\r\nX", b"\r\n" * 10])
def test_a_head_that_never_ends_is_refused_once_it_is_too_large(port: int, part: bytes) -> None:
    filler = b"\r\n" if part.startswith(b"\r\n") else b"a"
    with Wire(port) as wire:
        wire.send(part)
        # Piece by piece: the parser reports nothing, so only the bytes can be counted.
        for _ in range(100):
            wire.send_until_refused(filler * 100)
        assert_is_a_refusal(wire.answer(), 431)
        assert wire.rest() == b""


DEFAULTS = {
    "32 KiB of header": (head_of(32 * 1024), 200),
    "one byte more": (head_of(32 * 1024 + 1), 431),
    "100 fields": (GET + b"X: a\r\n" * 99 + b"\r\n", 200),
    "one field more": (GET + b"X: a\r\n" * 100 + b"\r\n", 431),
    "4 KiB of URL": (b"GET /" + b"a" * 4_095 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "one character more": (b"GET /" + b"a" * 4_096 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
}


@pytest.mark.parametrize(("data", "status"), DEFAULTS.values(), ids=DEFAULTS)
def test_the_default_limits_are_these(serve: Serve, data: bytes, status: int) -> None:
    _, live = serve(HttpLimits())
    with Wire(live.port) as wire:
        wire.send_until_refused(data)
        assert status == wire.answer().status


ENORMOUS = {
    "a field of 25 MB": (GET + b"X: ", b"a" * MEBIBYTE, 25, 431),
    "a name of 25 MB": (GET, b"a" * MEBIBYTE, 25, 431),
    "200,000 fields": (b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 10_000, 20, 431),
    "a URL of 25 MB": (b"GET /", b"a" * MEBIBYTE, 25, 414),
    "25 MB of empty lines": (b"", b"\r\n" * (MEBIBYTE // 2), 25, 431),
    "a trailer of 25 MB": (CHUNKED + b"0\r\nX: ", b"a" * MEBIBYTE, 25, 400),
    "200,000 trailers": (CHUNKED + b"0\r\n", b"X: a\r\n" * 10_000, 20, 431),
    "an extension of 25 MB": (CHUNKED + b"1;", b"a" * MEBIBYTE, 25, 400),
    "a size of 25 MB": (CHUNKED, b"0" * MEBIBYTE, 25, 400),
}


@pytest.mark.parametrize(("start", "piece", "times", "status"), ENORMOUS.values(), ids=ENORMOUS)
def test_an_enormous_request_is_rejected_and_costs_no_memory(
    port: int, start: bytes, piece: bytes, times: int, status: int
) -> None:
    with Wire(port) as wire:
        tracemalloc.start()
        try:
            wire.send(start)
            for _ in range(times):
                # A client that sends everything before it reads gets its response as well.
                wire.send(piece)
            answer = wire.answer()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert_is_a_refusal(answer, status)
        assert wire.rest() == b""
    assert peak < 2 * MEBIBYTE


def test_a_body_in_chunks_of_one_byte_is_read(port: int) -> None:
    with Wire(port) as wire:
        wire.send(CHUNKED)
        for _ in range(50):
            wire.send(b"1;a=b\r\nx\r\n" * 100)
        wire.send(b"0\r\n\r\n")
        assert wire.answer().json()["body"] == "x" * 5_000


def test_requests_that_wait_for_their_turn_have_a_bound(port: int, probe: Probe) -> None:
    with Wire(port) as wire:
        wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n" + (GET + b"\r\n") * 11)
        probe.release()
        assert [wire.answer().status for _ in range(11)] == [200] * 11
        assert_is_a_refusal(wire.answer())
        assert wire.rest() == b""


def test_a_refusal_after_an_answer_to_head_has_its_body(port: int) -> None:
    with Wire(port) as wire:
        wire.send(GET.replace(b"GET", b"HEAD") + b"\r\n")
        assert wire.answer(head_only=True).status == 200
        for _ in range(100):
            wire.send_until_refused(b"\r\n" * 50)
        assert_is_a_refusal(wire.answer(), 431)
