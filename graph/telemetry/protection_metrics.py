"""Who is refused, which budgets are spent, and whether what the protection leans on is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graph.telemetry.families import Counts, Readings
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from graph.security.audit import AuditEvent

BUDGETS: Final = ("requests", "cost", "cards")
KEY_STATES: Final = ("none", "loaded", "stale", "missing")


class ProtectionMetrics:
    """Counts audit events and failures of the protection.

    Args:
        registry: where the metrics are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

        def counts(name: str, text: str, *labels: str, known: tuple[str, ...] = ()) -> Counts:
            return Counts(registry, f"konagraph_{name}", text, labels, [(value,) for value in known])

        self._refusals = counts("refusals", "Refusals in the audit log.", "code")
        self._budgets = counts("budget_refusals", "Refusals of a viewer's budget.", "budget", known=BUDGETS)
        self._unauthenticated = counts("unauthenticated", "Callers without valid credentials.", "reason")
        self._reads = counts("personal_data_reads", "Reads of personal data in the audit log.")
        self._fallbacks = counts("limiter_fallbacks", "Failures of Redis, after which budgets are kept locally.")
        self._key_failures = counts("key_set_failures", "Failed loads of the keys that verify tokens.")

    def watch_keys(self, state: Callable[[], str]) -> None:
        """Show the state of the keys that verify tokens."""

        def series() -> list[tuple[tuple[str, ...], float]]:
            current = state()
            return [((name,), float(name == current)) for name in KEY_STATES]

        text = "1 for the state of the keys that verify tokens."
        Readings(self._registry, "konagraph_key_set_state", text, series, ["state"])

    def on_event(self, event: AuditEvent) -> None:
        """One line was written to the audit log."""
        if event.action == "read":
            self._reads.add()
            return
        code = event.code or "none"
        self._refusals.add(code)
        if code == ErrorCode.RATE_LIMITED.value:
            # Where no budget is named, a single card was refused.
            self._budgets.add(event.reason or "cards")
        elif code == ErrorCode.UNAUTHENTICATED.value:
            # Reasons are constants of this code base.
            self._unauthenticated.add(event.reason or "none")

    def on_limiter_fallback(self) -> None:
        """Redis did not answer."""
        self._fallbacks.add()

    def on_key_failure(self) -> None:
        """The keys that verify tokens could not be loaded."""
        self._key_failures.add()
