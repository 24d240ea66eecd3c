"""For each alert, series that make it fire and similar ones that must not, in promtool's notation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
JOB: Final = 'job="konagraph"'
API: Final = 'api="/api/v1/user/card/info"'


@dataclass(frozen=True)
class Case:
    """Series of one point every 15 seconds, and when to evaluate."""

    alert: str
    at: str
    firing: dict[str, str]
    quiet: dict[str, str]


def _requests(good: str, bad: str, error: str = "UPSTREAM_TIMEOUT", status: int = 200) -> dict[str, str]:
    name = "http_server_request_duration_seconds_count"
    answered = f'{name}{{{JOB},http_response_status_code="200"}}'
    failed = f'{name}{{{JOB},http_response_status_code="{status}",error_type="{error}"}}'
    # Another program's requests, which would hide the failures.
    return {answered: good, failed: bad, f'{name}{{job="another"}}': "0+999x60"}


def _latency(fast: str, slow: str) -> dict[str, str]:
    name = "http_server_request_duration_seconds"
    return {
        f'{name}_bucket{{{JOB},le="0.5"}}': fast,
        f'{name}_bucket{{{JOB},le="5.0"}}': slow,
        f'{name}_bucket{{{JOB},le="+Inf"}}': slow,
        f"{name}_count{{{JOB}}}": slow,
    }


def _calls(all_calls: str, failed: str) -> dict[str, str]:
    return {
        f"http_client_request_duration_seconds_count{{{JOB},{API}}}": all_calls,
        f'konagraph_upstream_failures_total{{{API},cause="too_slow"}}': failed,
    }


def _breaker(closed: str, is_open: str) -> dict[str, str]:
    name = "konagraph_breaker_state"
    return {
        f'{name}{{{API},state="closed",instance="1"}}': closed,
        f'{name}{{{API},state="open",instance="1"}}': is_open,
        f'{name}{{{API},state="closed",instance="2"}}': "1x40",
    }


def _memory(start: int, growth: float) -> dict[str, str]:
    """A process's memory in MiB, and its growth in MiB per hour."""
    return {'process_resident_memory_bytes{job="konagraph"}': f"{start * MIB}+{round(growth * MIB / 240)}x800"}


def _responses(good: str, bad: str) -> dict[str, str]:
    """Responses of the balancer."""
    name = 'haproxy_frontend_http_responses_total{proxy="clients",code='
    return {f'{name}"2xx"}}': good, f'{name}"5xx"}}': bad}


def _sessions(count: str) -> dict[str, str]:
    name = 'haproxy_frontend_{}_sessions{{proxy="clients"}}'
    return {name.format("current"): count, name.format("limit"): "2000x40"}


def _refused(connections: str, requests: str) -> dict[str, str]:
    return {
        'haproxy_frontend_denied_connections_total{proxy="clients"}': connections,
        'haproxy_frontend_requests_denied_total{proxy="clients"}': requests,
    }


