"""A circuit breaker: while too many calls to an upstream fail, further ones fail at once.

    closed ── too many recent calls failed ──▶ open ── its time is over ──▶ half-open
       ▲                                        ▲                              │
       └───────── every probe succeeded ────────┼──────────────────────────────┤
                                                └──────── a probe failed ──────┘

The pattern is Michael Nygard's ("Release It!"); the failure ratio is resilience4j's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class State(StrEnum):
    """All calls pass, none, or a few probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitOpenError(Exception):
    """The breaker is open; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to open, and for how long. Seconds.

    The ratio is resilience4j's default. The window is time instead of its 100 calls, so that an upstream that is
    down is noticed within seconds at any load.
    """

    window: float = 10.0
    """Seconds over which calls are counted."""
    minimum_calls: int = 20
    """Minimum calls in the window before the breaker can open: fewer could fail by chance."""
    failure_ratio: float = 0.5
    """The breaker opens when at least this share of the calls in the window failed."""
    open_for: float = 5.0
    """How long the breaker stays open; doubles whenever probing fails."""
    open_at_most: float = 60.0
    """The longest open time, so that a recovered upstream is noticed within a minute."""
    jitter: float = 0.2
    """The random part of the open time, so that gateways do not all probe at the same moment."""
    probes: int = 3
    """Calls that probe the upstream then; the breaker closes when all of them succeed."""


class Breaker:
    """Counts calls in a sliding window, and rejects further ones while too many fail.

    Args:
        rules: when to open.
        clock: monotonic seconds.
        random: uniform in [0, 1).
        on_change: called with each new state.
    """

    def __init__(
        self,
        rules: BreakerRules,
        clock: Callable[[], float],
        random: Callable[[], float],
        on_change: Callable[[State], None] = lambda _state: None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self.state = State.CLOSED
        """The state after the latest call; right after `admit`, the state in which the call was admitted."""
        self._generation = 0
        self._window = _Window(rules.window)
        self._opened_in_a_row = 0
        self._open_until = 0.0
        self._probes_under_way = 0
        self._probes_answered = 0

    def admit(self) -> int:
        """Admit one call, to be settled when it is over; returns the number of the state's generation.

        Raises:
            CircuitOpenError: the breaker is open.
        """
        if self.state is State.CLOSED:
            return self._generation
        if self.state is State.OPEN:
            left = self._open_until - self._clock()
            if left > 0:
                raise CircuitOpenError(left)
            self._enter(State.HALF_OPEN)
        if self._probes_under_way + self._probes_answered >= self._rules.probes:
            # The probes will decide soon.
            raise CircuitOpenError(self._rules.open_for)
        self._probes_under_way += 1
        return self._generation

    def settle(self, generation: int, *, failed: bool | None) -> None:
        """Record the outcome of a call.

        Args:
            generation: what `admit` returned for it.
            failed: whether the upstream failed; None if the call was cancelled or never reached the upstream.
        """
        # A call that began before the last change of state says nothing about the current one.
        if generation != self._generation:
            return
        if self.state is State.HALF_OPEN:
            self._settle_probe(failed=failed)
        elif failed is not None:
            self._settle_call(failed=failed)

    def _settle_call(self, *, failed: bool) -> None:
        window, rules = self._window, self._rules
        window.add(self._clock(), failed=failed)
        if window.calls >= rules.minimum_calls and window.failures >= rules.failure_ratio * window.calls:
            self._open()

    def _settle_probe(self, *, failed: bool | None) -> None:
        self._probes_under_way -= 1
        if failed:
            self._open()
        elif failed is False:
            self._probes_answered += 1
            if self._probes_answered == self._rules.probes:
                self._opened_in_a_row = 0
                self._enter(State.CLOSED)

    def _open(self) -> None:
        rules = self._rules
        seconds = min(rules.open_for * 2.0**self._opened_in_a_row, rules.open_at_most)
        # Counts no further than it matters, so that the power above cannot overflow.
        self._opened_in_a_row += seconds < rules.open_at_most
        self._open_until = self._clock() + seconds * (1 - rules.jitter * self._random())
        self._enter(State.OPEN)

    def _enter(self, state: State) -> None:
        self.state = state
        self._generation += 1
        self._window.clear()
        self._probes_under_way = self._probes_answered = 0
        self._on_change(state)


class _Window:
    """Counts recent calls in tenths of the window, so that its size does not depend on the load."""

    _PARTS = 10

    def __init__(self, seconds: float) -> None:
        self._part = seconds / self._PARTS
        # Number, calls and failures of each part, oldest first.
        self._counts: deque[list[int]] = deque()
        self.calls = 0
        self.failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        """Count one call."""
        part = int(now / self._part)
        while self._counts and self._counts[0][0] <= part - self._PARTS:
            _, calls, failures = self._counts.popleft()
            self.calls -= calls
            self.failures -= failures
        if not self._counts or self._counts[-1][0] < part:
            self._counts.append([part, 0, 0])
        newest = self._counts[-1]
        newest[1] += 1
        newest[2] += failed
        self.calls += 1
        self.failures += failed

    def clear(self) -> None:
        """Forget everything."""
        self._counts.clear()
        self.calls = self.failures = 0
