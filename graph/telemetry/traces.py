"""Traces: one span for each request, and one below it for each call to Konaplate.

Spans are made from the same reports as logs and metrics. So no lower layer knows of OpenTelemetry, and spans hold
only what is named here: no document, variable, header, body or exception message. Names follow OpenTelemetry's
semantic conventions where they exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import httpx
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import (
    SpanKind,
    StatusCode,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from graph import __version__
from graph.redact import holds_card_number
from graph.telemetry.metrics import FAULTS, VendorCodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.util.types import AttributeValue
    from starlette.types import ASGIApp, Receive, Scope, Send

    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint

TRACES_PATH: Final = "/v1/traces"
_EXPORT_SECONDS: Final = 2.0
_FLUSH_SECONDS: Final = 2.0
_SECOND: Final = 1_000_000_000
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
_ATTRIBUTES: Final = 32
_LENGTH: Final = 256
_LIMITS: Final = SpanLimits(
    max_attributes=_ATTRIBUTES,
    max_span_attributes=_ATTRIBUTES,
    max_events=0,
    max_event_attributes=0,
    max_links=0,
    max_link_attributes=0,
    max_attribute_length=_LENGTH,
    max_span_attribute_length=_LENGTH,
)
# OpenTelemetry logs a line about each longer header.
_MAX_HEADER_LENGTH: Final = 512
_PROPAGATOR: Final = TraceContextTextMapPropagator()
# The context with the request's span. OpenTelemetry's own context variable depends on the environment.
_REQUEST: Final[ContextVar[Context]] = ContextVar("request")


class Traces:
    """Makes spans.

    Args:
        processor: receives the spans; closed with this object.
        endpoints: the APIs of Konaplate.
    """

    def __init__(self, processor: SpanProcessor, endpoints: Iterable[Endpoint[Any, Any]]) -> None:
        self._processor = processor
        self._codes = VendorCodes(endpoints)
        resource = {
            "service.name": "konagraph",
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
        }
        # All arguments are given, so that no environment variable applies.
        provider = TracerProvider(
            # Every trace, unless the caller asks for none. The collector samples better: it sees how a trace ends.
            sampler=DEFAULT_ON,
            resource=Resource(resource),
            shutdown_on_exit=False,
            span_limits=_LIMITS,
            meter_provider=NoOpMeterProvider(),
        )
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("konagraph")

    def traced(self, app: ASGIApp) -> ASGIApp:
        """Wrap the app with a span for each request that it reports."""

        async def with_span(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            # The span of a request that is not reported, so not GraphQL, never ends and is never exported.
            span = self._tracer.start_span("graphql", parent_of(scope["headers"]), SpanKind.SERVER)
            token = _REQUEST.set(set_span_in_context(span, Context()))
            try:
                await app(scope, receive, send)
            finally:
                _REQUEST.reset(token)

        return with_span

    def on_request(self, report: RequestReport) -> None:
        """The current request was answered."""
        context = _REQUEST.get(None)
        if context is None:
            return
        span = get_current_span(context)
        if report.operation_type:
            span.update_name(f"graphql {report.operation_type}")
        span.set_attributes(_request_attributes(report))
        if not FAULTS.isdisjoint(report.codes):
            span.set_status(StatusCode.ERROR)
        span.end()

    def on_call(self, report: CallReport) -> None:
        """A call is over. Its span belongs to the request that started it, even if others share the call."""
        context = _REQUEST.get(None)
        if context is None:
            return
        ended = time.time_ns()
        started = ended - round(report.seconds * _SECOND)
        span = self._tracer.start_span(
            f"konaplate {report.api}",
            context,
            SpanKind.CLIENT,
            _call_attributes(report, self._codes),
            start_time=started,
        )
        if report.outcome != "ok":
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    async def aclose(self) -> None:
        """Export what is left, with a timeout: a hanging collector must not block the shutdown."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self._processor.shutdown()
            # The loop may have been closed meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=close, name="traces", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await done.wait()


