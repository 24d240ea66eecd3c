"""Traces: the spans of a request, their parents and attributes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.support import Blocking, Recorder, sandbox_transport, traced_gateway
from tests.telemetry.scrape import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.support import Gateway

CARD_NO = "9491339400000013"
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
PROFILE = "query Profile($n: CardNumber!) { card(cardNo: $n) { member { profile { userName } } } }"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no", request=request)


async def spans_of(
    query: str,
    transport: httpx.AsyncBaseTransport | None = None,
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """The span of a request, and those of its calls."""
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter, transport, **settings) as running:
        await running.post(query, {"n": CARD_NO}, **(headers or {}))
    return split(exporter.get_finished_spans())


def split(spans: Sequence[ReadableSpan]) -> tuple[ReadableSpan, list[ReadableSpan]]:
    (server,) = [span for span in spans if span.kind is SpanKind.SERVER]
    return server, [span for span in spans if span.kind is SpanKind.CLIENT]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_is_a_span_that_says_what_was_asked_without_the_document() -> None:
    server, _ = await spans_of(CARD, headers={"x-request-id": "an-id-of-a-test"})
    assert server.name == "query"
    found = attributes(server)
    assert len(found.pop("graphql.document.hash")) == 64
    assert found == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/graphql",
        "network.protocol.version": "1.1",
        "server.address": "gateway",
        "url.path": "/graphql",
        "url.scheme": "http",
        "graphql.operation.type": "query",
        "graphql.operation.name": "Card",
        "konagraph.request_id": "an-id-of-a-test",
        "konagraph.viewer.kind": "service",
        "konagraph.upstream_calls": 1,
        "konagraph.saved_calls": 0,
    }
    assert StatusCode.UNSET is server.status.status_code


async def test_each_call_is_a_span_below_the_requests() -> None:
    server, calls = await spans_of(PROFILE)
    assert [span.name for span in calls] == ["POST card_info", "POST user_info"]
    assert server.context is not None
    paths = ("/api/v1/user/card/info", "/api/v1/user/info")
    for span, path in zip(calls, paths, strict=True):
        assert span.parent is not None
        assert span.context is not None
        assert (server.context.span_id, server.context.trace_id) == (span.parent.span_id, span.context.trace_id)
        found = attributes(span)
        assert len(found.pop("konaplate.correlation_id")) == 20
        assert found == {
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "server.address": "sandbox",
            "server.port": 80,
            "url.full": f"http://sandbox/open-api{path}",
            "konaplate.code": "000_000",
            "konaplate.echo": "same",
        }


async def test_the_query_string_of_a_request_is_in_no_span() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        await running.client.get("/graphql", params={"query": "query Q { __typename }", "other": "a-word"})
    (server,) = exporter.get_finished_spans()
    assert (server.name, attributes(server)["http.request.method"]) == ("query", "GET")
    assert attributes(server)["url.path"] == "/graphql"
    assert "a-word" not in server.to_json()


async def test_the_schemas_file_has_a_route_of_its_own() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        await running.client.get("/graphql/schema.graphql")
    (server,) = exporter.get_finished_spans()
    assert attributes(server)["http.route"] == "/graphql/schema.graphql"


async def test_a_call_that_its_client_gave_up_is_no_error() -> None:
    waits = {"x-request-timeout-ms": "100"}
    _, (call,) = await spans_of(CARD, Blocking(), headers=waits)
    assert attributes(call)["konaplate.cancelled"] is True
    assert {"error.type", "http.response.status_code"}.isdisjoint(attributes(call))
    assert StatusCode.UNSET is call.status.status_code


async def test_a_call_lies_within_its_request_in_time() -> None:
    server, calls = await spans_of(PROFILE)
    first, second = calls
    moments = [moment for call in (first, second) for moment in (call.start_time, call.end_time)]
    whole = [server.start_time, *moments, server.end_time]
    assert sorted(moment or 0 for moment in whole) == whole


async def test_each_attempt_is_a_span() -> None:
    _, calls = await spans_of(CARD, httpx.MockTransport(refuse))
    assert [
        (attributes(span).get("http.request.resend_count"), attributes(span)["konaplate.cause"]) for span in calls
    ] == [(None, "not_connected"), (1, "not_connected")]
    for span in calls:
        assert attributes(span)["error.type"] == "UnavailableError"
        assert StatusCode.ERROR is span.status.status_code
        # A failure has no message, which could contain anything.
        assert None is span.status.description
        assert tuple(span.events) == ()


async def test_a_request_that_fails_through_no_fault_of_its_caller_is_an_error() -> None:
    server, _ = await spans_of(CARD, httpx.MockTransport(refuse))
    assert attributes(server)["konagraph.codes"] == ("UPSTREAM_UNAVAILABLE",)
    assert attributes(server)["error.type"] == "UPSTREAM_UNAVAILABLE"
    assert StatusCode.ERROR is server.status.status_code


async def test_a_request_that_its_caller_got_wrong_is_no_error() -> None:
    server, calls = await spans_of("{ nothing }")
    assert (server.name, calls) == ("GraphQL Operation", [])
    assert attributes(server)["konagraph.codes"] == ("GRAPHQL_VALIDATION_FAILED",)
    assert "error.type" not in attributes(server)
    assert StatusCode.UNSET is server.status.status_code


async def test_a_document_that_could_hold_a_card_number_has_no_hash() -> None:
    server, _ = await spans_of(f'query Inline {{ card(cardNo: "{CARD_NO}") {{ balance }} }} # a comment')
    assert attributes(server)["graphql.operation.name"] == "Inline"
    assert "graphql.document.hash" not in attributes(server)


async def test_a_request_belongs_to_the_trace_of_its_caller() -> None:
    server, (call,) = await spans_of(CARD, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert server.parent is not None
    assert (f"{server.parent.trace_id:032x}", f"{server.parent.span_id:016x}") == (TRACE, PARENT)
    for span in (server, call):
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == TRACE


async def test_other_trace_headers_of_a_caller_are_ignored() -> None:
    headers = {
        "traceparent": f"00-{TRACE}-{PARENT}-01",
        "tracestate": f"vendor={CARD_NO}",
        "baggage": f"card={CARD_NO}",
        "user-agent": CARD_NO,
    }
    server, calls = await spans_of(CARD, headers=headers)
    for span in (server, *calls):
        assert CARD_NO not in span.to_json()
        assert span.context is not None
        assert dict(span.context.trace_state) == {}


async def test_the_upstream_is_not_told_of_the_trace() -> None:
    seen: list[str] = []

    class Watched(Recorder):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.extend(name.lower() for name in request.headers)
            return await super().handle_async_request(request)

    await spans_of(CARD, Watched(sandbox_transport()), headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert "content-type" in seen
    assert {"traceparent", "tracestate", "baggage"}.isdisjoint(seen)


async def test_a_caller_who_wants_no_trace_gets_none() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        await running.post(CARD, {"n": CARD_NO}, traceparent=f"00-{TRACE}-{PARENT}-00")
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize("headers", [{}, {"traceparent": f"00-{TRACE}-{PARENT}-01"}], ids=["none", "wanted"])
async def test_everybody_else_gets_one(headers: dict[str, str]) -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        await running.post(CARD, {"n": CARD_NO}, **headers)
    assert len(exporter.get_finished_spans()) == 2


async def test_requests_that_are_not_graphql_have_no_span() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        for path in ("/livez", "/nothing", f"/{CARD_NO}"):
            await running.client.get(path)
    assert exporter.get_finished_spans() == ()


async def test_an_odd_method_is_not_repeated() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        await running.client.request(CARD_NO, "/graphql")
    (span,) = exporter.get_finished_spans()
    assert attributes(span)["http.request.method"] == "_OTHER"


async def test_calls_of_requests_at_the_same_time_do_not_get_mixed_up() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        await asyncio.gather(*(ask(running, number) for number in (CARD_NO, "9491339400000047")))
    spans = exporter.get_finished_spans()
    servers = {span.context.span_id for span in spans if span.kind is SpanKind.SERVER and span.context}
    parents = {span.parent.span_id for span in spans if span.kind is SpanKind.CLIENT and span.parent}
    assert len(servers) == 2
    assert servers == parents


async def ask(running: Gateway, number: str) -> None:
    await running.post(CARD, {"n": number})


async def test_a_call_that_goes_on_after_its_request_is_a_span_below_it_all_the_same() -> None:
    """The first of two requests starts the call and times out; the second still waits for it."""
    exporter = InMemorySpanExporter()
    transport = Blocking()
    async with traced_gateway(exporter, transport, GuardRules(RetryRules(attempts=1))) as running:
        waits = [{"x-request-timeout-ms": milliseconds} for milliseconds in ("100", "200")]
        await asyncio.gather(*(running.post(CARD, {"n": CARD_NO}, **wait) for wait in waits))
        assert value(running.metrics, "single_flight_saves_total", api="/api/v1/user/card/info") == 1
    spans = exporter.get_finished_spans()
    (call,) = [span for span in spans if span.kind is SpanKind.CLIENT]
    one, _ = [span for span in spans if span.kind is SpanKind.SERVER]
    assert spans.index(call) > spans.index(one)
    assert call.parent is not None
    assert one.context is not None
    assert one.context.span_id == call.parent.span_id
