"""Logs and metrics of calls to Konaplate and of the guard in front of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import structlog

from graph.konaplate.errors import Cause, UnsealedError
from graph.konaplate.protocol import FOREIGN_ECHOES, Echo
from graph.resilience.breaker import State
from graph.resilience.guard import GuardObserver
from graph.telemetry.conventions import METHOD, error_of_call, server_of
from graph.telemetry.logs import LOGGER
from graph.telemetry.metrics import VendorCodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import FilteringBoundLogger

    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint
    from graph.telemetry.metrics import Metrics


class UpstreamTelemetry(GuardObserver):
    """Observes calls and their guard; `base_url` is Konaplate's address."""

    def __init__(self, metrics: Metrics, endpoints: Iterable[Endpoint[Any, Any]], base_url: str) -> None:
        # Bound once, not for every line.
        self._log: FilteringBoundLogger = structlog.get_logger(LOGGER).bind()
        endpoints = tuple(endpoints)
        self._codes = VendorCodes(endpoints)
        apis = [endpoint.path for endpoint in endpoints]
        by_api = partial(metrics.counters, known=[(api,) for api in apis])
        causes = [(api, cause.value) for api in apis for cause in Cause]
        address, port = server_of(base_url)
        self._server = METHOD, address, str(port)
        # `api` and `code`, Konaplate's, are ours; the rest is OpenTelemetry's.
        labels = ("api", "code", "error_type", "http_response_status_code")
        text = "Attempts to call Konaplate."
        server = ("http_request_method", "server_address", "server_port")
        self._durations = metrics.durations("http_client_request_duration_seconds", text, *labels, *server)
        text = "Attempts without a usable answer, by cause."
        self._failures = metrics.counters("upstream_failures", text, "api", "cause", known=causes)
        text = "Answers, by the correlation id that they carried."
        self._echoes = metrics.counters(
            "upstream_echoes", text, "echo", known=[(echo,) for echo in get_args(Echo)]
        )
        self._drifts = by_api("upstream_drift", "Answers with longer fields than documented.", "api")
        self._unsealed = by_api(
            "upstream_unsealed", "Successes that were not encrypted although they should be.", "api"
        )
        self._joined = by_api("single_flight_saves", "Look-ups that joined a call in flight.", "api")
        self._retries = metrics.counters("retries", "Retries, by cause.", "api", "cause")
        self._refused = by_api("retries_refused", "Retries not made because the retry budget was spent.", "api")
        self._shed = by_api("calls_shed", "Calls given up because no slot became free in time.", "api")
        text = "Breaker transitions, by new state."
        self._changes = metrics.counters("breaker_changes", text, "api", "state")
        text = "1 for the present state of an API's breaker."
        self._breakers = metrics.gauge("breaker_state", text, "api", "state")
        self._limit = metrics.gauge("upstream_call_limit", "How many calls may be in flight at present.")
        for api in apis:
            self._show_breaker(api, State.CLOSED)

    def on_call(self, report: CallReport) -> None:
        """An attempt is over. Its line is a warning if it failed or deviates from the documentation.

        A missing field is no deviation: Konaplate may never send some that nobody selects.
        """
        error = error_of_call(report.outcome)
        odd = error or report.drift or report.problem or report.echo in FOREIGN_ECHOES
        write = self._log.warning if odd else self._log.info
        details = report.details
        write(
            "upstream call",
            api=report.api,
            attempt=report.attempt,
            outcome=report.outcome,
            cause=None if report.cause is None else report.cause.value,
            status=details.status,
            code=details.code,
            correlation_id=details.correlation_id,
            duration_ms=round(report.seconds * 1000, 1),
            echo=report.echo,
            drift=report.drift,
            invalid_fields=report.invalid_fields,
            problem=report.problem or None,
        )
        self._durations[
            report.api,
            self._codes.label(details.code),
            error or "",
            "" if details.status is None else str(details.status),
            *self._server,
        ].observe(report.seconds)
        if report.cause is not None:
            self._failures[report.api, report.cause.value].inc()
        if report.echo is not None:
            self._echoes[report.echo,].inc()
        if error == UnsealedError.__name__:
            self._unsealed[report.api,].inc()
        if report.drift:
            self._drifts[report.api,].inc()

    def joined(self, api: str) -> None:
        """A look-up shares a call that is in flight."""
        self._joined[api,].inc()

    def retried(self, api: str, cause: str) -> None:
        """A call is retried."""
        self._retries[api, cause].inc()

    def retry_refused(self, api: str) -> None:
        """A call is not retried, because the retry budget is spent."""
        self._refused[api,].inc()

    def breaker_changed(self, api: str, state: str) -> None:
        """The breaker of an API opened, half-opened or closed."""
        write = self._log.info if state == State.CLOSED else self._log.warning
        write("breaker changed", api=api, state=state)
        self._changes[api, state].inc()
        self._show_breaker(api, state)

    def limit_changed(self, limit: int) -> None:
        """The limit of concurrent calls changed."""
        self._limit.set(limit)

    def shed(self, api: str) -> None:
        """A call was given up because no slot became free in time."""
        self._shed[api,].inc()

    def _show_breaker(self, api: str, current: str) -> None:
        for state in State:
            self._breakers.labels(api, state.value).set(state == current)
