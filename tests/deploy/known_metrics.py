"""The known metrics: those that the gateway renders, and those of other programs that are used."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from graph.app import create_app
from graph.graphql.coordinates import Named
from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails
from graph.security.audit import AuditEvent
from tests.support import sandbox_settings, sandbox_transport
from tests.telemetry.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.telemetry.metrics import Metrics

OF_HAPROXY: Final[Mapping[str, set[str]]] = {
    "haproxy_backend_active_servers": {"proxy"},
    "haproxy_backend_current_queue": {"proxy"},
    "haproxy_backend_requests_denied_total": {"proxy"},
    "haproxy_backend_retry_warnings_total": {"proxy"},
    "haproxy_backend_redispatch_warnings_total": {"proxy"},
    "haproxy_frontend_current_sessions": {"proxy"},
    "haproxy_frontend_limit_sessions": {"proxy"},
    "haproxy_frontend_denied_connections_total": {"proxy"},
    "haproxy_frontend_requests_denied_total": {"proxy"},
    "haproxy_frontend_http_responses_total": {"proxy", "code"},
}
"""What of HAProxy's own is used, with its labels."""
OWN: Final = ("konagraph_", "http_")
"""How names of the gateways' own metrics begin."""
_OTHERS: Final = {"up", "ALERTS", "alertmanager_notifications_failed_total", *OF_HAPROXY}
_NAME: Final = re.compile(r"\b(?:(?:konagraph|http|process|python|haproxy|alertmanager)_\w+|up\b|ALERTS\b)")


def metrics_in(expression: str) -> set[str]:
    """The names of the metrics in an expression, ignoring quoted text."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))


async def _rendered() -> dict[str, set[str]]:
    """Every metric with its labels, after one event of each kind."""
    gateway: Metrics = create_app(sandbox_settings(), transport=sandbox_transport()).state.metrics
    metrics = Reports()
    details = CallDetails("221108120814-0123456", 200, "000_000")
    metrics.requests.on_request(RequestReport("r", "POST", 200, 0.1, "member", "Card", clients=("web@1.4.0",)))
    metrics.usage.on_request(RequestReport("r", "POST", named=Named(("Query.card",))))
    metrics.upstream.on_call(CallReport("/api/v1/user/card/info", "ok", details, 0.1, "same", ()))
    for hook in (metrics.upstream.joined, metrics.upstream.retry_refused, metrics.upstream.shed):
        hook("/api/v1/user/card/info")
    metrics.upstream.retried("/api/v1/user/card/info", "too_slow")
    metrics.upstream.breaker_changed("/api/v1/user/card/info", "open")
    metrics.upstream.limit_changed(8)
    for code in ("UNAUTHENTICATED", "RATE_LIMITED"):
        metrics.protection.count(AuditEvent("refused", "r", "a", code=code))
    text = gateway.render().decode() + metrics.render().decode()
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


# In an event loop, because some metrics describe the loop.
RENDERED: Final = asyncio.run(_rendered())


def missing(expression: str) -> set[str]:
    """Unknown metrics in an expression."""
    return {name for name in metrics_in(expression) if name not in RENDERED and name not in _OTHERS}
