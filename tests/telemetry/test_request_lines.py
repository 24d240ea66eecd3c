"""Log lines of real requests: document hash, deadlines, breakers, overload."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails, Cause
from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.faults.jumping_clock import jumping
from tests.security.callers import callers
from tests.support import Blocking, gateway
from tests.telemetry.capture import events, log, logs_as
from tests.telemetry.reports import Reports
from tests.telemetry.scrape import value

if TYPE_CHECKING:
    import io
    from pathlib import Path

CARD_NO = "9491339400000013"
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines(stream: io.StringIO, event: str) -> list[dict[str, Any]]:
    return [line for line in events(stream) if line["event"] == event]


async def lines_of(*queries: str, **settings: Any) -> list[dict[str, Any]]:
    """The lines of requests."""
    with logs_as("info") as stream:
        async with gateway(**settings) as running:
            for query in queries:
                await running.query(query, {"n": CARD_NO} if "$n" in query else None)
    return lines(stream, "request")


async def test_a_document_is_known_by_the_hash_of_its_text() -> None:
    first, second = await lines_of(CARD, CARD)
    assert [sha256(CARD)] * 2 == [first["document"], second["document"]]
    assert first["operation"] == "Card"


@pytest.mark.parametrize(
    "document",
    [
        f'{{ card(cardNo: "{CARD_NO}") {{ balance }} }} # a comment',
        f"{{ __typename }} # {CARD_NO}",
        '{ card(cardNo: "\\u0039") { balance } }',
    ],
)
async def test_a_document_that_could_hold_a_card_number_has_no_hash(document: str) -> None:
    (line,) = await lines_of(document)
    assert line["document"] is None


async def test_a_document_with_card_numbers_is_known_by_what_is_left_without_them() -> None:
    texts = [f'{{ card(cardNo: "{number}") {{ balance }} }}' for number in (CARD_NO, "9491339400000021")]
    first, second, other = await lines_of(*texts, texts[0].replace("balance", "cardStatus"))
    assert first["document"] == second["document"] != other["document"]
    # A hash would allow trying all card numbers.
    assert not {sha256(text) for text in texts} & {first["document"], other["document"]}
    assert {len(line["document"]) for line in (first, second, other)} == {64}


@pytest.mark.parametrize(
    ("origins", "shown"),
    [
        (["https://other.example:8443"], "https://other.example:8443"),
        (["null"], "null"),
        ([], None),
        ([f"https://{CARD_NO}.example"], "https://949133******0013.example"),
        (["https://other.example/?name=Hong"], "[hidden]"),
        (["https://a.example", "https://b.example"], "[hidden]"),
        ([f"https://{'a' * 100}.example"], "[hidden]"),
    ],
)
async def test_a_page_of_another_site_leaves_a_line_and_is_counted(origins: list[str], shown: str | None) -> None:
    headers = [("sec-fetch-site", "cross-site"), *(("origin", origin) for origin in origins)]
    with logs_as("warning") as stream:
        async with gateway() as running:
            answer = await running.client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
            metrics = running.metrics
    (line,) = lines(stream, "request refused")
    assert (line["request_id"], line["status"]) == (answer.headers["x-request-id"], 403)
    assert line["reason"] == answer.json()["errors"][0]["message"]
    assert line["origin"] == shown
    assert value(metrics, "responses_total", status="403", viewer="none") == 1
    assert value(metrics, "errors_total", code="FORBIDDEN") == 1


async def test_a_preflight_of_another_site_is_refused_before_credentials_are_asked_for(tmp_path: Path) -> None:
    headers = {"origin": "https://other.example", "access-control-request-method": "POST"}
    with logs_as("info") as stream:
        async with callers(tmp_path) as running:
            answer = await running.gateway.client.options("/graphql", headers=headers)
    assert answer.status_code == 403
    assert [line["event"] for line in events(stream) if line["event"] in ("audit", "request refused")] == [
        "request refused"
    ]


async def test_a_document_that_is_refused_has_no_hash() -> None:
    (line,) = await lines_of("{ nothing }")
    assert (line["document"], line["codes"]) == (None, ["GRAPHQL_VALIDATION_FAILED"])


async def test_a_trusted_document_is_known_by_the_hash_of_its_text_and_not_by_its_id(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"an-id": CARD}))
    with logs_as("info") as stream:
        async with gateway(KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE="enforce") as running:
            await running.client.post("/graphql", json={"documentId": "an-id", "variables": {"n": CARD_NO}})
    (line,) = lines(stream, "request")
    assert sha256(CARD) == line["document"]


async def test_no_line_holds_the_document() -> None:
    with logs_as("debug") as stream:
        async with gateway() as running:
            await running.query(CARD, {"n": CARD_NO})
    assert "{ balance" not in stream.getvalue()


@pytest.mark.parametrize("field", ["document", "sha256"])
def test_a_hash_is_written_as_it_is_and_anything_else_of_its_name_is_not(field: str) -> None:
    digits = f"{CARD_NO}{'a' * 48}"
    with logs_as() as stream:
        log().info("x", **{field: digits})
        log().info("x", other=digits)
        log().info("x", **{field: digits[:-1]})
        log().info("x", **{field: CARD_NO})
    written, *others = events(stream)
    assert digits == written[field]
    for line in others:
        assert CARD_NO not in json.dumps(line)


@jumping
async def test_a_field_that_is_given_up_at_the_deadline_is_told_apart_from_an_upstream_that_is_slow() -> None:
    with logs_as("info") as stream:
        async with gateway(Blocking(), KONAGRAPH_REQUEST_TIMEOUT=0.05) as running:
            await running.query(CARD, {"n": CARD_NO})
        async with gateway(Blocking(), GuardRules(RetryRules(attempts=1)), KONAPLATE_TIMEOUT=0.05) as running:
            await running.query(CARD, {"n": CARD_NO})
    ours, theirs = lines(stream, "request")
    assert [ours["codes"], theirs["codes"]] == [["UPSTREAM_TIMEOUT"]] * 2
    assert [ours["deadline_hits"], theirs["deadline_hits"]] == [1, 0]


async def test_each_attempt_is_a_line_with_its_number_and_its_cause() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with logs_as("info") as stream:
        async with gateway(httpx.MockTransport(refuse)) as running:
            await running.query(CARD, {"n": CARD_NO})
    assert [(line["attempt"], line["cause"]) for line in lines(stream, "upstream call")] == [
        (1, "not_connected"),
        (2, "not_connected"),
    ]


@pytest.mark.parametrize(("state", "level"), [("open", "warning"), ("half_open", "warning"), ("closed", "info")])
def test_a_change_of_a_breaker_is_a_line(state: str, level: str) -> None:
    with logs_as() as stream:
        Reports().upstream.breaker_changed("/api/v1/user/info", state)
    (line,) = lines(stream, "breaker changed")
    assert (level, "/api/v1/user/info", state) == (line["level"], line["api"], line["state"])


async def test_a_breaker_that_opens_is_a_line() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with logs_as() as stream:
        transport = httpx.MockTransport(refuse)
        async with gateway(
            transport, GuardRules(RetryRules(attempts=1), BreakerRules(minimum_calls=1))
        ) as running:
            for _ in range(3):
                await running.query(CARD, {"n": CARD_NO})
    assert [line["state"] for line in lines(stream, "breaker changed")] == ["open"]


async def test_refusals_for_want_of_room_are_one_line_and_each_is_counted() -> None:
    transport = Blocking()
    with logs_as("info") as stream:
        async with gateway(transport, KONAGRAPH_MAX_REQUESTS=1) as running:
            asking = asyncio.create_task(running.query(CARD, {"n": CARD_NO}))
            await transport.arrived.wait()
            refused = [await running.post(CARD, {"n": CARD_NO}) for _ in range(5)]
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            text = running.metrics.render().decode()
    assert [answer.status_code for answer in refused] == [503] * 5
    # The second line at the end, as no second has passed.
    assert [line["refused"] for line in lines(stream, "overloaded")] == [1, 4]
    assert 'konagraph_errors_total{code="OVERLOADED"} 5.0' in text


def test_an_essay_of_a_name_is_cut() -> None:
    with logs_as() as stream:
        Reports().requests.on_request(RequestReport("r", "POST", operation="a" * 15_000))
    assert lines(stream, "request")[0]["operation"] == "a" * 100


def test_the_cause_of_a_failed_call_is_a_word() -> None:
    details = CallDetails("221108120814-0123456", None, None)
    with logs_as() as stream:
        Reports().upstream.on_call(CallReport("/api", "TimedOutError", details, 1, None, (), 2, Cause.TOO_SLOW))
    (line,) = events(stream)
    assert (line["cause"], line["attempt"], line["level"]) == ("too_slow", 2, "warning")
