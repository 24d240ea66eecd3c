"""Methods, versions, upgrades, and the order of responses on one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.live_server import PATIENCE
from tests.server.raw_http import Wire, assert_is_a_refusal, exchange, head, seen

if TYPE_CHECKING:
    from tests.server.live_server import Probe

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("target", [b"b:443", b"/"])
def test_connect_is_not_allowed(port: int, probe: Probe, target: bytes) -> None:
    answer = exchange(port, head(target, b"Host: a", method=b"CONNECT") + GET)
    assert_is_a_refusal(answer, 405)
    assert answer.values("allow") == ["GET, POST, QUERY"]
    assert probe.paths == []


@pytest.mark.parametrize("fields", [(), (b"Host: a",), (b"Host: a", b"Connection: keep-alive")])
def test_http_1_0_is_answered_and_ends_the_connection(port: int, fields: tuple[bytes, ...]) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/x", *fields, version=b"1.0"))
        answer = wire.answer()
        assert wire.rest() == b""
    assert (answer.status, answer.json()["version"]) == (200, "1.0")
    assert answer.values("connection") == ["close"]


def test_answers_come_in_the_order_of_the_requests(port: int, probe: Probe) -> None:
    post = head(b"/2", b"Host: a", b"Content-Length: 3", method=b"POST") + b"abc"
    with Wire(port) as wire:
        wire.send(head(b"/wait", b"Host: a") + post + head(b"/3", b"Host: a"))
        assert probe.arrived.wait(PATIENCE)
        assert probe.paths == ["/wait"]
        probe.release()
        assert [wire.answer().json()["path"] for _ in range(3)] == ["/wait", "/2", "/3"]
        wire.send(GET)
        assert wire.answer().json()["path"] == "/"


@pytest.mark.parametrize(
    "broken",
    [b"x\r\n", head(b"/", b"Host: a", b"Transfer-Encoding: chunked", method=b"POST") + b"x"],
    ids=["head", "body"],
)
def test_a_refusal_waits_for_the_answers_before_it(port: int, probe: Probe, broken: bytes) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/wait", b"Host: a") + head(b"/2", b"Host: a") + broken)
        assert probe.arrived.wait(PATIENCE)
        probe.release()
        assert [wire.answer().json()["path"] for _ in range(2)] == ["/wait", "/2"]
        assert_is_a_refusal(wire.answer())
        assert wire.rest() == b""
    assert probe.paths == ["/wait", "/2"]


def test_every_app_at_work_is_told_when_the_client_goes(port: int, probe: Probe) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/wait", b"Host: a") + GET)
        assert probe.arrived.wait(PATIENCE)
    assert probe.gone.wait(PATIENCE)
    assert probe.paths == ["/wait"]


def test_nothing_is_answered_after_a_request_to_close(port: int, probe: Probe) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/1", b"Host: a", b"Connection: close") + head(b"/2", b"Host: a"))
        answer = wire.answer()
        assert wire.rest() == b""
    assert answer.json()["path"] == "/1"
    assert answer.values("connection") == ["close"]
    assert probe.paths == ["/1"]


EXPECT = (b"Host: a", b"Content-Length: 3", b"Expect: 100-Continue")


def test_a_client_that_asks_first_is_told_to_continue(port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", *EXPECT, method=b"POST"))
        assert wire.answer().status == 100
        wire.send(b"abc")
        assert wire.answer().json()["body"] == "abc"


@pytest.mark.parametrize(
    "fields",
    [(b"Expect: , 100-continue,",), (b"Expect: 100-continue", b"Expect: x")],
    ids=["a list", "two fields"],
)
def test_the_expect_header_is_a_list(port: int, fields: tuple[bytes, ...]) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", b"Host: a", b"Content-Length: 3", *fields, method=b"POST"))
        assert wire.answer().status == 100


@pytest.mark.parametrize(
    "fields",
    [(b"Connection: ,keep-alive,\tCLOSE ,",), (b"Connection: close", b"Connection: keep-alive")],
    ids=["a list", "two fields"],
)
def test_a_connection_ends_when_any_of_its_options_says_so(port: int, fields: tuple[bytes, ...]) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", b"Host: a", *fields))
        assert wire.answer().values("connection") == ["close"]
        assert wire.rest() == b""


def test_a_client_that_asks_first_and_is_answered_at_once_keeps_no_connection(port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/early", *EXPECT, method=b"POST"))
        answer = wire.answer()
        assert wire.rest() == b""
    assert answer.status == 200
    assert answer.values("connection") == ["close"]


def test_a_client_of_http_1_0_is_not_told_to_continue(port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", *EXPECT, method=b"POST", version=b"1.0") + b"abc")
        assert wire.answer().json()["body"] == "abc"


UPGRADES = {
    "h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    "websocket": (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
    "anything": (b"Upgrade: x/1", b"connection: keep-alive, upgrade"),
}


@pytest.mark.parametrize("fields", UPGRADES.values(), ids=UPGRADES)
def test_an_upgrade_is_ignored_and_the_request_answered(
    port: int, probe: Probe, fields: tuple[bytes, ...]
) -> None:
    # The body is a request itself: a parser that stops at the upgrade takes it for the next one.
    body = head(b"/smuggled", b"Host: a")
    length = b"Content-Length: %d" % len(body)
    post = head(b"/1?x", b"Host: a", *fields, length, method=b"POST") + body
    with Wire(port) as wire:
        wire.send(post + head(b"/2", b"Host: a", *fields) + GET)
        answers = [wire.answer().json() for _ in range(3)]
        wire.send(post)
        again = wire.answer().json()
    assert [answer["path"] for answer in answers] == ["/1", "/2", "/"]
    assert (answers[0]["method"], answers[0]["query"]) == ("POST", "x")
    assert body.decode() == answers[0]["body"] == again["body"]
    assert probe.paths == ["/1", "/2", "/", "/1"]
    assert "upgrade" not in [name for name, _ in answers[0]["headers"]]


def test_an_upgrade_with_chunks_is_read_to_its_end(port: int) -> None:
    chunked = head(b"/", b"Host: a", b"Transfer-Encoding: chunked", *UPGRADES["h2c"], method=b"POST")
    assert seen(port, chunked + b"3\r\nabc\r\n0\r\n\r\n")["body"] == "abc"


def test_an_upgrade_whose_body_comes_later_is_read_to_its_end(port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", b"Host: a", b"Content-Length: 3", b"Expect: 100-continue", *UPGRADES["h2c"]))
        assert wire.answer().status == 100
        wire.send(b"abc")
        assert wire.answer().json()["body"] == "abc"


@pytest.mark.parametrize(
    "fields",
    [(b"Host: a", b"Host: a"), (b"Host: @",), (), (b"Host: a", b"Transfer-Encoding: gzip, chunked")],
)
def test_an_upgrade_is_checked_like_any_request(port: int, probe: Probe, fields: tuple[bytes, ...]) -> None:
    assert_is_a_refusal(exchange(port, head(b"/", *fields, *UPGRADES["h2c"])))
    assert probe.paths == []


def test_an_exception_of_the_app_is_an_internal_error_without_its_words(port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/break", b"Host: a"))
        answer = wire.answer()
        assert wire.rest() == b""
    assert answer.status == 500
    (error,) = answer.json()["errors"]
    assert error["message"] == "An unexpected error occurred."
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert answer.values("cache-control") == ["private, no-store"]
    assert b"canary" not in answer.body


def test_the_app_is_told_when_its_client_hangs_up(port: int, probe: Probe) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/wait", b"Host: a"))
        assert probe.arrived.wait(PATIENCE)
    assert probe.gone.wait(PATIENCE)
    assert probe.disconnects == ["/wait"]
