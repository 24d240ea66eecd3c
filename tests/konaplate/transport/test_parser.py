"""From bytes to one whole response, however they are split and whatever they are."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.konaplate.transport.connection import ParsedResponse, ResponseParser, ResponseRefusedError
from tests.konaplate.faulty_upstream import chunk, head, http
from tests.tools import examples

steady = settings(max_examples=examples(300))
MAX_BODY = 100

CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + chunk(b"one") + chunk(b"two") + chunk(b"")
ANSWERS = {
    "length": (
        http(b"body", headers=["X-A:  b "]),
        ParsedResponse(200, [(b"X-A", b"b"), (b"Content-Length", b"4")], b"body"),
    ),
    "chunks": (CHUNKED, ParsedResponse(200, [(b"Transfer-Encoding", b"chunked")], b"onetwo")),
    "chunks, in a list with empty members": (
        CHUNKED.replace(b": chunked", b": , ,\t, chunked"),
        ParsedResponse(200, [(b"Transfer-Encoding", b", ,\t, chunked")], b"onetwo"),
    ),
    "chunks, in two lists": (
        CHUNKED.replace(b"Transfer", b"Transfer-Encoding: ,\r\nTransfer"),
        ParsedResponse(200, [(b"Transfer-Encoding", b","), (b"Transfer-Encoding", b"chunked")], b"onetwo"),
    ),
    "no content": (head("HTTP/1.1 204 No Content"), ParsedResponse(204, [], b"")),
    "not modified": (
        head("HTTP/1.1 304 Not Modified", "Content-Length: 9"),
        ParsedResponse(304, [(b"Content-Length", b"9")], b""),
    ),
    "an interim answer before": (
        head("HTTP/1.1 100 Continue") + head("HTTP/1.1 103 Early Hints", "Link: x") + http(b"ok"),
        ParsedResponse(200, [(b"Content-Length", b"2")], b"ok"),
    ),
    "trailers": (
        CHUNKED.removesuffix(b"\r\n") + b"X-Trailer: x\r\n\r\n",
        ParsedResponse(200, [(b"Transfer-Encoding", b"chunked")], b"onetwo"),
    ),
    "an error": (http(b"no", "503 Busy"), ParsedResponse(503, [(b"Content-Length", b"2")], b"no")),
    "no words": (
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        ParsedResponse(200, [(b"Content-Length", b"0")], b""),
    ),
}


def read(*pieces: bytes) -> ResponseParser:
    reader = ResponseParser(MAX_BODY)
    for piece in pieces:
        reader.feed(piece)
    return reader


@pytest.mark.parametrize(("raw", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_is_read_whole(raw: bytes, answer: ParsedResponse) -> None:
    reader = read(raw)
    assert (True, answer) == (reader.complete, reader.response())


@steady
@given(st.sampled_from(list(ANSWERS.values())), st.data())
def test_it_does_not_matter_how_the_bytes_are_split(
    case: tuple[bytes, ParsedResponse], data: st.DataObject
) -> None:
    raw, answer = case
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=20)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    reader = ResponseParser(MAX_BODY)
    for piece in pieces:
        assert not reader.complete
        reader.feed(piece)
    assert (True, answer) == (reader.complete, reader.response())


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    reader = read(head("HTTP/1.1 200 OK") + b"until the end")
    assert not reader.complete
    reader.end()
    assert (reader.complete, reader.keep_alive, reader.response().body) == (True, False, b"until the end")


@pytest.mark.parametrize("first", ANSWERS)
@pytest.mark.parametrize("second", ANSWERS)
def test_the_next_answer_of_a_connection_has_nothing_of_the_one_before(first: str, second: str) -> None:
    reader = read(ANSWERS[first][0])
    assert reader.keep_alive
    before = reader.response()
    reader.begin()
    assert (reader.begun, reader.complete, reader.keep_alive) == (False, False, False)
    reader.feed(ANSWERS[second][0])
    assert (True, ANSWERS[second][1]) == (reader.complete, reader.response())
    assert ANSWERS[first][1] == before


def test_the_bounds_are_those_of_each_answer() -> None:
    reader = read(http(b"x" * 100, headers=["X: " + "x" * 800]))
    for _ in range(5):
        reader.begin()
        reader.feed(http(b"x" * 100, headers=["X: " + "x" * 800]))
        assert reader.complete
    reader.begin()
    with pytest.raises(ResponseRefusedError):
        reader.feed(http(b"x" * 101))


@pytest.mark.parametrize("raw", [http(b"body")[:-1], head("HTTP/1.1 200 OK")[:-2], CHUNKED[:-2], b"H"])
def test_an_answer_that_ends_too_soon_is_none(raw: bytes) -> None:
    reader = read(raw)
    with pytest.raises(httpx.RemoteProtocolError):
        reader.end()


@pytest.mark.parametrize(
    ("line", "fields", "keep_alive"),
    [
        ("HTTP/1.1 200 OK", [], True),
        ("HTTP/1.1 200 OK", ["Connection: close"], False),
        ("HTTP/1.0 200 OK", [], False),
        ("HTTP/1.0 200 OK", ["Connection: keep-alive"], False),
    ],
)
def test_whether_the_connection_can_be_used_again(line: str, fields: list[str], *, keep_alive: bool) -> None:
    assert keep_alive == read(head(line, *fields, "Content-Length: 0")).keep_alive


MALFORMED = {
    "garbage": b"\x16\x03\x01\r\n\r\n",
    "the request sent back": b"POST / HTTP/1.1\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status below 100": http(b"", "099 Low"),
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol": head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c", "Connection: upgrade"),
    "no upgrade, but its status": head("HTTP/1.1 101 Switching Protocols"),
    "two lengths": http(b"", headers=["Content-Length: 5"]),
    "length and chunks": http(b"", headers=["Transfer-Encoding: chunked"]),
    "an unknown transfer encoding": head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"),
    "chunks twice": head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunks twice, in lists with empty members": head(
        "HTTP/1.1 200 OK", "Transfer-Encoding: , chunked, , chunked"
    ),
    # These two are valid, but httptools would not read chunks.
    "chunks before an empty member": CHUNKED.replace(b": chunked", b": chunked,"),
    "chunks before an empty list": CHUNKED.replace(b": chunked", b": chunked\r\nTransfer-Encoding: ,"),
    "no transfer encoding": head("HTTP/1.1 200 OK", "Transfer-Encoding: ,"),
    "length and chunks in a list": http(b"", headers=["Transfer-Encoding: , chunked"]),
    "two transfer encodings": head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"),
    "a bare line feed": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a folded field": head("HTTP/1.1 200 OK", "X: a", " b", "Content-Length: 0"),
    "a space before the colon": head("HTTP/1.1 200 OK", "Content-Length : 0"),
    "a second answer": http(b"one") + http(b"two"),
    "leftover bytes": http(b"one") + b"two",
    "leftover bytes before the end": head("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0") + b"two",
    "leftover bytes after chunks": CHUNKED + b"two",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_single_answer_is_refused_as_a_second_one_too(raw: bytes) -> None:
    reader = read(http(b"body"))
    reader.begin()
    with pytest.raises(httpx.RemoteProtocolError):
        reader.feed(raw)


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_single_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError) as refusal:
        read(raw)
    assert str(refusal.value) == "The response is not well-formed."


TOO_LARGE = {
    "a length": (head("HTTP/1.1 200 OK", "Content-Length: 101"), 200),
    "an endless length": (head("HTTP/1.1 500 No", f"Content-Length: {2**63}"), 500),
    "a body without a length": (head("HTTP/1.1 200 OK") + b"x" * 101, 200),
    "chunks": (head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + chunk(b"x" * 60) * 2, 200),
}


@pytest.mark.parametrize(("raw", "status"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_what_is_too_large_is_refused_with_its_status(raw: bytes, status: int) -> None:
    with pytest.raises(ResponseRefusedError) as refusal:
        read(raw)
    assert status == refusal.value.status


@pytest.mark.parametrize("lengths", [["1", "1"], ["1, 1"], ["1", "2"]])
def test_a_length_that_is_a_list_is_refused(lengths: list[str]) -> None:
    """RFC 9110, section 8.6, lets the recipient choose if all are equal; rejecting is the safe choice."""
    head = "".join(f"Content-Length: {length}\r\n" for length in lengths)
    with pytest.raises(httpx.RemoteProtocolError):
        read(f"HTTP/1.1 200 OK\r\n{head}\r\nx".encode())


@pytest.mark.parametrize(
    "values", [["foo, close"], [", close ,"], ["keep-alive", "Close"], ["close", "keep-alive"]]
)
def test_a_connection_that_is_to_close_anywhere_in_the_list_is_not_kept(values: list[str]) -> None:
    reader = read(http(b"x", headers=[f"Connection: {value}" for value in values]))
    assert (reader.complete, reader.keep_alive) == (True, False)


def test_a_body_of_just_the_bound_is_taken() -> None:
    assert read(http(b"x" * 100)).response().body == b"x" * 100


ENDLESS = {
    "one field": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "many fields": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "words of the status": (b"HTTP/1.1 200 ", b"x"),
    "interim answers": (b"", head("HTTP/1.1 100 Continue")),
    "extensions of a chunk": (head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"1;", b"x"),
    "trailers": (CHUNKED.removesuffix(b"\r\n"), b"X: x\r\n"),
    "empty lines": (b"", b"\r\n"),
}


@pytest.mark.parametrize(("start", "drop"), ENDLESS.values(), ids=ENDLESS.keys())
def test_what_never_ends_is_cut_off(start: bytes, drop: bytes) -> None:
    reader = ResponseParser(MAX_BODY)
    reader.feed(start)
    drops = 0

    def feed_on() -> None:
        nonlocal drops
        for _ in range(100_000 // len(drop)):
            drops += 1
            reader.feed(drop)

    with pytest.raises(httpx.RemoteProtocolError):
        feed_on()
    assert len(start) + drops * len(drop) < 64 * 1024 + 16 * MAX_BODY + 10


@steady
@given(st.lists(st.binary(max_size=60), max_size=10))
def test_no_bytes_lead_to_any_other_failure(pieces: list[bytes]) -> None:
    reader = ResponseParser(MAX_BODY)
    try:
        for piece in [b"HTTP/1.1 200 OK\r\n", *pieces]:
            reader.feed(piece)
        reader.end()
    except httpx.RemoteProtocolError:
        return
    assert reader.complete
