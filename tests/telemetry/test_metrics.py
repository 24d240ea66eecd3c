"""The metrics of a gateway, as Prometheus sees them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, get_args

import httpx
import pytest

from graph.konaplate.protocol import Echo
from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.faults.jumping_clock import jumping
from tests.security.callers import ANY_CARD, NOT_ISSUED, OTHERS, OWN, OWNER, Caller, callers
from tests.support import Blocking, gateway
from tests.telemetry.capture import events, logs_as
from tests.telemetry.scrape import operations, scrape, total, value

if TYPE_CHECKING:
    from pathlib import Path

    from graph.telemetry.metrics import Metrics

CARD_INFO = "/api/v1/user/card/info"
USER_INFO = "/api/v1/user/info"
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
UNKNOWN_CARD = "9491339470000000"


def requests(metrics: Metrics, error: str = "") -> float:
    name = "http_server_request_duration_seconds_count"
    return total(metrics, name, graphql_operation_name="Card", error_type=error)


def calls(metrics: Metrics, error: str = "", code: str = "000_000") -> float:
    return total(metrics, "http_client_request_duration_seconds_count", api=CARD_INFO, error_type=error, code=code)


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no", request=request)


async def test_an_answered_request_is_counted_with_its_call() -> None:
    async with gateway() as running:
        await running.query(CARD, {"n": OWN})
        metrics = running.metrics
    assert requests(metrics) == 1
    assert value(metrics, "responses_total", status="200", viewer="service") == 1
    assert calls(metrics) == 1
    echoes = {echo: value(metrics, "upstream_echoes_total", echo=echo) for echo in get_args(Echo)}
    assert {echo: int(echo == "same") for echo in get_args(Echo)} == echoes
    assert sum(figure for (name, _), figure in scrape(metrics).items() if name == "konagraph_errors_total") == 0


async def test_the_duration_of_a_request_is_longer_than_that_of_its_call() -> None:
    async with gateway() as running:
        await running.query(CARD, {"n": OWN})
        whole = total(running.metrics, "http_server_request_duration_seconds_sum", graphql_operation_name="Card")
        call = total(running.metrics, "http_client_request_duration_seconds_sum", api=CARD_INFO)
    assert 0 < call < whole


async def test_every_error_of_an_answer_is_counted_and_the_request_once() -> None:
    query = (
        "query Card($n: CardNumber!, $m: CardNumber!)"
        " { a: card(cardNo: $n) { balance } b: card(cardNo: $m) { balance } }"
    )
    async with gateway() as running:
        await running.query(CARD, {"n": OWN})
        await running.query(query, {"n": UNKNOWN_CARD, "m": NOT_ISSUED[0]})
        metrics = running.metrics
    # Neither is an error of the gateway or of Konaplate.
    assert requests(metrics) == 2
    assert value(metrics, "errors_total", code="CARD_NOT_FOUND") == 2


async def test_look_ups_that_share_a_call_of_their_request_are_counted() -> None:
    aliases = " ".join(f"c{index}: card(cardNo: $n) {{ balance }}" for index in range(5))
    async with gateway() as running:
        await running.query(f"query Card($n: CardNumber!) {{ {aliases} }}", {"n": OWN})
        metrics = running.metrics
    assert value(metrics, "request_calls_saved_total") == 4
    assert calls(metrics) == 1


async def test_a_call_without_an_answer_is_counted_by_its_cause() -> None:
    async with gateway(httpx.MockTransport(refuse), GuardRules(RetryRules(attempts=1))) as running:
        await running.query(CARD, {"n": OWN})
        metrics = running.metrics
    assert calls(metrics, "UnavailableError", "none") == 1
    assert value(metrics, "upstream_failures_total", api=CARD_INFO, cause="not_connected") == 1
    assert requests(metrics, "UPSTREAM_UNAVAILABLE") == 1


async def test_a_call_that_is_tried_again_is_counted_as_two_and_as_a_retry() -> None:
    async with gateway(httpx.MockTransport(refuse)) as running:
        await running.query(CARD, {"n": OWN})
        metrics = running.metrics
    assert calls(metrics, "UnavailableError", "none") == 2
    assert value(metrics, "retries_total", api=CARD_INFO, cause="not_connected") == 1


async def test_a_breaker_that_opens_is_seen() -> None:
    transport = httpx.MockTransport(refuse)
    async with gateway(transport, GuardRules(RetryRules(attempts=1), BreakerRules(minimum_calls=1))) as running:
        assert value(running.metrics, "breaker_state", api=CARD_INFO, state="closed") == 1
        for _ in range(3):
            await running.query(CARD, {"n": OWN})
        metrics = running.metrics
    states = {
        state: value(metrics, "breaker_state", api=CARD_INFO, state=state)
        for state in ("closed", "open", "half_open")
    }
    assert states == {"closed": 0, "open": 1, "half_open": 0}
    assert value(metrics, "breaker_state", api=USER_INFO, state="closed") == 1
    assert value(metrics, "breaker_changes_total", api=CARD_INFO, state="open") == 1


@jumping
async def test_a_request_whose_time_is_over_is_a_hit_of_its_deadline() -> None:
    async with gateway(Blocking(), KONAGRAPH_REQUEST_TIMEOUT=0.05) as running:
        await running.query(CARD, {"n": OWN})
        metrics = running.metrics
    assert value(metrics, "deadline_hits_total") == 1
    assert requests(metrics, "UPSTREAM_TIMEOUT") == 1


async def test_refusals_of_callers_are_counted_by_their_reasons(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1) as running:
        metrics = running.gateway.metrics
        await running.gateway.post(CARD, {"n": OWN})
        await running.gateway.post(CARD, {"n": OWN}, authorization="Bearer a.b")
        await running.ask(OWNER, CARD, {"n": OTHERS})
        await running.ask(OWNER, CARD, {"n": OWN})
    assert value(metrics, "unauthenticated_total", reason="there is no Authorization header") == 1
    assert value(metrics, "unauthenticated_total", reason="the token does not have three parts") == 1
    assert value(metrics, "refusals_total", code="CARD_NOT_FOUND") == 1
    assert {
        budget: value(metrics, "budget_refusals_total", budget=budget) for budget in ("requests", "cost", "cards")
    } == {"requests": 0, "cost": 0, "cards": 1}


@pytest.mark.parametrize(
    ("budget", "bounds"),
    [
        ("requests", {"KONAGRAPH_REQUEST_BURST": 12, "KONAGRAPH_REQUEST_RATE": 1}),
        ("cost", {"KONAGRAPH_COST_BURST": 12}),
    ],
)
async def test_a_spent_budget_is_counted_by_its_name(budget: str, bounds: dict[str, int], tmp_path: Path) -> None:
    async with callers(tmp_path, None, **bounds) as running:
        for _ in range(13):
            await running.ask(Caller("a", (ANY_CARD,)), CARD, {"n": OWN})
        refusals = value(running.gateway.metrics, "budget_refusals_total", budget=budget)
    assert refusals is not None
    assert refusals >= 1


async def test_reads_of_personal_data_are_counted() -> None:
    async with gateway() as running:
        query = "query ($n: CardNumber!) { card(cardNo: $n) { cashReceiptInfo { idNo } } }"
        await running.query(query, {"n": OWN})
        assert value(running.metrics, "personal_data_reads_total") == 1


async def test_the_document_cache_is_seen_as_it_is() -> None:
    async with gateway() as running:
        for query in (CARD, CARD, CARD, "{ __typename }", f'{{ card(cardNo: "{OWN}") {{ balance }} }}'):
            await running.query(query, {"n": OWN} if query is CARD else None)
        figures = [
            value(running.metrics, f"document_cache_{name}") for name in ("hits_total", "misses_total", "size")
        ]
    # Without its card number, a document is cached like any other.
    assert figures == [2, 3, 3]


async def test_how_operations_are_executed_is_counted() -> None:
    async with gateway() as running:
        for query in (CARD, CARD, "{ __schema { queryType { name } } }"):
            await running.query(query, {"n": OWN} if query is CARD else None)
        figures = [
            value(running.metrics, f"operations_{how}_total") for how in ("planned", "unplanned", "abandoned")
        ]
    assert figures == [2, 1, 0]


async def test_a_document_that_no_plan_takes_is_counted_and_logged_once() -> None:
    with logs_as("info") as stream:
        async with gateway() as running:
            for query in (CARD, *["query Schema { __schema { queryType { name } } }"] * 3):
                await running.query(query, {"n": OWN} if query is CARD else None)
            assert value(running.metrics, "unplanned_documents_total") == 1
    lines = [line for line in events(stream) if line["event"] == "operation without plan"]
    assert [(line["operation"], len(line["sha256"])) for line in lines] == [("Schema", 64)]


async def test_an_operation_in_flight_is_seen_while_it_is() -> None:
    transport = Blocking()
    async with gateway(transport, KONAGRAPH_MAX_REQUESTS=7) as running:
        assert [value(running.metrics, name) for name in ("requests_in_flight", "requests_in_flight_limit")] == [
            0,
            7,
        ]
        asking = asyncio.create_task(running.query(CARD, {"n": OWN}))
        await transport.arrived.wait()
        assert value(running.metrics, "requests_in_flight") == 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert value(running.metrics, "requests_in_flight") == 0


async def test_the_names_of_the_manifest_are_the_only_labels(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"id": "query Trusted { __typename }"}))
    async with gateway(KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE="log") as running:
        await running.client.post("/graphql", json={"documentId": "id"})
        await running.query("query Mine { __typename }")
        metrics = running.metrics
    assert operations(metrics) == {
        "Trusted",
        "other",
    }
    assert value(metrics, "untrusted_documents_total") == 1


async def test_the_state_of_the_keys_is_seen(tmp_path: Path) -> None:
    def states(metrics: Metrics) -> set[str]:
        return {
            dict(pairs)["state"]
            for (name, pairs), figure in scrape(metrics).items()
            if name == "konagraph_key_set_state" and figure == 1
        }

    async with gateway() as running:
        assert states(running.metrics) == {"none"}
    async with callers(tmp_path) as signed:
        assert states(signed.gateway.metrics) == {"loaded"}