CASES: Final = (
    Case(
        "KonagraphNoTargets",
        "2m",
        {'up{job="konagraph",instance="1"}': "0x20", 'up{job="haproxy"}': "1x20"},
        {'up{job="konagraph",instance="1"}': "0x20", 'up{job="konagraph",instance="2"}': "1x20"},
    ),
    Case("KonagraphNoTargets", "2m", {'up{job="haproxy"}': "1x20"}, {'up{job="konagraph"}': "1x20"}),
    Case("KonagraphGatewayDown", "3m", {'up{job="konagraph"}': "0x20"}, {'up{job="haproxy"}': "0x20"}),
    Case(
        "KonagraphBalancerWithoutGateways",
        "1m",
        {'haproxy_backend_active_servers{proxy="gateways"}': "0x20"},
        {'haproxy_backend_active_servers{proxy="gateways"}': "1x20"},
    ),
    Case("KonagraphErrorRatio", "12m", _requests("0+90x60", "0+10x60"), _requests("0+97x60", "0+3x60")),
    # Callers' errors do not count, and a single failure at night does not page anybody.
    Case(
        "KonagraphErrorRatio",
        "12m",
        _requests("0+90x60", "0+10x60", "OVERLOADED"),
        _requests("0+50x60", "0+50x60", "", 400),
    ),
    Case("KonagraphErrorRatio", "12m", _requests("0+0x60", "0+9x60"), _requests("0+0x60", "0+1x60")),
    Case(
        "KonagraphUnexpectedException",
        "5m",
        {"konagraph_unexpected_exceptions_total": "0x10 1x30"},
        {"konagraph_unexpected_exceptions_total": "7x40"},
    ),
    Case("KonagraphLatencyHigh", "20m", _latency("0+90x100", "0+100x100"), _latency("0+100x100", "0+100x100")),
    Case(
        "KonagraphSaturated",
        "4m",
        {"konagraph_requests_in_flight": "170x40", "konagraph_requests_in_flight_limit": "200x40"},
        {"konagraph_requests_in_flight": "150x40", "konagraph_requests_in_flight_limit": "200x40"},
    ),
    Case(
        "KonagraphOverloaded",
        "4m",
        {'konagraph_errors_total{code="OVERLOADED"}': "0+30x40"},
        {
            'konagraph_errors_total{code="OVERLOADED"}': "0+10x40",
            'konagraph_errors_total{code="FORBIDDEN"}': "0+90x40",
        },
    ),
    # By the balancer.
    Case(
        "KonagraphOverloaded",
        "4m",
        {'haproxy_backend_requests_denied_total{proxy="gateways"}': "0+30x40"},
        {'haproxy_backend_requests_denied_total{proxy="gateways"}': "0+10x40"},
    ),
    Case(
        "KonagraphQueueing",
        "4m",
        {'haproxy_backend_current_queue{proxy="gateways"}': "3x40"},
        {'haproxy_backend_current_queue{proxy="gateways"}': "0 0 90 0 0 0 90 90 0 0 0 0 0 0 0 0"},
    ),
    Case("KonagraphMemoryGrowth", "3h", _memory(120, 20), _memory(120, 5)),
    Case("KonagraphMemoryGrowth", "3h", _memory(120, 20), _memory(40, 20)),
    Case(
        "KonagraphDescriptorsExhausted",
        "4m",
        {'process_open_fds{job="konagraph"}': "900x40", 'process_max_fds{job="konagraph"}': "1024x40"},
        {'process_open_fds{job="konagraph"}': "700x40", 'process_max_fds{job="konagraph"}': "1024x40"},
    ),
    Case("KonagraphUpstreamDown", "5m", _calls("0+10x40", "0+6x40"), _calls("0+10x40", "0+4x40")),
    Case("KonagraphBreakerOpen", "3m", _breaker("0x40", "1x40"), _breaker("1x40", "0x40")),
    # Failing probes: alternately open and half open.
    Case(
        "KonagraphBreakerOpen",
        "3m",
        _breaker("0x40", "1 0 1 0 1 0 1 0 1 0 1 0 1"),
        _breaker("0 0 1x40", "1 1 0x40"),
    ),
    Case(
        "KonagraphUpstreamRejectsUs",
        "4m",
        {'http_client_request_duration_seconds_count{job="konagraph",error_type="RejectedError"}': "0x10 1x30"},
        {'http_client_request_duration_seconds_count{job="konagraph",error_type="RejectedError"}': "3x40"},
    ),
    Case(
        "KonagraphAnswersOutOfStep",
        "4m",
        {'konagraph_upstream_echoes_total{echo="another call\'s"}': "0x10 1x30"},
        {
            'konagraph_upstream_echoes_total{echo="another call\'s"}': "0x40",
            'konagraph_upstream_echoes_total{echo="different"}': "0+5x40",
        },
    ),
    Case(
        "KonagraphUpstreamDrift",
        "4m",
        {f"konagraph_upstream_drift_total{{{API}}}": "0x10 1x30"},
        {f"konagraph_upstream_drift_total{{{API}}}": "1x40"},
    ),
    Case(
        "KonagraphUpstreamDrift",
        "4m",
        {f"konagraph_upstream_unsealed_total{{{API}}}": "0x10 1x30"},
        {f"konagraph_upstream_unsealed_total{{{API}}}": "1x40"},
    ),
    Case(
        "KonagraphUpstreamDrift",
        "4m",
        {'konagraph_errors_total{code="UPSTREAM_INVALID_RESPONSE"}': "0x10 1x30"},
        {'konagraph_errors_total{code="UPSTREAM_TIMEOUT"}': "0x10 1x30"},
    ),
    Case(
        "KonagraphRetriesExhausted",
        "6m",
        {f"konagraph_retries_refused_total{{{API}}}": "0+2x40"},
        {f"konagraph_retries_refused_total{{{API}}}": "0+0.5x40"},
    ),
    Case(
        "KonagraphEnumerationAttempt",
        "6m",
        {'konagraph_budget_refusals_total{budget="cards"}': "0+4x40"},
        {'konagraph_budget_refusals_total{budget="cards"}': "0+1x40"},
    ),
    Case(
        "KonagraphEnumerationAttempt",
        "6m",
        {'konagraph_errors_total{code="CARD_NOT_FOUND"}': "0+40x40"},
        {'konagraph_errors_total{code="CARD_NOT_FOUND"}': "0+10x40"},
    ),
    Case(
        "KonagraphAuditUnavailable",
        "2m",
        {"konagraph_audit_available": "1x2 0x40"},
        {"konagraph_audit_available": "1x40", "konagraph_audit_unwritten_total": "3x40"},
    ),
    Case(
        "KonagraphAuditUnavailable",
        "4m",
        {"konagraph_audit_available": "1x40", "konagraph_audit_unwritten_total": "0x10 1x30"},
        {"konagraph_audit_available": "1x40", "konagraph_audit_unwritten_total": "0x40"},
    ),
    Case(
        "KonagraphBudgetsSpent",
        "6m",
        {'konagraph_budget_refusals_total{budget="requests"}': "0+20x40"},
        {'konagraph_budget_refusals_total{budget="cards"}': "0+20x40"},
    ),
    Case(
        "KonagraphCredentialsRefused",
        "6m",
        {'konagraph_errors_total{code="UNAUTHENTICATED"}': "0+20x40"},
        {'konagraph_errors_total{code="UNAUTHENTICATED"}': "0+5x40"},
    ),
    Case(
        "KonagraphLimiterFallback",
        "5m",
        {"konagraph_limiter_fallbacks_total": "0+15x40"},
        {"konagraph_limiter_fallbacks_total": "0x10 1x30"},
    ),
    Case(
        "KonagraphKeysStale",
        "12m",
        {'konagraph_key_set_state{state="stale"}': "1x60"},
        {'konagraph_key_set_state{state="stale"}': "0x60", 'konagraph_key_set_state{state="loaded"}': "1x60"},
    ),
    Case(
        "KonagraphKeysMissing",
        "2m",
        {'konagraph_key_set_state{state="missing"}': "1x60"},
        {'konagraph_key_set_state{state="missing"}': "0x60", 'konagraph_key_set_state{state="none"}': "1x60"},
    ),
    Case(
        "KonagraphSpansLost",
        "22m",
        {"konagraph_span_batches_lost_total": "0+1x100"},
        {"konagraph_span_batches_lost_total": "0x30 1x70"},
    ),
    Case(
        "KonagraphNoSpareGateway",
        "4m",
        {'up{job="konagraph",instance="1"}': "1x20", 'up{job="konagraph",instance="2"}': "0x20"},
        {'up{job="konagraph",instance="1"}': "1x20", 'up{job="konagraph",instance="2"}': "1x20"},
    ),
    # New processes after a rolling restart.
    Case(
        "KonagraphNoSpareGateway",
        "4m",
        {'up{job="konagraph"}': "1x20"},
        {'up{job="konagraph",instance="1"}': "1x20", 'up{job="konagraph",instance="2"}': "1x6 _x3 1x20"},
    ),
    Case("KonagraphBalancerGone", "2m", {'up{job="konagraph"}': "1x20"}, {'up{job="haproxy"}': "1x20"}),
    Case("KonagraphBalancerErrors", "12m", _responses("0+90x60", "0+10x60"), _responses("0+97x60", "0+3x60")),
    Case("KonagraphBalancerErrors", "12m", _responses("0x60", "0+9x60"), _responses("0x60", "0+1x60")),
    Case("KonagraphBalancerNearlyFull", "4m", _sessions("1700x40"), _sessions("1500x40")),
    Case("KonagraphSourcesBounded", "6m", _refused("0+15x40", "0+15x40"), _refused("0+5x40", "0+5x40")),
    Case(
        "KonagraphAlertsUndelivered",
        "12m",
        {
            'up{job="alertmanager"}': "1x60",
            'alertmanager_notifications_failed_total{integration="webhook"}': "0+1x60",
        },
        {
            'up{job="alertmanager"}': "1x60",
            'alertmanager_notifications_failed_total{integration="webhook"}': "3x60",
        },
    ),
    Case("KonagraphAlertsUndelivered", "3m", {'up{job="haproxy"}': "1x20"}, {'up{job="alertmanager"}': "1x20"}),
)
