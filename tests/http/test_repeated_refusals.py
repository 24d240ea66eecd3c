"""Who is refused and comes again with the same head is refused without being read; whoever else comes is read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from graph.server.protocol import HardenedProtocol
from tests.http.busy_server import BODY, post
from tests.http.raw_http import Wire

if TYPE_CHECKING:
    from tests.http.busy_server import Busy
    from tests.http.raw_http import RawAnswer


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The targets that the parser of any connection has read."""
    targets: list[bytes] = []
    original = HardenedProtocol.on_url

    def on_url(self: HardenedProtocol, url: bytes) -> None:
        targets.append(url)
        original(self, url)

    monkeypatch.setattr(HardenedProtocol, "on_url", on_url)
    return targets


def test_who_comes_again_with_the_same_head_is_refused_without_being_read(parsed: list[bytes], busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        answers = []
        for number in range(3):
            wire.send(post(body=b'{"query": "{ a%d }"}' % number))
            answers.append(wire.answer())

    assert [b"/graphql"] == parsed
    ids = [answer.values("x-request-id") for answer in answers]
    assert [[answer.json()["errors"][0]["extensions"]["requestId"]] for answer in answers] == ids
    assert ids == [[report.request_id] for report in busy.reports]
    assert 3 == len({request_id for (request_id,) in ids})

    def without_id(answer: RawAnswer) -> object:
        return answer.status, [field for field in answer.headers if field[0] not in {"x-request-id", "date"}]

    assert [without_id(answers[0])] * 2 == [without_id(answer) for answer in answers[1:]]


def test_who_comes_again_when_there_is_room_is_answered(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        statuses = []
        for running in (1, 1, 0, 1, 1):
            busy.admission.running = running
            wire.send(post())
            statuses.append(wire.answer().status)

    assert [503, 503, 200, 503, 503] == statuses
    assert ["/graphql"] == busy.probe.paths


@pytest.mark.parametrize(
    ("again", "statuses"),
    [
        (post(b"X-A: 2"), [503]),
        (post(b"X-A: 1", target=b"/another"), [200]),
        (post(b"X-A: 1", b"Origin: https://app.example"), [200]),
        (post(b"X-A: 1", b"Connection: close"), [200]),
        (post(b"X-A: 1") * 2, [503, 503]),
        (post(b"X-A: 1") + post(target=b"/another"), [503, 200]),
        (post(b"X-A: 1", body=BODY + b" "), [503]),
    ],
)
def test_who_comes_again_with_another_head_is_read(
    parsed: list[bytes], busy: Busy, again: bytes, statuses: list[int]
) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post(b"X-A: 1"))
        assert 503 == wire.answer().status
        wire.send(again)

        assert statuses == [wire.answer().status for _ in statuses]
    assert 1 + len(statuses) == len(parsed)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(post() + b"\r\n", id="with a line after it"),
        pytest.param(post(target=b"/one") + post(), id="behind another one"),
        pytest.param(post() * 2, id="two of them"),
        pytest.param(post(b"X-Long: " + b"x" * 4000), id="with a long head"),
        pytest.param(
            post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"), id="which asks for an upgrade"
        ),
        pytest.param(
            b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1b\r\n" + BODY + b"\r\n0\r\n\r\n",
            id="in chunks",
        ),
    ],
)
def test_an_unusual_request_is_read_each_time(parsed: list[bytes], busy: Busy, first: bytes) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        for _ in range(3):
            wire.send(first)
            statuses = [wire.answer().status for _ in range(first.count(b"HTTP/1.1"))]
            assert 503 == statuses[-1]

    assert 3 * first.count(b"HTTP/1.1") <= len(parsed)


def test_one_that_comes_again_in_pieces_is_read(parsed: list[bytes], busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post())
        assert 503 == wire.answer().status
        wire.send(post()[:40])
        time.sleep(0.05)
        wire.send(post()[40:])

        assert 503 == wire.answer().status
    assert 2 == len(parsed)


def test_one_that_looks_like_the_one_before_but_is_the_body_of_another_is_a_body(busy: Busy) -> None:
    busy.fill()
    inner = post()
    with Wire(busy.live.port) as wire:
        wire.send(inner)
        assert 503 == wire.answer().status
        busy.admission.running = 0
        wire.send(post(body=inner)[: -len(inner)])
        time.sleep(0.05)
        busy.fill()
        wire.send(inner)

        assert inner.decode() == wire.answer().json()["body"]


def test_one_that_comes_while_another_one_is_answered_waits_for_its_turn(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post())
        assert 503 == wire.answer().status
        wire.send(post(target=b"/another") + post())

        assert [200, 503] == [wire.answer().status for _ in range(2)]
