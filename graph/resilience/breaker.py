"""A circuit breaker: while most calls to an upstream fail, further ones fail at once instead of waiting for it.

    closed ── enough of the latest calls failed ──▶ open ── its time is over ──▶ half-open
       ▲                                             ▲                              │
       └───────── every probe succeeded ─────────────┼──────────────────────────────┤
                                                     └──────── a probe failed ──────┘

The pattern is Michael Nygard's ("Release It!"); the numbers are those of resilience4j.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class State(StrEnum):
    """Whether calls pass: all of them, none, or a few probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(Enum):
    """What a call told of its upstream."""

    ANSWERED = "answered"
    FAILED = "failed"
    NOTHING = "nothing"
    """It was cancelled, or never reached the upstream."""


class CircuitOpenError(Exception):
    """The upstream is left alone for now; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to open, and for how long. Seconds."""

    window: float = 10.0
    minimum_calls: int = 20
    failure_ratio: float = 0.5
    open_for: float = 5.0
    open_at_most: float = 60.0
    """Each time that the probes fail, the next time is twice as long, up to this."""
    jitter: float = 0.2
    """The part of the open time that is random, so that many gateways do not probe at the same moment."""
    probes: int = 3


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for a call; each time that it was given must be settled."""

    era: int
    probe: bool


class Breaker:
    """Counts the outcomes of calls in a sliding window, and stops them while too many fail.

    Args:
        rules: when to open.
        clock: monotonic seconds.
        random: uniform in [0, 1).
        on_change: told of each new state.
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
        self._state = State.CLOSED
        # Outcomes of calls that began before the last change of state say nothing about the time after it.
        self._era = 0
        # The one that all calls get while the breaker is closed; None in the other states.
        self._permit: Permit | None = Permit(self._era, probe=False)
        self._window = _Window(rules.window)
        self._opened_in_a_row = 0
        self._open_until = 0.0
        self._probes_under_way = 0
        self._probes_answered = 0

    @property
    def state(self) -> State:
        """The state that the last call left."""
        return self._state

    def admit(self) -> Permit:
        """Leave for one call, to be settled with its outcome.

        Raises:
            CircuitOpenError: when the upstream is to be left alone.
        """
        return self._permit or self._probe()

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        """Take note of what became of a call."""
        if permit is self._permit:
            if outcome is not Outcome.NOTHING:
                self._settle_call(outcome)
        elif permit.probe and permit.era == self._era:
            self._settle_probe(outcome)

    def _probe(self) -> Permit:
        if self._state is State.OPEN:
            left = self._open_until - self._clock()
            if left > 0:
                raise CircuitOpenError(left)
            self._enter(State.HALF_OPEN)
        if self._probes_under_way + self._probes_answered >= self._rules.probes:
            # What comes of the probes is known soon.
            raise CircuitOpenError(self._rules.open_for)
        self._probes_under_way += 1
        return Permit(self._era, probe=True)

    def _settle_call(self, outcome: Outcome) -> None:
        window, rules = self._window, self._rules
        window.add(self._clock(), failed=outcome is Outcome.FAILED)
        if window.calls >= rules.minimum_calls and window.failures >= rules.failure_ratio * window.calls:
            self._open()

    def _settle_probe(self, outcome: Outcome) -> None:
        self._probes_under_way -= 1
        if outcome is Outcome.FAILED:
            self._open()
        elif outcome is Outcome.ANSWERED:
            self._probes_answered += 1
            if self._probes_answered == self._rules.probes:
                self._opened_in_a_row = 0
                self._enter(State.CLOSED)

    def _open(self) -> None:
        rules = self._rules
        seconds = min(rules.open_for * 2.0**self._opened_in_a_row, rules.open_at_most)
        # Counted no further than it matters, for 2.0 to the power of it to stay a number.
        self._opened_in_a_row += seconds < rules.open_at_most
        self._open_until = self._clock() + seconds * (1 - rules.jitter * self._random())
        self._enter(State.OPEN)

    def _enter(self, state: State) -> None:
        self._state = state
        self._era += 1
        self._permit = Permit(self._era, probe=False) if state is State.CLOSED else None
        self._window.clear()
        self._probes_under_way = self._probes_answered = 0
        self._on_change(state)


class _Window:
    """Counts of the latest calls, kept in tenths of the window, so that its size does not depend on the load."""

    _PARTS = 10

    def __init__(self, seconds: float) -> None:
        self._part = seconds / self._PARTS
        # Of each part its number, its calls and its failures; the oldest first.
        self._counts: deque[list[int]] = deque()
        self._newest = [0, 0, 0]
        self._newest_ends = -math.inf
        self.calls = 0
        """How many calls there were in the window."""
        self.failures = 0
        """How many of them failed."""

    def add(self, now: float, *, failed: bool) -> None:
        """Count one call."""
        if now >= self._newest_ends:
            self._begin_part(int(now / self._part))
        newest = self._newest
        newest[1] += 1
        newest[2] += failed
        self.calls += 1
        self.failures += failed

    def clear(self) -> None:
        """Forget everything."""
        self._counts.clear()
        self._newest_ends = -math.inf
        self.calls = self.failures = 0

    def _begin_part(self, part: int) -> None:
        while self._counts and self._counts[0][0] <= part - self._PARTS:
            _, calls, failures = self._counts.popleft()
            self.calls -= calls
            self.failures -= failures
        self._newest = [part, 0, 0]
        self._newest_ends = (part + 1) * self._part
        self._counts.append(self._newest)
