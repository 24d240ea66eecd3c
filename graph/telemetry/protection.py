"""Who reads what and who is refused: lines of the audit log, and figures of all of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

from graph.security.sampling import RefusalSampler
from graph.telemetry.logs import LOGGER
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from structlog.typing import FilteringBoundLogger

    from graph.security.audit import AuditEvent
    from graph.telemetry.audit_log import AuditLog
    from graph.telemetry.metrics import Metrics

BUDGETS: Final = ("requests", "cost", "cards")
KEY_STATES: Final = ("none", "loaded", "stale", "missing")


class ProtectionTelemetry:
    """Tells of the protection. It is the `Recorder` of reads and refusals.

    Args:
        metrics: where they are counted.
        audit: where they are written.
    """

    def __init__(self, metrics: Metrics, audit: AuditLog) -> None:
        self._log: FilteringBoundLogger = structlog.get_logger(LOGGER)
        self._audit = audit
        self._sampler = RefusalSampler(time.monotonic)
        count = metrics.counter
        self._refusals = metrics.counters("refusals", "Refusals in the audit log.", "code")
        budgets = [(name,) for name in BUDGETS]
        self._budgets = metrics.counters(
            "budget_refusals", "Refusals of a viewer's budget.", "budget", known=budgets
        )
        text = "Callers without valid credentials."
        self._unauthenticated = metrics.counters("unauthenticated", text, "reason")
        self._reads = count("personal_data_reads", "Reads of personal data in the audit log.")
        self._fallbacks = count("limiter_fallbacks", "Failures of Redis, after which budgets are kept locally.")
        self._key_failures = count("key_set_failures", "Failed loads of the keys that verify tokens.")
        self._keys = metrics.gauge("key_set_state", "1 for the state of the keys that verify tokens.", "state")
        available = metrics.gauge("audit_available", "1 while the audit log can be written.")
        available.set_function(lambda: self.available)
        text = "Audit events that could not be written; personal data was not given out for them."
        metrics.read_counter("audit_unwritten", text, lambda: audit.unwritten)

    def watch_keys(self, current: Callable[[], str]) -> None:
        """Show the state of the keys that verify tokens."""

        def show(state: str) -> None:
            self._keys.labels(state).set_function(lambda: state == current())

        for state in KEY_STATES:
            show(state)

    @property
    def available(self) -> bool:
        """Whether the audit log can be written."""
        return self._audit.available

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Put events into the audit log, if that can be done; whether it is."""
        written = self._audit.record(events)
        if written:
            for event in events:
                self._count(event)
        return written

    def on_refused(self, event: AuditEvent) -> None:
        """A caller was refused before anything was executed."""
        if event.viewer_id is None:
            # Nobody knows who that is, and anybody can send as many requests as the network carries.
            left_out = self._sampler.admit(event.address)
            if left_out is None:
                self._count(event)
                return
            event = event._replace(left_out=left_out)
        self.record((event,))

    def on_limiter_fallback(self) -> None:
        """Budgets are kept by this process alone, because Redis does not answer."""
        self._log.warning("budgets are kept locally: Redis does not answer")
        self._fallbacks.inc()

    def on_key_failure(self, reason: str) -> None:
        """The keys that verify tokens could not be loaded; the last ones serve while they are not too old."""
        self._log.error("verification keys cannot be loaded", reason=reason)
        self._key_failures.inc()

    def reopen_files(self) -> None:
        """Go on in the files that have the names now."""
        self._audit.reopen()
        self._sampler.forget()

    def _count(self, event: AuditEvent) -> None:
        if event.action == "read":
            self._reads.inc()
            return
        code = event.code or "none"
        self._refusals[code,].inc()
        if code == ErrorCode.RATE_LIMITED.value:
            # Where no budget is named, a single card was refused.
            self._budgets[event.reason or "cards",].inc()
        elif code == ErrorCode.UNAUTHENTICATED.value:
            # Reasons are constants of this code base.
            self._unauthenticated[event.reason or "none",].inc()
