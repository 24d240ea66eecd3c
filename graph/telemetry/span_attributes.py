"""What spans say of requests and calls. Names follow OpenTelemetry's conventions where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport
    from graph.telemetry.labels import VendorCodes

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_attributes(report: RequestReport) -> dict[str, AttributeValue]:
    """The attributes of a request's span."""
    attributes: dict[str, AttributeValue | None] = {
        # A method is any word of the caller's.
        "http.request.method": report.method if report.method in _METHODS else "_OTHER",
        "http.response.status_code": report.status,
        "graphql.operation.type": report.operation_type,
        "graphql.operation.name": report.operation,
        "graphql.document.sha256": report.document,
        "konagraph.request_id": report.request_id,
        "konagraph.viewer.kind": report.viewer,
        "konagraph.codes": tuple(report.codes) or None,
        "konagraph.upstream_calls": report.upstream_calls,
        "konagraph.saved_calls": report.saved_calls,
        "konagraph.deadline_hits": report.deadline_hits or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def call_attributes(report: CallReport, codes: VendorCodes) -> dict[str, AttributeValue]:
    """The attributes of a call's span."""
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
