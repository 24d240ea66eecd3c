"""What the calls to Konaplate come to, and what the guard in front of them does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from graph.konaplate.correlation import Echo
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.errors import Cause
from graph.telemetry.families import Counts, Durations, Readings
from graph.telemetry.labels import vendor_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry

    from graph.konaplate.client import CallReport

STATES: Final = ("closed", "open", "half_open")
_APIS: Final = tuple((endpoint.path,) for endpoint in ENDPOINTS)


class UpstreamMetrics:
    """Counts calls, and observes the guard.

    Args:
        registry: where the metrics are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._breakers = {api: "closed" for (api,) in _APIS}
        self._limit: int | None = None
        self._calls(registry)
        self._guard(registry)

    def _calls(self, registry: CollectorRegistry) -> None:
        self._durations = Durations(
            registry,
            "konagraph_upstream_duration_seconds",
            "Calls to Konaplate, each attempt, by API, outcome and the vendor's code.",
            ["api", "outcome", "code"],
        )
        self._failures = Counts(
            registry,
            "konagraph_upstream_failures",
            "Calls without a usable answer, by cause.",
            ["api", "cause"],
            [(api, cause.value) for (api,) in _APIS for cause in Cause],
        )
        self._echoes = Counts(
            registry,
            "konagraph_upstream_echoes",
            "Answers, by what became of our correlation id.",
            ["echo"],
            [(echo,) for echo in get_args(Echo)],
        )
        self._drifts = Counts(
            registry, "konagraph_upstream_drift", "Answers with longer fields than documented.", ["api"], _APIS
        )

        self._unsealed = Counts(
            registry,
            "konagraph_upstream_unsealed",
            "Successes in clear although answers are sealed.",
            ["api"],
            _APIS,
        )

    def _guard(self, registry: CollectorRegistry) -> None:
        def counts(name: str, text: str, *more: str) -> Counts:
            return Counts(registry, f"konagraph_{name}", text, ["api", *more], () if more else _APIS)

        self._joined = counts("single_flight_saves", "Look-ups that shared a call which was under way.")
        self._retries = counts("retries", "Calls that were tried again, by cause.", "cause")
        self._refused = counts("retries_refused", "Calls not tried again because the budget was spent.")
        self._shed = counts("calls_shed", "Calls given up because no slot became free in time.")
        self._changes = counts("breaker_changes", "Changes of a breaker, by its new state.", "state")
        Readings(
            registry,
            "konagraph_breaker_state",
            "1 for the state that an API's breaker is in.",
            self._states,
            ["api", "state"],
        )
        Readings(
            registry,
            "konagraph_upstream_call_limit",
            "How many calls may be under way at once.",
            lambda: [] if self._limit is None else [((), self._limit)],
        )

    def on_call(self, report: CallReport) -> None:
        """One attempt is over."""
        self._durations.add(report.seconds, report.api, report.outcome, vendor_code(report.details.code))
        if report.cause is not None:
            self._failures.add(report.api, report.cause.value)
        if report.echo is not None:
            self._echoes.add(report.echo)
        if report.unsealed:
            self._unsealed.add(report.api)
        if report.drift:
            self._drifts.add(report.api)

    def joined(self, api: str) -> None:
        """A look-up shares a call that was under way."""
        self._joined.add(api)

    def retried(self, api: str, cause: str) -> None:
        """A call is tried again."""
        self._retries.add(api, cause)

    def retry_refused(self, api: str) -> None:
        """A call would have been tried again, but the budget is spent."""
        self._refused.add(api)

    def breaker_changed(self, api: str, state: str) -> None:
        """The breaker is `closed`, `open` or `half_open` now."""
        self._breakers[api] = state
        self._changes.add(api, state)

    def limit_changed(self, limit: int) -> None:
        """So many calls may be under way now."""
        self._limit = limit

    def shed(self, api: str) -> None:
        """A call was given up because no slot became free in time."""
        self._shed.add(api)

    def _states(self) -> Iterator[tuple[tuple[str, str], float]]:
        for api, current in list(self._breakers.items()):
            yield from (((api, state), float(state == current)) for state in STATES)
