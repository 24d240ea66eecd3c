"""What operators see, in one place: every hook of the lower layers fans out here to logs, metrics and traces."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.middleware import Middleware

from graph.config.settings import Settings, SettingsError
from graph.security.sampling import RefusalSampler
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import process_log
from graph.telemetry.metrics import Metrics
from graph.telemetry.request_log import RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

    from graph.graphql.executor import Executions
    from graph.graphql.persisted import DocumentResolver, UntrustedDocument
    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport
    from graph.resilience.admission import Admission
    from graph.security.audit import AuditEvent
    from graph.security.card_refs import CardRefs
    from graph.telemetry.traces import Traces
    from graph.wiring.security import Protection

_EXECUTIONS: Final = {
    "planned": "Operations executed by a compiled plan.",
    "unplanned": "Operations executed on graphql-core, because there was no plan for them.",
    "abandoned": "Operations executed on graphql-core after a plan that was not finished.",
}


class Signals:
    """The hooks. It is a `GuardObserver`, too.

    Args:
        log: writes a line for each request, call and event.
        audit: writes the audit log.
        metrics: counts.
        traces: makes spans; None where nobody collects them.
    """

    def __init__(self, log: RequestLog, audit: AuditLog, metrics: Metrics, traces: Traces | None) -> None:
        self.metrics = metrics
        self._log = log
        self._audit = audit
        self._traces = traces
        self._sampler = RefusalSampler(time.monotonic)
        # What goes to one place only needs no step in between.
        self.joined = metrics.upstream.joined
        self.retried = metrics.upstream.retried
        self.retry_refused = metrics.upstream.retry_refused
        self.limit_changed = metrics.upstream.limit_changed
        self.shed = metrics.upstream.shed
        self.on_unplanned = log.on_unplanned

    def middleware(self) -> list[Middleware]:
        """What has to be around the application."""
        traces = self._traces
        return [] if traces is None else [Middleware(traces.traced)]

    def watch(
        self, documents: DocumentResolver, counts: Executions, protection: Protection, admission: Admission
    ) -> None:
        """Show figures that are kept elsewhere."""
        metrics, cache = self.metrics, documents.cache
        metrics.requests.trust(documents.trusted.operation_names)
        metrics.watch("document_cache_hits", "Documents found in the cache.", lambda: cache.hits, counter=True)
        metrics.watch("document_cache_misses", "Documents read anew.", lambda: cache.misses, counter=True)
        metrics.watch("document_cache_size", "Documents in the cache.", lambda: len(cache))
        for how, text in _EXECUTIONS.items():
            metrics.watch(f"operations_{how}", text, partial(getattr, counts, how), counter=True)
        metrics.watch("requests_in_flight", "Operations that are being executed.", lambda: admission.running)
        metrics.watch("requests_in_flight_limit", "How many operations may be.", lambda: admission.limit)
        metrics.watch("tasks", "Tasks of the event loop.", _tasks)
        metrics.watch("audit_available", "1 while the audit log can be written.", lambda: float(self.available))
        metrics.watch(
            "audit_unwritten",
            "Audit events that could not be written; personal data was not given out for them.",
            lambda: self._audit.unwritten,
            counter=True,
        )
        metrics.watch("log_lines_lost", "Lines of the log that nobody took in time.", _lost_lines, counter=True)
        metrics.protection.watch_keys(protection.key_state)

    def on_request(self, report: RequestReport) -> None:
        """A request was answered."""
        if report.at_capacity:
            self._log.on_refused()
            self.metrics.requests.on_request(report)
            return
        self._log.on_request(report)
        self.metrics.requests.on_request(report)
        if self._traces is not None:
            self._traces.on_request(report)

    def on_call(self, report: CallReport) -> None:
        """An attempt at the upstream is over."""
        self._log.on_call(report)
        self.metrics.upstream.on_call(report)
        if self._traces is not None:
            self._traces.on_call(report)

    @property
    def available(self) -> bool:
        """Whether the audit log can be written."""
        return self._audit.available

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Put events into the audit log, if that can be done."""
        written = self._audit.record(events)
        if written:
            for event in events:
                self.metrics.protection.on_event(event)
        return written

    def on_event(self, event: AuditEvent) -> None:
        """A caller was refused before anything was executed."""
        if event.viewer_id is None:
            # Nobody knows who that is, and anybody can send as many requests as the network carries.
            left_out = self._sampler.admit(event.address)
            if left_out is None:
                self.metrics.protection.on_event(event)
                return
            event = event._replace(left_out=left_out)
        self.record((event,))

    def reopen_files(self) -> None:
        """Go on in the files that have the names now."""
        self._audit.reopen()
        self._sampler.forget()

    def breaker_changed(self, api: str, state: str) -> None:
        """A breaker is in another state."""
        self._log.on_breaker(api, state)
        self.metrics.upstream.breaker_changed(api, state)

    def on_untrusted_document(self, document: UntrustedDocument) -> None:
        """A document ran although it is not in the manifest."""
        self._log.on_untrusted_document(document)
        self.metrics.requests.on_untrusted_document()

    def on_key_failure(self, reason: str) -> None:
        """The keys that verify tokens could not be loaded."""
        self._log.on_key_failure(reason)
        self.metrics.protection.on_key_failure()

    def on_limiter_fallback(self) -> None:
        """Redis did not answer."""
        self._log.on_limiter_fallback()
        self.metrics.protection.on_limiter_fallback()

    async def aclose(self) -> None:
        """Send what is left, and close files."""
        if self._traces is not None:
            await self._traces.aclose()
        self._audit.close()


def build_signals(settings: Settings, refs: CardRefs, exporter: SpanExporter | None = None) -> Signals:
    """Put the signals together.

    Args:
        settings: see `graph.config.settings`.
        refs: names viewers in the audit log.
        exporter: takes each span at once; None for the collector that the settings name, if they name one.

    Raises:
        SettingsError: when the audit log cannot be written.
    """
    log, metrics = RequestLog(), Metrics()

    def on_lost() -> None:
        metrics.on_lost_spans()
        log.on_lost_spans()

    audit = _audit_log(settings, refs)
    return Signals(log, audit, metrics, _traces(settings, exporter, on_lost))


def _traces(settings: Settings, exporter: SpanExporter | None, on_lost: Callable[[], None]) -> Traces | None:
    endpoint = settings.konagraph_otel_endpoint
    if endpoint is None and exporter is None:
        return None
    # Here, because OpenTelemetry takes time and memory that a gateway without a collector need not spend.
    from graph.telemetry.otlp import OtlpExporter  # noqa: PLC0415
    from graph.telemetry.traces import Traces, at_once, in_batches  # noqa: PLC0415

    processor = at_once(exporter) if exporter else in_batches(OtlpExporter(endpoint or "", on_lost))
    return Traces(processor, sample=settings.konagraph_otel_sample)


def _audit_log(settings: Settings, refs: CardRefs) -> AuditLog:
    try:
        return AuditLog(settings.konagraph_audit_log, refs.of_viewer)
    except OSError:
        raise SettingsError(["KONAGRAPH_AUDIT_LOG names a file that cannot be written"]) from None


def _tasks() -> int | None:
    """How many tasks the event loop has, which is how one sees that none are left behind."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        # Read outside of the loop.
        return None


def _lost_lines() -> int:
    log = process_log()
    return 0 if log is None else log.lines.lost
