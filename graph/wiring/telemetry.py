"""Builds logs, metrics and traces, and connects them to the callbacks of the lower layers."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

from graph.config.settings import Settings, SettingsError
from graph.security.audit_chain import ChainKey
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import LOGGER, process_log
from graph.telemetry.metrics import Metrics
from graph.telemetry.protection import ProtectionTelemetry
from graph.telemetry.requests import RequestTelemetry
from graph.telemetry.upstream import UpstreamTelemetry
from graph.telemetry.usage import UsageCounter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

    from graph.graphql.executor import Executions
    from graph.graphql.manifests import TrustedDocuments
    from graph.graphql.persisted import DocumentResolver
    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.slots import Admission
    from graph.security.card_refs import CardRefs
    from graph.telemetry.traces import Traces

_EXECUTIONS: Final = {
    "planned": "Operations executed by a plan.",
    "unplanned": "Operations executed by graphql-core because they have no plan, or a value does not fit it.",
    "abandoned": "Operations that left their plan for graphql-core.",
}


class Telemetry:
    """Receives the reports of the lower layers; `exporter` replaces the configured collector of spans.

    Raises:
        SettingsError: when the audit log cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        refs: CardRefs,
        endpoints: Sequence[Endpoint[Any, Any]],
        exporter: SpanExporter | None = None,
    ) -> None:
        self.metrics = Metrics()
        self.requests = RequestTelemetry(self.metrics, listed=settings.konagraph_clients)
        self.usage = UsageCounter(self.metrics)
        self.upstream = UpstreamTelemetry(self.metrics, endpoints, settings.konaplate_base_url)
        self.protection = ProtectionTelemetry(self.metrics)
        try:
            key = settings.konagraph_audit_key
            self.audit = AuditLog(
                settings.konagraph_audit_log,
                refs.of_viewer,
                None if key is None else ChainKey(key),
                count=self.protection.count,
            )
        except OSError:
            raise SettingsError(["KONAGRAPH_AUDIT_LOG names a file that cannot be written"]) from None
        self._lost = self.metrics.counter(
            "span_batches_lost", "Batches of spans that the collector did not accept."
        )
        self.traces = self._make_traces(settings, endpoints, exporter)
        self.metrics.gauge("tasks", "Tasks of the event loop.").set_function(lambda: len(asyncio.all_tasks()))
        self.metrics.observable_counter(
            "log_lines_lost", "Log lines dropped because their reader stalled.", _lost_lines
        )

    def on_request(self, report: RequestReport) -> None:
        """A request was answered."""
        self.requests.on_request(report)
        self.usage.on_request(report)
        if self.traces is not None and not report.at_capacity:
            self.traces.on_request(report)

    def on_call(self, report: CallReport) -> None:
        """An attempt of an upstream call is over."""
        self.upstream.on_call(report)
        if self.traces is not None:
            self.traces.on_call(report)

    def trust(self, trusted: TrustedDocuments) -> None:
        """Set what the trusted documents make known: operation names and clients."""
        self.requests.trust(trusted)
        self.usage.keep(trusted.client_names)

    def watch(self, documents: DocumentResolver, counts: Executions, admission: Admission) -> None:
        """Expose figures that are kept elsewhere."""
        metrics, cache, audit = self.metrics, documents.cache, self.audit
        self.trust(documents.trusted)
        metrics.observable_counter("document_cache_hits", "Documents found in the cache.", lambda: cache.hits)
        metrics.observable_counter(
            "document_cache_misses", "Documents not in the cache, parsed and validated.", lambda: cache.misses
        )
        metrics.gauge("document_cache_size", "Documents in the cache.").set_function(lambda: len(cache))
        for how, text in _EXECUTIONS.items():
            metrics.observable_counter(f"operations_{how}", text, partial(getattr, counts, how))
        running = metrics.gauge("requests_in_flight", "Operations being executed.")
        running.set_function(lambda: admission.running)
        limit = metrics.gauge("requests_in_flight_limit", "The most that may be executed at once.")
        limit.set_function(lambda: admission.limit)
        available = metrics.gauge("audit_available", "1 while the audit log can be written.")
        available.set_function(lambda: audit.available)
        text = "Audit events that could not be written; what they tell of was withheld."
        metrics.observable_counter("audit_unwritten", text, lambda: audit.unwritten)

    def _make_traces(
        self, settings: Settings, endpoints: Sequence[Endpoint[Any, Any]], exporter: SpanExporter | None
    ) -> Traces | None:
        if settings.konagraph_otel_endpoint is None and exporter is None:
            return None
        # Imported here, because OpenTelemetry costs time and memory that a gateway without a collector can save.
        from graph.telemetry.otlp import OtlpExporter, batch_processor, simple_processor  # noqa: PLC0415
        from graph.telemetry.traces import Traces  # noqa: PLC0415

        if exporter is not None:
            processor = simple_processor(exporter)
        else:
            processor = batch_processor(OtlpExporter(settings.konagraph_otel_endpoint or "", self._on_lost_spans))
        return Traces(processor, endpoints, settings.konaplate_base_url)

    def _on_lost_spans(self) -> None:
        self._lost.inc()
        structlog.get_logger(LOGGER).warning("spans are lost: the collector does not accept them")

    async def aclose(self) -> None:
        """Log and export what is left, and close files."""
        self.usage.write()
        self.requests.write_refused()
        if self.traces is not None:
            await self.traces.aclose()
        self.audit.close()


def _lost_lines() -> int:
    log = process_log()
    return 0 if log is None else log.lines.lost
