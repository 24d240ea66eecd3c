"""What requests look like to their callers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from graph.telemetry.families import MAX_SERIES, Counts, Durations
from graph.telemetry.labels import FAULTS, MOST_NAMES, OperationNames, Proof, request_code
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from graph.http.report import RequestReport


class RequestMetrics:
    """Counts requests.

    Args:
        registry: where the metrics are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._durations = Durations(
            registry,
            "konagraph_request_duration_seconds",
            "Requests, by operation and by code.",
            ["operation", "code"],
        )
        self._operations = OperationNames(self._durations.forget)
        self._responses = Counts(
            registry, "konagraph_responses", "Answers, by HTTP status and kind of viewer.", ["status", "viewer"]
        )
        self._errors = Counts(
            registry,
            "konagraph_errors",
            "Errors in answers; one answer may hold several.",
            ["code"],
            [(code.value,) for code in ErrorCode],
        )
        self._unexpected = Counts(registry, "konagraph_unexpected_exceptions", "Exceptions that nobody foresaw.")
        self._deadlines = Counts(
            registry, "konagraph_deadline_hits", "Fields given up because the request's time was over."
        )
        self._saved = Counts(
            registry, "konagraph_request_calls_saved", "Look-ups answered by another one of the same request."
        )
        self._untrusted = Counts(
            registry, "konagraph_untrusted_documents", "Documents that ran without being in the manifest."
        )

    def trust(self, names: frozenset[str]) -> None:
        """Let these names of operations be labels in any case."""
        self._operations.trust(names)
        self._durations.most = max(MAX_SERIES, (len(names) + MOST_NAMES) * len(ErrorCode))

    def on_request(self, report: RequestReport) -> None:
        """One request was answered."""
        codes = report.codes
        operation = self._operations.label(report.operation)
        if operation is None:
            operation = self._operations.prove(report.operation or "", _proof(report))
        self._durations.add(report.seconds, operation, request_code(codes))
        self._responses.add(str(report.status), report.viewer or "none")
        for code in codes:
            self._errors.add(code)
        if report.saved_calls:
            self._saved.add(amount=report.saved_calls)
        if report.deadline_hits:
            self._deadlines.add(amount=report.deadline_hits)
        if report.unexpected:
            self._unexpected.add(amount=len(report.unexpected))

    def on_untrusted_document(self) -> None:
        """A document ran although it is not in the manifest."""
        self._untrusted.add()


def _proof(report: RequestReport) -> Proof | None:
    # Who has gone has got no answer, though no error either. In an outage of the upstream everything fails.
    if report.viewer is None or report.status != HTTPStatus.OK or not FAULTS.issuperset(report.codes):
        return None
    return Proof(report.viewer_id is not None, report.viewer_id if report.viewer == "member" else None)
