"""How often a call may be tried again: few times, after a random pause, and within a budget of all calls.

Without the budget, retries would multiply the load of an upstream just when it has too much of it already; see
"Addressing Cascading Failures" in Google's SRE book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often to try, how long to wait before (seconds), and what all retries together may add to the load."""

    attempts: int = 2
    backoff_min: float = 0.05
    backoff_max: float = 0.25
    budget_ratio: float = 0.1
    """Retries for each call."""
    budget_per_second: float = 3.0
    """Further retries, so that an upstream with few calls gets some, too."""
    budget_seconds: float = 10.0
    """For how long unused retries of the second kind are saved up."""


class RetryBudget:
    """A bucket of retries that calls and time fill.

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
        """Take one retry; False when none is left."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._rules.budget_per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
