"""What each observer method adds to the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails, Cause
from graph.security.audit import AuditEvent
from tests.telemetry.reports import Reports
from tests.telemetry.scrape import labels, scrape, series, value

if TYPE_CHECKING:
    from graph.resilience.guard import GuardObserver

CARD_INFO = "/api/v1/user/card/info"
USER_INFO = "/api/v1/user/info"


def test_the_process_and_the_release_are_seen() -> None:
    found = {name for name, _ in scrape(Reports())}
    assert {
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
        "python_gc_collections_total",
        "konagraph_build_info",
    } <= found


def test_metrics_of_two_gateways_in_a_process_are_apart() -> None:
    one, two = Reports(), Reports()
    one.protection.on_limiter_fallback()
    assert [value(metrics, "limiter_fallbacks_total") for metrics in (one, two)] == [1, 0]


def test_reports_of_the_guard_are_counted() -> None:
    metrics = Reports()
    observer: GuardObserver = metrics.upstream
    observer.joined(CARD_INFO)
    observer.retried(CARD_INFO, "too_slow")
    observer.retry_refused(CARD_INFO)
    observer.shed(USER_INFO)
    observer.limit_changed(64)
    observer.limit_changed(51)
    assert value(metrics, "single_flight_saves_total", api=CARD_INFO) == 1
    assert value(metrics, "retries_total", api=CARD_INFO, cause="too_slow") == 1
    assert value(metrics, "retries_refused_total", api=CARD_INFO) == 1
    assert [value(metrics, "calls_shed_total", api=api) for api in (CARD_INFO, USER_INFO)] == [0, 1]
    assert value(metrics, "upstream_call_limit") == 51


def test_deviations_of_a_call_are_counted() -> None:
    metrics = Reports()
    details = CallDetails("221108120814-0123456", 502, None)
    metrics.upstream.on_call(
        CallReport(
            CARD_INFO, "UnavailableError", details, 0.1, "different", ("serviceName",), 2, Cause.BAD_GATEWAY
        )
    )
    metrics.upstream.on_call(CallReport(CARD_INFO, "cancelled", details, 0.1, None, ()))
    metrics.upstream.on_call(CallReport(CARD_INFO, "UnsealedError", details))
    echoes = [value(metrics, "upstream_echoes_total", echo=echo) for echo in ("different", "same", "missing")]
    assert echoes == [1, 0, 0]
    assert value(metrics, "upstream_drift_total", api=CARD_INFO) == 1
    assert value(metrics, "upstream_failures_total", api=CARD_INFO, cause="bad_gateway") == 1
    assert value(metrics, "upstream_unsealed_total", api=CARD_INFO) == 1


def test_an_exception_that_nobody_foresaw_is_counted() -> None:
    metrics = Reports()
    metrics.requests.on_request(
        RequestReport("r", "POST", 500, codes=["INTERNAL_SERVER_ERROR"], unexpected=[ValueError(), KeyError()])
    )
    assert value(metrics, "unexpected_exceptions_total") == 2
    (((_, found), count),) = series(metrics, "http_server_request_duration_seconds_count").items()
    assert count == 1
    assert dict(found) == {
        "graphql_operation_name": "anonymous",
        "http_request_method": "POST",
        "http_response_status_code": "500",
        "error_type": "INTERNAL_SERVER_ERROR",
        "http_route": "/graphql",
        "url_scheme": "http",
    }
    assert value(metrics, "responses_total", status="500", viewer="none") == 1


def test_an_event_of_every_kind_can_be_counted() -> None:
    metrics = Reports()
    events: list[dict[str, Any]] = [
        {"action": "read"},
        {"action": "read", "clear": ("idNo",)},
        {"action": "refused"},
        {"action": "refused", "code": "RATE_LIMITED", "reason": "cost"},
        {"action": "refused", "code": "RATE_LIMITED"},
        {"action": "refused", "code": "UNAUTHENTICATED"},
    ]
    for event in events:
        metrics.protection.count(AuditEvent(request_id="r", address="a", **event))
    metrics.protection.on_key_failure("a reason")
    assert labels(metrics, "refusals_total", "code") == {"none", "RATE_LIMITED", "UNAUTHENTICATED"}
    assert labels(metrics, "unauthenticated_total", "reason") == {"none"}
    assert [value(metrics, "budget_refusals_total", budget=budget) for budget in ("cost", "cards")] == [1, 1]
    assert value(metrics, "key_set_failures_total") == 1
    assert value(metrics, "personal_data_reads_total") == 1
