"""Span export: what arrives at the collector, and that a bad collector does not affect requests."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from graph.telemetry.otlp import OtlpExporter, batch_processor
from graph.telemetry.traces import Traces
from tests.support import gateway
from tests.telemetry.capture import events, logs_as
from tests.telemetry.collector import collector, dead_endpoint, silent_collector
from tests.telemetry.scrape import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

CARD_NO = "9491339400000013"
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def a_span() -> Sequence[ReadableSpan]:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("name")
    span.end()
    return [span]  # type: ignore[list-item]  # the SDK's own class of spans


async def test_remaining_spans_are_exported_when_the_gateway_ends() -> None:
    with collector() as found:
        async with gateway(KONAGRAPH_OTEL_ENDPOINT=found.endpoint) as running:
            await running.post(CARD, {"n": CARD_NO}, traceparent=f"00-{TRACE}-{PARENT}-01")
        ((path, headers, request),) = found.requests
    assert (path, headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
    resource = {one.key: one.value.string_value for one in request.resource_spans[0].resource.attributes}
    assert resource.keys() == {"service.name", "service.version", "service.instance.id"}
    assert resource["service.name"] == "konagraph"
    call, server = found.spans
    assert (server.name, server.kind) == ("query", Span.SPAN_KIND_SERVER)
    assert (bytes.fromhex(TRACE), bytes.fromhex(PARENT)) == (server.trace_id, server.parent_span_id)
    assert (call.name, call.kind) == ("POST card_info", Span.SPAN_KIND_CLIENT)
    assert (server.trace_id, server.span_id) == (call.trace_id, call.parent_span_id)
    assert {one.key: one.value.int_value for one in server.attributes}["http.response.status_code"] == 200
    assert CARD_NO.encode() not in request.SerializeToString()
    assert CARD.encode() not in request.SerializeToString()


async def test_a_failed_request_arrives_as_an_error_without_words() -> None:
    with collector() as found:
        async with gateway(KONAGRAPH_OTEL_ENDPOINT=found.endpoint, KONAPLATE_SECRET_KEY="wrong") as running:
            await running.post(CARD, {"n": CARD_NO})
        call, server = found.spans
    for span in (call, server):
        assert (span.status.code, span.status.message, len(span.events)) == (Status.STATUS_CODE_ERROR, "", 0)


@pytest.mark.slow
@pytest.mark.no_cover
async def test_spans_arrive_while_the_gateway_runs() -> None:
    with collector() as found:
        async with gateway(KONAGRAPH_OTEL_ENDPOINT=found.endpoint) as running:
            # A full batch is exported at once.
            for _ in range(256):
                await running.post(CARD, {"n": CARD_NO})
            assert await asyncio.to_thread(found.arrived.wait, 10)


def exported_to(endpoint: str, timeout: float = 0.1) -> tuple[SpanExportResult, int]:
    """The result of exporting one span, and the number of reported failures."""
    failures: list[None] = []
    exporter = OtlpExporter(endpoint, lambda: failures.append(None), timeout=timeout)
    try:
        return exporter.export(a_span()), len(failures)
    finally:
        exporter.shutdown()


@pytest.mark.parametrize("status", [301, 307, 400, 401, 429, 500, 503])
def test_a_batch_that_the_collector_refuses_is_lost_and_not_sent_again(status: int) -> None:
    with collector(status) as found:
        assert exported_to(found.endpoint) == (SpanExportResult.FAILURE, 1)
        assert len(found.requests) == 1


def test_a_batch_that_the_collector_takes_is_no_failure() -> None:
    with collector() as found:
        assert exported_to(f"{found.endpoint}/") == (SpanExportResult.SUCCESS, 0)
        assert [path for path, _, _ in found.requests] == ["/v1/traces"]


def test_a_batch_for_a_collector_that_is_not_there_is_lost() -> None:
    assert exported_to(dead_endpoint()) == (SpanExportResult.FAILURE, 1)


async def test_a_batch_for_a_collector_that_hangs_is_lost_when_its_time_is_over() -> None:
    with silent_collector() as (endpoint, came):
        exporting = asyncio.to_thread(exported_to, endpoint)
        assert await asyncio.wait_for(exporting, 10) == (SpanExportResult.FAILURE, 1)
        assert came.is_set()


def test_a_batch_after_the_end_is_lost() -> None:
    exporter = OtlpExporter(dead_endpoint(), lambda: None)
    exporter.shutdown()
    assert SpanExportResult.FAILURE is exporter.export(a_span())


async def test_requests_are_answered_although_there_is_no_collector() -> None:
    with logs_as() as stream:
        async with gateway(KONAGRAPH_OTEL_ENDPOINT=dead_endpoint()) as running:
            answers = [await running.post(CARD, {"n": CARD_NO}) for _ in range(5)]
        lost = value(running.metrics, "span_batches_lost_total")
    assert [answer.status_code for answer in answers] == [200] * 5
    assert lost == 1
    assert [line["event"] for line in events(stream) if "spans" in line["event"]] == [
        "spans are lost: the collector does not accept them"
    ]


@pytest.mark.slow
@pytest.mark.no_cover
async def test_a_collector_that_hangs_keeps_neither_a_request_nor_the_end_waiting() -> None:
    threads = set(threading.enumerate())
    with silent_collector() as (endpoint, came):
        async with gateway(KONAGRAPH_OTEL_ENDPOINT=endpoint) as running:
            for _ in range(300):
                assert (await running.post(CARD, {"n": CARD_NO})).status_code == 200
            assert await asyncio.to_thread(came.wait, 10)
            # It hangs now, but the loop and requests do not.
            assert (await running.post(CARD, {"n": CARD_NO})).status_code == 200
        # The process would wait for non-daemon threads. asyncio's own belong to this test.
        left = [thread for thread in set(threading.enumerate()) - threads if not thread.daemon]
        assert {"accept"} >= {thread.name.partition("_")[0] for thread in left} - {"asyncio"}


class Stuck(SpanExporter):
    """An exporter that hangs until it is released."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.busy, self.free = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += [span.name for span in spans]
        self.busy.set()
        self.free.wait(30)
        return SpanExportResult.SUCCESS


@pytest.mark.slow
async def test_an_exporter_that_hangs_does_not_keep_the_end_waiting() -> None:
    stuck = Stuck()
    processor = batch_processor(stuck)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("t").start_span("a").end()
    # OpenTelemetry's own shutdown would wait for half a minute.
    async with asyncio.timeout(10):
        await Traces(processor, (), "https://konaplate.invalid/open-api").aclose()
    assert stuck.busy.is_set()
    assert not stuck.free.is_set()
    stuck.free.set()


def test_while_the_exporter_hangs_the_newest_spans_are_kept_and_no_more_than_so_many() -> None:
    stuck = Stuck()
    processor = batch_processor(stuck)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    with logs_as("warning") as stream:
        for number in range(512):
            tracer.start_span(f"first {number}").end()
        assert stuck.busy.wait(10)
        for number in range(3_000):
            tracer.start_span(f"then {number}").end()
    stuck.free.set()
    processor.shutdown()
    first, then = stuck.taken[:512], stuck.taken[512:]
    assert [f"first {number}" for number in range(512)] == first
    assert [f"then {number}" for number in range(3_000 - 2_048, 3_000)] == then
    # Logged once per twenty seconds of wall clock, not for each span; a new interval may begin in between.
    said = [line["event"] for line in events(stream)]
    assert ["Queue full, dropping Span."] * len(said) == said
    assert len(said) in (1, 2)
