"""Limits retries to a budget that all calls share.

Without it, retries would multiply the load of an upstream that is overloaded already; see "Addressing Cascading
Failures" in Google's SRE book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class RetryRules:
    """Attempts of a call, pauses between them in seconds, and how many retries all calls may use together."""

    attempts: int = 2
    """Per call. A third one would hardly fit into its time."""
    backoff_min: float = 0.05
    backoff_max: float = 0.25
    """A tenth of the time that a call has by default."""
    budget_ratio: float = 0.1
    """Retries that each call adds to the budget: a tenth more load, as Google's SRE book has it."""
    budget_per_second: float = 3.0
    """Extra retries per second on top of the ratio, so that quiet gateways can retry."""
    budget_seconds: float = 10.0
    """How many seconds' worth of unused retries accumulate."""


class RetryBudget:
    """A token bucket of retries, filled by calls and by time.

    Args:
        rules: how fast it fills.
        clock: monotonic seconds.
    """

    def __init__(self, rules: RetryRules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._most = max(1.0, rules.budget_per_second * rules.budget_seconds)
        self._left = self._most
        self._at = clock()

    def deposit(self) -> None:
        """Count one call."""
        if self._left < self._most:
            self._left = min(self._most, self._left + self._rules.budget_ratio)

    def withdraw(self) -> bool:
        """Take one retry; returns whether there was one."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._rules.budget_per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
