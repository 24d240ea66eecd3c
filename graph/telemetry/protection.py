"""Logs and metrics of authentication, budgets and reads of personal data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, get_args

import structlog

from graph.http.health import KeyState
from graph.telemetry.logs import LOGGER
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from graph.security.audit import AuditEvent
    from graph.telemetry.metrics import Metrics

BUDGETS: Final = ("requests", "cost", "cards")
_OF_BUDGETS: Final = (ErrorCode.RATE_LIMITED.value, ErrorCode.QUERY_LIMIT_EXCEEDED.value)
KEY_STATES: Final = get_args(KeyState)


class ProtectionTelemetry:
    """Observes reads, refusals, the verification keys and the limiter."""

    def __init__(self, metrics: Metrics) -> None:
        self._log: FilteringBoundLogger = structlog.get_logger(LOGGER)
        count = metrics.counter
        self._refusals = metrics.counters("refusals", "Refusals in the audit log.", "code")
        budgets = [(name,) for name in BUDGETS]
        self._budgets = metrics.counters(
            "budget_refusals", "Refusals by a viewer's budget.", "budget", known=budgets
        )
        text = "Callers without valid credentials."
        self._unauthenticated = metrics.counters("unauthenticated", text, "reason")
        self._reads = count("personal_data_reads", "Reads in the audit log that show a number or personal data.")
        self._fallbacks = count(
            "limiter_fallbacks", "Failures of Redis that made this gateway count budgets alone."
        )
        self._key_failures = count("key_set_failures", "Failed loads of the key set that verifies tokens.")
        self._keys = metrics.gauge(
            "key_set_state", "1 for the present state of the key set that verifies tokens.", "state"
        )

    def watch_keys(self, current: Callable[[], str]) -> None:
        """Expose the state of the keys that verify tokens."""
        for state in KEY_STATES:
            self._keys.labels(state).set_function(partial(lambda wanted: wanted == current(), state))

    def on_limiter_fallback(self) -> None:
        """Budgets are kept in this process, because Redis does not answer."""
        self._log.warning("budgets are kept locally: Redis does not answer")
        self._fallbacks.inc()

    def on_limiter_return(self) -> None:
        """Redis answers again."""
        self._log.info("budgets are shared again: Redis answers")

    def on_key_failure(self, reason: str) -> None:
        """The keys that verify tokens could not be loaded; the last ones stay in use until they are too old."""
        self._log.error("verification keys cannot be loaded", reason=reason)
        self._key_failures.inc()

    def count(self, event: AuditEvent) -> None:
        """Count a read or a refusal."""
        if event.action == "read":
            if event.clear:
                self._reads.inc()
            return
        code = event.code or "none"
        self._refusals[code,].inc()
        if code in _OF_BUDGETS:
            # Without a budget's name, a single card was refused.
            self._budgets[event.reason or "cards",].inc()
        elif code == ErrorCode.UNAUTHENTICATED.value:
            # Reasons are constants of ours.
            self._unauthenticated[event.reason or "none",].inc()
