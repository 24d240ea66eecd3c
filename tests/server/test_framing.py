"""Requests that two parsers could read differently, and invalid requests: 400, and the connection closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.live_server import PATIENCE
from tests.server.raw_http import Wire, assert_is_a_refusal, exchange

if TYPE_CHECKING:
    from tests.server.live_server import Probe

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SECOND = b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n"


# Each is a complete request to some parser, which would answer it. Each is followed by a second request, which a
# parser that ends the first one elsewhere would answer as well.
AMBIGUOUS = {
    "a length beside chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks beside a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a length beside no encoding": POST + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nabcde",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two equal lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of equal lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "a length with a sign": POST + b"Content-Length: +1\r\n\r\na",
    "a negative length": POST + b"Content-Length: -1\r\n\r\na",
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\na",
    "a length with a separator": POST + b"Content-Length: 1_0\r\n\r\n" + b"a" * 10,
    "a length with another white space": POST + b"Content-Length: \x0b1\r\n\r\na",
    "an empty length": POST + b"Content-Length:\r\n\r\n",
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551617\r\n\r\na",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "a line folded by a tab": GET + b"X: a\r\n\tb\r\n\r\n",
    "a folded empty line": GET + b"X:\r\n b\r\n\r\n",
    "a fold before the first field": b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n",
    "a folded length": POST + b"Content-Length:\r\n 1\r\n\r\na",
    "white space before the colon": POST + b"Content-Length : 1\r\n\r\na",
    "a tab before the colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "a line without a colon": GET + b"X\r\n\r\n",
    "a field without a name": GET + b": a\r\n\r\n",
    "a name with an odd character": GET + b"X(y): a\r\n\r\n",
    "a name beyond ASCII": GET + b"Content-Length\xa0: 0\r\n\r\n",
    "a NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "a control character in a value": GET + b"X: a\x01b\r\n\r\n",
    "a DEL in a value": GET + b"X: a\x7fb\r\n\r\n",
    "a bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF after a field": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare LF at the end": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "bare LFs only": b"GET / HTTP/1.1\nHost: a\n\n",
    "a bare CR after a field": b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a bare CR at the end": b"GET / HTTP/1.1\r\nHost: a\r\n\r\r",
    "no encoding": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "another encoding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "two encodings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks within something": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunks after nothing": POST + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    "nothing after chunks": POST + b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
    "quoted chunks": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "chunks with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "nearly chunks": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks after another white space": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "no encoding, then chunks": POST
    + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, then no encoding": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunks in two fields": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an empty encoding": POST + b"Transfer-Encoding:\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_request_that_readers_would_read_differently_is_refused_before_the_app(
    port: int, probe: Probe, data: bytes
) -> None:
    assert_is_a_refusal(exchange(port, data + SECOND))
    assert probe.paths == []


BROKEN_CHUNKS = {
    "a size that is none": b"g\r\na\r\n0\r\n\r\n",
    "a size with a prefix": b"0x1\r\na\r\n0\r\n\r\n",
    "a negative size": b"-1\r\na\r\n0\r\n\r\n",
    "a size after white space": b" 1\r\na\r\n0\r\n\r\n",
    "a size before white space": b"1 \r\na\r\n0\r\n\r\n",
    "no size": b"\r\na\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"10000000000000001\r\na\r\n0\r\n\r\n",
    "a bare LF after the size": b"1\na\r\n0\r\n\r\n",
    "a bare CR after the size": b"1\ra\r\n0\r\n\r\n",
    "a bare LF after the data": b"1\r\na\n0\r\n\r\n",
    "more data than said": b"1\r\nabc\r\n0\r\n\r\n",
    "a bare LF in an extension": b"1;a\nb\r\na\r\n0\r\n\r\n",
    "a NUL in an extension": b"1;a\0b\r\na\r\n0\r\n\r\n",
    "a trailer that is none": b"1\r\na\r\n0\r\nX y\r\n\r\n",
    "a trailer with a length": b"1\r\na\r\n0\r\nContent-Length: 3\r\n\r\n",
    "a trailer with an encoding": b"1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
def test_broken_chunks_are_refused_and_the_app_is_told_that_the_client_is_gone(
    port: int, probe: Probe, chunks: bytes
) -> None:
    assert_is_a_refusal(exchange(port, CHUNKED + chunks + SECOND))
    assert probe.gone.wait(PATIENCE)
    assert probe.disconnects == ["/"]
    assert probe.paths == ["/"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\0\0\0",
        b"\xff\xfe\xfd",
        b"{}\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET\r\nHost: a\r\n\r\n",
        b"GET / HTTP\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
        b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xed\x95\x9c HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=repr,
)
def test_bytes_that_are_no_request_are_refused(port: int, probe: Probe, data: bytes) -> None:
    assert_is_a_refusal(exchange(port, data))
    assert probe.paths == []


@pytest.mark.parametrize("version", [b"2.0", b"0.9"])
def test_another_version_of_http_is_refused_by_its_status(port: int, probe: Probe, version: bytes) -> None:
    assert_is_a_refusal(exchange(port, b"GET / HTTP/" + version + b"\r\nHost: a\r\n\r\n"), 505)
    assert probe.paths == []


def test_a_body_without_a_length_is_the_next_request_and_refused(port: int) -> None:
    with Wire(port) as wire:
        wire.send(POST + b"\r\n{}")
        assert wire.answer().json()["body"] == ""
        assert_is_a_refusal(wire.answer())
        assert wire.rest() == b""


def test_a_refusal_of_a_head_request_has_no_body(port: int) -> None:
    answer = exchange(port, b"HEAD / HTTP/1.1\r\n\r\n")
    assert answer.status == 400
    assert answer.body == b""
    assert int(answer.values("content-length")[0]) > 100


def test_a_refusal_repeats_nothing_of_the_request(port: int) -> None:
    canary = b"9491339400000013"
    for data in (
        b"GET /" + canary + b" HTTP/1.1\r\n\r\n",
        canary + b"\r\n\r\n",
        GET + canary + b"\r\n\r\n",
        GET + b"X-Request-Id: " + canary + b"\r\nHost: " + canary + b"\r\n\r\n",
    ):
        with Wire(port) as wire:
            wire.send(data)
            assert canary not in wire.rest()


def test_each_refusal_has_an_id_of_its_own(port: int) -> None:
    ids = {exchange(port, b"x y\r\n").values("x-request-id")[0] for _ in range(5)}
    assert len(ids) == 5


WELL_FORMED = {
    "a length": (POST + b"Content-Length: 3\r\n\r\nabc", "abc"),
    "a length with zeros before it": (POST + b"Content-Length: 003\r\n\r\nabc", "abc"),
    "a length in white space": (POST + b"Content-Length: \t 3 \r\n\r\nabc", "abc"),
    "chunks": (CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"),
    "chunks in capitals": (POST + b"TRANSFER-ENCODING: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "abc"),
    "chunks with an extension": (CHUNKED + b'3;a=b;c="d"\r\nabc\r\n0\r\n\r\n', "abc"),
    "chunks with zeros before the size": (CHUNKED + b"0000000000000000003\r\nabc\r\n0\r\n\r\n", "abc"),
    "empty lines before": (b"\r\n\r\n" + GET + b"\r\n", ""),
    "no body": (GET + b"\r\n", ""),
}


@pytest.mark.parametrize(("data", "body"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_well_formed_request_and_its_successor_are_answered(port: int, data: bytes, body: str) -> None:
    with Wire(port) as wire:
        wire.send(data)
        assert body == wire.answer().json()["body"]
        wire.send(SECOND)
        assert wire.answer().json()["path"] == "/second"


def test_a_trailer_does_not_become_a_header(port: int) -> None:
    with Wire(port) as wire:
        wire.send(CHUNKED + b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n")
        seen = wire.answer().json()
    assert seen["headers"] == [["host", "a"], ["transfer-encoding", "chunked"]]
    assert seen["body"] == "a"


def test_white_space_around_a_value_is_no_part_of_it(port: int) -> None:
    with Wire(port) as wire:
        wire.send(GET + b"X: \t a b \t \r\n\r\n")
        assert ["x", "a b"] in wire.answer().json()["headers"]
