"""Refusals of an overloaded gateway that are made in the protocol, before any app: the same answer, for less."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from graph.resilience.admission import Admission
from graph.web.overload import Overload, OverloadHooks
from graph.web.protocol import HardenedProtocol
from tests.web.live_server import Live, Probe
from tests.web.raw_http import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graph.web.report import RequestReport
    from tests.web.raw_http import RawAnswer

BODY = b'{"query": "{ __typename }"}'
GRAPHQL_RESPONSE = "application/graphql-response+json"


class Busy:
    """A server whose operations may be refused."""

    def __init__(self) -> None:
        self.reports: list[RequestReport] = []
        self.admission = Admission(1)
        hooks = OverloadHooks(self.reports.append)
        overload = Overload(self.admission, path="/graphql", hooks=hooks, clock=lambda: 0.0)
        self.probe = Probe()
        self.live = Live(self.probe, overload=overload)

    def fill(self) -> None:
        self.admission.running = 1


@pytest.fixture
def busy() -> Iterator[Busy]:
    made = Busy()
    made.live.start()
    try:
        yield made
    finally:
        made.live.stop()


def post(*fields: bytes, body: bytes = BODY, target: bytes = b"/graphql", method: bytes = b"POST") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: gateway", length, *fields, b"", body])


def test_the_answer_is_complete_and_the_app_is_not_asked(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post())
        answer = wire.answer()

    (request_id,) = answer.values("x-request-id")
    extensions = {"code": "OVERLOADED", "retryable": True, "requestId": request_id, "retryAfterMs": 1000}
    assert {
        "errors": [{"message": "The gateway cannot answer right now.", "extensions": extensions}]
    } == answer.json()
    assert (503, ["1"], ["application/json; charset=utf-8"]) == (
        answer.status,
        answer.values("retry-after"),
        answer.values("content-type"),
    )
    assert [["no-store"], ["nosniff"], ["DENY"], ["no-referrer"], ["same-origin"]] == [
        answer.values(name)
        for name in (
            "cache-control",
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "cross-origin-resource-policy",
        )
    ]
    assert (1, 1, [], []) == (
        len(answer.values("content-security-policy")),
        len(answer.values("date")),
        answer.values("server"),
        answer.values("connection"),
    )
    assert [] == busy.probe.paths
    assert [(request_id, "POST", 503, ["OVERLOADED"])] == [
        (report.request_id, report.method, report.status, report.codes) for report in busy.reports
    ]


def test_the_headers_are_those_of_the_refusal_by_the_app(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post())
        early = wire.answer()
        # A page's request is left to the app, which here is not the gateway's, and so answers it.
        wire.send(post(b"Origin: https://app.example"))
        assert 200 == wire.answer().status

    names = [name for name, _ in early.headers]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([b"Accept: */*"], "application/json"),
        ([b"Accept: application/graphql-response+json"], GRAPHQL_RESPONSE),
        ([b"Accept: application/json;q=0.1", b"Accept: application/graphql-response+json"], GRAPHQL_RESPONSE),
        ([b"Accept: image/png"], "application/json"),
    ],
)
def test_the_media_type_is_what_the_client_accepts(busy: Busy, fields: list[bytes], expected: str) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post(*fields))

        assert [f"{expected}; charset=utf-8"] == wire.answer().values("content-type")


@pytest.mark.parametrize(
    ("offered", "kept"),
    [(b"caller-id-0001", True), (b"short", False), (b'x"injected"xxx', False), (b"\xff" * 9, False)],
)
def test_an_id_of_the_caller_is_kept_when_it_is_harmless(busy: Busy, offered: bytes, *, kept: bool) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post(b"X-Request-Id: " + offered))
        answer = wire.answer()

    (request_id,) = answer.values("x-request-id")
    assert kept is (request_id == offered.decode("latin-1"))
    assert request_id == answer.json()["errors"][0]["extensions"]["requestId"]


@pytest.mark.parametrize(
    "data",
    [
        post(target=b"/livez", method=b"GET", body=b""),
        post(target=b"/graphql", method=b"GET", body=b""),
        post(target=b"/other"),
        post(b"Origin: https://app.example"),
        post(b"Sec-Fetch-Site: cross-site"),
    ],
)
def test_everything_else_is_left_to_the_app(busy: Busy, data: bytes) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(data)

        assert 200 == wire.answer().status
    assert 1 == len(busy.probe.paths)


def test_with_room_the_app_is_asked(busy: Busy) -> None:
    with Wire(busy.live.port) as wire:
        wire.send(post())

        assert BODY.decode() == wire.answer().json()["body"]


def test_a_connection_goes_on_after_a_refusal_whose_body_comes_late(busy: Busy) -> None:
    busy.fill()
    whole = post()
    with Wire(busy.live.port) as wire:
        wire.send(whole[: -len(BODY)])
        refused = wire.answer()
        busy.admission.running = 0
        wire.send(BODY + post(body=b'{"second": 1}'))
        answer = wire.answer()

    assert (503, 200, '{"second": 1}') == (refused.status, answer.status, json.loads(answer.body)["body"])


def test_requests_in_a_line_are_answered_in_their_order(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post(target=b"/one") + post() + post(target=b"/two") + post() + post())

        assert [200, 503, 200, 503, 503] == [wire.answer().status for _ in range(5)]
    assert ["/one", "/two"] == busy.probe.paths


@pytest.mark.parametrize("fields", [[b"Connection: close"], [b"Expect: 100-continue"]])
def test_a_connection_that_is_to_end_is_left_to_the_app(busy: Busy, fields: list[bytes]) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post(*fields))
        answer = wire.answer()
        if answer.status == 100:
            answer = wire.answer()

        assert (200, ["close"]) == (answer.status, answer.values("connection"))
        assert b"" == wire.rest()


def test_a_body_that_is_broken_after_the_refusal_gets_no_second_answer(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert 503 == wire.answer().status
        wire.send(b"no number\r\n")

        assert b"" == wire.rest()


def test_of_many_requests_that_come_together_only_ten_are_answered_without_the_app(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        wire.send(post() * 12)
        statuses = [wire.answer().status for _ in range(12)]

    assert [503] * 10 + [200] * 2 == statuses


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


def test_a_client_that_asks_and_asks_and_does_not_read_is_cut_off(busy: Busy) -> None:
    busy.fill()
    with Wire(busy.live.port) as wire:
        with pytest.raises(OSError, match=r"(?i)broken pipe|reset|timed out|abort"):
            ask_and_ask(wire)
        # What was answered fits into the buffers of both ends.
        assert len(busy.reports) < 20_000


def ask_and_ask(wire: Wire) -> None:
    for _ in range(2_000_000):
        wire.send(post() * 9)
