"""Logs and metrics of requests."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from graph.http.clients import OTHER
from graph.http.report import CLIENT_CLOSED_REQUEST
from graph.telemetry.conventions import error_of_request, known_method
from graph.telemetry.logs import LOGGER, frames_of
from graph.telemetry.metrics import MAX_NAMES, MAX_SERIES, OperationNames
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import FilteringBoundLogger

    from graph.graphql.manifests import TrustedDocuments
    from graph.graphql.operation import Document, Operation
    from graph.graphql.persisted import UntrustedDocument
    from graph.http.report import RequestReport
    from graph.telemetry.metrics import Metrics

# A caller can choose a name of any length.
_MAX_NAME_LENGTH: Final = 100


class RequestTelemetry:
    """Observes requests.

    Args:
        metrics: to be updated.
        quiet_seconds: from a line about refusals for want of room to the next one.
        listed: the clients that are known without a manifest.
    """

    def __init__(
        self,
        metrics: Metrics,
        quiet_seconds: float = 1.0,
        listed: Iterable[str] = (),
    ) -> None:
        # Bound once, not for every line.
        self._log: FilteringBoundLogger = structlog.get_logger(LOGGER).bind()
        self._quiet_seconds = quiet_seconds
        self._refused = 0
        self._next_line: asyncio.TimerHandle | None = None
        count, codes = metrics.counter, [(code.value,) for code in ErrorCode]
        # The operation first, for `forget`.
        labels = ("graphql_operation_name", "http_request_method", "http_response_status_code", "error_type")
        self._durations = metrics.durations(
            "http_server_request_duration_seconds", "Requests.", *labels, "http_route", "url_scheme"
        )
        self._operations = OperationNames(self._durations.forget)
        self._responses = metrics.counters(
            "responses", "Responses, by HTTP status and kind of viewer.", "status", "viewer"
        )
        text = "Errors in responses; one response may hold several."
        self._errors = metrics.counters("errors", text, "code", known=codes)
        self._listed = frozenset(listed)
        text = "Requests of a client; one whose document several clients have stored counts for each."
        self._clients = metrics.counters("client_requests", text, "client")
        self._unexpected = count("unexpected_exceptions", "Exceptions that no table maps to a code.")
        self._deadlines = count("deadline_hits", "Fields given up at the request's deadline.")
        self._saved = count("request_calls_saved", "Look-ups that shared another look-up of the same request.")
        self._untrusted = count("untrusted_documents", "Documents that ran without being in a manifest.")
        self._unplanned = count("unplanned_documents", "Documents with an operation that has no plan.")

    def trust(self, trusted: TrustedDocuments) -> None:
        """Set what is always a label: the operation names and clients of the trusted documents, listed clients."""
        names, clients = trusted.operation_names, trusted.client_names | self._listed
        for (client,) in set(self._clients) - {(client,) for client in (*clients, *OTHER)}:
            self._clients.forget(client)
        for client in clients:
            # From 0, so that the first request shows as an increase.
            self._clients[client,].inc(0)
        self._operations.trust(names)
        self._durations.limit = max(MAX_SERIES, (len(names) + MAX_NAMES) * len(ErrorCode))

    def on_request(self, report: RequestReport) -> None:
        """A request was answered: write its line, and one for each unexpected exception."""
        self._count(report)
        if report.at_capacity:
            self._overloaded()
            return
        self._log.info(
            "request",
            request_id=report.request_id,
            method=report.method,
            route=report.route,
            status=report.status,
            viewer=report.viewer,
            operation=None if report.operation is None else report.operation[:_MAX_NAME_LENGTH],
            document=report.document,
            clients=report.clients,
            duration_ms=round(report.seconds * 1000, 1),
            upstream_calls=report.upstream_calls,
            saved_calls=report.saved_calls,
            deadline_hits=report.deadline_hits,
            codes=list(dict.fromkeys(report.codes)),
            for_people=report.roots,
        )
        for error in report.unexpected:
            self._log.error(
                "unexpected exception",
                request_id=report.request_id,
                exception=type(error).__name__,
                frames=frames_of(error),
            )

    def on_foreign_page(self, request_id: str, reason: str, origin: str | None) -> None:
        """A page of another site was refused."""
        status = HTTPStatus.FORBIDDEN.value
        self._log.warning("request refused", request_id=request_id, status=status, reason=reason, origin=origin)
        self.count_refusal(status, ErrorCode.FORBIDDEN)

    def count_refusal(self, status: int, code: ErrorCode = ErrorCode.BAD_REQUEST) -> None:
        """Count a request that was refused before any path was looked at."""
        self._responses[str(status), "none"].inc()
        self._errors[code.value,].inc()

    def on_untrusted_document(self, document: UntrustedDocument) -> None:
        """A document that is not in the manifest was executed."""
        self._log.warning("untrusted document", operations=document.operations, sha256=document.sha256)
        self._untrusted.inc()

    def on_unplanned(self, document: Document, operation: Operation) -> None:
        """An operation has no plan; called once per document."""
        self._log.info("operation without plan", operation=operation.shown_name, sha256=document.sha256)
        self._unplanned.inc()

    def _count(self, report: RequestReport) -> None:
        status = str(report.status)
        self._durations[
            self._operations.label(report),
            known_method(report.method),
            # A client that disconnected has got no response.
            "" if report.status == CLIENT_CLOSED_REQUEST else status,
            error_of_request(report.codes) or "",
            report.route,
            report.scheme,
        ].observe(report.seconds)
        self._responses[status, report.viewer or "none"].inc()
        for client in report.clients:
            self._clients[client,].inc()
        for code in report.codes:
            self._errors[code,].inc()
        if report.saved_calls:
            self._saved.inc(report.saved_calls)
        if report.deadline_hits:
            self._deadlines.inc(report.deadline_hits)
        if report.unexpected:
            self._unexpected.inc(len(report.unexpected))

    def _overloaded(self) -> None:
        """Log once a second how many were refused: a line for each would cost more than the refusal."""
        self._refused += 1
        if self._next_line is None:
            self.write_refused()

    def write_refused(self) -> None:
        """Log how many were refused for want of room since the last line, if there were any."""
        if self._next_line is not None:
            self._next_line.cancel()
            self._next_line = None
        if self._refused:
            self._log.warning("overloaded", refused=self._refused)
            self._refused = 0
            self._next_line = asyncio.get_running_loop().call_later(self._quiet_seconds, self.write_refused)
