"""Traces: one span for each request, and one below it for each call to Konaplate.

Spans are made when the request is over, from the same reports that logs and metrics get. So no layer below knows
of OpenTelemetry, and nothing gets into a span that is not named in `span_attributes`: no document, no variable, no
header, no body, no message of an exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from graph import __version__
from graph.telemetry.span_attributes import call_attributes, failed, request_attributes
from graph.telemetry.trace_context import parent_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter
    from starlette.types import ASGIApp, Receive, Scope, Send

    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport

_FLUSH_SECONDS: Final = 2.0
_ATTRIBUTES: Final = 32
_LENGTH: Final = 256
_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class _Trace:
    """One request's part of a trace."""

    parent: Context
    started: int
    report: RequestReport | None = None
    calls: list[tuple[CallReport, int]] = field(default_factory=list)
    """The calls that are over, with the moment of their end."""
    below: Context | None = None
    """Where further calls belong once the request's own span is made."""


_CURRENT: Final[ContextVar[_Trace]] = ContextVar("trace")


class Traces:
    """Makes spans.

    Args:
        processor: takes them; closed with this object.
        sample: which share of the traces to keep. A caller's wish not to trace is respected; the wish to trace
            counts no more than chance, because anybody can have it.
    """

    def __init__(self, processor: SpanProcessor, *, sample: float = 1.0) -> None:
        self._processor = processor
        by_chance = TraceIdRatioBased(sample)
        provider = TracerProvider(
            # Everything is given, so that no environment variable decides it.
            sampler=ParentBased(
                by_chance,
                remote_parent_sampled=by_chance,
                remote_parent_not_sampled=ALWAYS_OFF,
            ),
            resource=Resource(
                {
                    "service.name": "konagraph",
                    "service.version": __version__,
                    "service.instance.id": str(uuid.uuid4()),
                }
            ),
            shutdown_on_exit=False,
            span_limits=SpanLimits(
                max_attributes=_ATTRIBUTES,
                max_span_attributes=_ATTRIBUTES,
                max_events=0,
                max_event_attributes=0,
                max_links=0,
                max_link_attributes=0,
                max_attribute_length=_LENGTH,
                max_span_attribute_length=_LENGTH,
            ),
            meter_provider=NoOpMeterProvider(),
        )
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("konagraph")

    def on_request(self, report: RequestReport) -> None:
        """The current request was answered."""
        trace = _CURRENT.get(None)
        if trace is not None:
            trace.report = report

    def on_call(self, report: CallReport) -> None:
        """A call is over. It belongs to the request that started it, even where others wait for it, too."""
        trace = _CURRENT.get(None)
        if trace is None:
            return
        ended = time.time_ns()
        if trace.below is None:
            trace.calls.append((report, ended))
        else:
            self._call(report, ended, trace.below)

    def traced(self, app: ASGIApp) -> ASGIApp:
        """The app, with a span for each request that it reports."""

        async def with_trace(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            trace = _Trace(parent_of(scope["headers"]), time.time_ns())
            token = _CURRENT.set(trace)
            try:
                await app(scope, receive, send)
            finally:
                _CURRENT.reset(token)
                self._finish(trace)

        return with_trace

    async def aclose(self) -> None:
        """Send what is left, for a while: a collector that hangs must not keep the gateway from ending."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self._processor.shutdown()
            # The loop may have ended while this waited.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=close, name="traces", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await done.wait()

    def _finish(self, trace: _Trace) -> None:
        report = trace.report
        if report is None:
            # No GraphQL request: a file of a page, a health check.
            return
        span = self._tracer.start_span(
            f"graphql {report.operation_type}" if report.operation_type else "graphql",
            trace.parent,
            SpanKind.SERVER,
            request_attributes(report),
            start_time=trace.started,
        )
        trace.below = set_span_in_context(span, Context())
        if failed(report):
            span.set_status(StatusCode.ERROR)
        for call, ended in trace.calls:
            self._call(call, ended, trace.below)
        trace.calls.clear()
        span.end(time.time_ns())

    def _call(self, report: CallReport, ended: int, below: Context) -> None:
        started = ended - round(report.seconds * _SECOND)
        span = self._tracer.start_span(
            f"konaplate {report.api}", below, SpanKind.CLIENT, call_attributes(report), start_time=started
        )
        if report.outcome != "ok":
            span.set_status(StatusCode.ERROR)
        span.end(ended)


def in_batches(exporter: SpanExporter, *, delay_ms: int = 2_000) -> SpanProcessor:
    """Hands spans to an exporter in a thread of its own; when it is too slow, the oldest spans are dropped."""
    return BatchSpanProcessor(
        exporter,
        max_queue_size=2_048,
        schedule_delay_millis=delay_ms,
        max_export_batch_size=512,
        export_timeout_millis=_FLUSH_SECONDS * 1000,
        meter_provider=NoOpMeterProvider(),
    )


def at_once(exporter: SpanExporter) -> SpanProcessor:
    """Hands each span to an exporter as soon as it ends."""
    return SimpleSpanProcessor(exporter, meter_provider=NoOpMeterProvider())