def _request_attributes(report: RequestReport) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue | None] = {
        # A method can be any word.
        "http.request.method": report.method if report.method in _METHODS else "_OTHER",
        "http.response.status_code": report.status,
        "graphql.operation.type": report.operation_type,
        "graphql.operation.name": report.operation,
        "graphql.document.sha256": report.document,
        "konagraph.clients": report.clients or None,
        "konagraph.request_id": report.request_id,
        "konagraph.viewer.kind": report.viewer,
        "konagraph.codes": tuple(report.codes) or None,
        "konagraph.upstream_calls": report.upstream_calls,
        "konagraph.saved_calls": report.saved_calls,
        "konagraph.deadline_hits": report.deadline_hits or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _call_attributes(report: CallReport, codes: VendorCodes) -> dict[str, AttributeValue]:
    details = report.details
    attributes: dict[str, AttributeValue | None] = {
        "http.request.method": "POST",
        "http.response.status_code": details.status,
        "http.request.resend_count": report.attempt - 1 or None,
        "url.path": report.api,
        "error.type": None if report.outcome == "ok" else report.outcome,
        "konaplate.cause": None if report.cause is None else report.cause.value,
        "konaplate.code": None if details.code is None else codes.label(details.code),
        "konaplate.correlation_id": details.correlation_id,
        "konaplate.echo": report.echo,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> Context:
    """The trace context of a request's `traceparent`; empty without one.

    `tracestate` and `baggage` are ignored: both are the caller's free text and would be exported.
    """
    given = [value.decode("latin-1") for name, value in headers if name == b"traceparent"]
    # The specification requires exactly one.
    if len(given) != 1 or len(given[0]) > _MAX_HEADER_LENGTH or given[0] != given[0].strip():
        return Context()
    context = _PROPAGATOR.extract({"traceparent": given[0]}, Context())
    found = get_current_span(context).get_span_context()
    if holds_card_number(format_trace_id(found.trace_id)) or holds_card_number(format_span_id(found.span_id)):
        # One random id in sixty looks like a card number; it starts a new trace here.
        return Context()
    return context


def batch_processor(exporter: SpanExporter) -> SpanProcessor:
    """Exports spans in a thread; if the exporter is too slow, the oldest spans are dropped."""
    return BatchSpanProcessor(
        exporter,
        max_queue_size=2_048,
        schedule_delay_millis=2_000,
        max_export_batch_size=512,
        export_timeout_millis=_FLUSH_SECONDS * 1000,
        meter_provider=NoOpMeterProvider(),
    )


def simple_processor(exporter: SpanExporter) -> SpanProcessor:
    """Exports each span as soon as it ends."""
    return SimpleSpanProcessor(exporter, meter_provider=NoOpMeterProvider())


class OtlpExporter(SpanExporter):
    """Exports spans to a collector by OTLP over HTTP, as protobuf; a batch that it does not accept is lost.

    OpenTelemetry's own exporter reads a dozen environment variables, proxies and .netrc files, and retries for a
    minute. This one makes one attempt, within its timeouts, to one address.

    Args:
        endpoint: the collector's base address, such as `http://collector:4318`.
        on_failure: called for each lost batch, in the exporting thread.
        timeout: seconds for connecting, and between two parts of a response.

    Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
    """

    def __init__(self, endpoint: str, on_failure: Callable[[], None], *, timeout: float = _EXPORT_SECONDS) -> None:
        self._url = endpoint.rstrip("/") + TRACES_PATH
        self._on_failure = on_failure
        self._client = httpx.Client(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            headers={"content-type": "application/x-protobuf", "accept-encoding": "identity"},
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch."""
        try:
            content = encode_spans(spans).SerializeToString()
            # The response's body does not matter, so it is not read.
            with self._client.stream("POST", self._url, content=content) as response:
                accepted = response.status_code == httpx.codes.OK
        except (httpx.HTTPError, OSError, RuntimeError):
            # RuntimeError: the client was closed meanwhile.
            accepted = False
        if not accepted:
            self._on_failure()
        return SpanExportResult.SUCCESS if accepted else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connections."""
        self._client.close()
