"""Refusals of an overloaded gateway that are made in the protocol, before any app: the same answer, for less."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.http.busy_server import BODY, post
from tests.http.raw_http import Wire

if TYPE_CHECKING:
    from tests.http.busy_server import Busy

GRAPHQL_RESPONSE = "application/graphql-response+json"


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
