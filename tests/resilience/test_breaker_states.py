"""The circuit breaker as a state machine: random calls, failures and pauses, compared with a naive model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from graph.resilience.breaker import Breaker, BreakerRules, CircuitOpenError, State
from tests.resilience.clocks import Clock
from tests.tools import examples

RULES = BreakerRules(
    window=10, minimum_calls=4, failure_ratio=0.5, open_for=4, open_at_most=16, jitter=0, probes=2
)


class BreakerMachine(RuleBasedStateMachine):
    """Keeps everything since the last change of state, and derives from it what must follow."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(RULES, self.clock, lambda: 0.0)
        self.state = State.CLOSED
        self.history: list[tuple[float, bool]] = []
        self.under_way: list[tuple[int, int]] = []
        self.changes = 0
        self.opened_at = 0.0
        self.failed_rounds = 0

    def change(self, state: State) -> None:
        self.state = state
        self.history = []
        self.changes += 1
        if state is State.OPEN:
            self.opened_at = self.clock.now

    def probing(self) -> int:
        return sum(era == self.changes for _, era in self.under_way)

    @rule()
    def call(self) -> None:
        length = min(4 * 2**self.failed_rounds, 16)
        if self.state is State.OPEN and self.clock.now >= self.opened_at + length:
            self.change(State.HALF_OPEN)
        passes = self.state is State.CLOSED or (
            self.state is State.HALF_OPEN and self.probing() + len(self.history) < RULES.probes
        )
        if not passes:
            with pytest.raises(CircuitOpenError) as refusal:
                self.breaker.admit()
            assert refusal.value.retry_after > 0
            return
        permit = self.breaker.admit()
        assert self.breaker.state is self.state
        self.under_way.append((permit, self.changes))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 1_000), failed=st.sampled_from([True, False, None]))
    def end(self, which: int, failed: bool | None) -> None:
        permit, era = self.under_way.pop(which % len(self.under_way))
        self.breaker.settle(permit, failed=failed)
        if era != self.changes or failed is None:
            return
        self.history.append((self.clock.now, failed))
        if self.state is State.HALF_OPEN:
            self.after_probe(failed=failed)
        elif self.too_many_failed():
            self.change(State.OPEN)

    def after_probe(self, *, failed: bool) -> None:
        if failed:
            self.failed_rounds += 1
            self.change(State.OPEN)
        elif len(self.history) == RULES.probes:
            self.failed_rounds = 0
            self.change(State.CLOSED)

    def too_many_failed(self) -> bool:
        latest = [failed for at, failed in self.history if at > self.clock.now - RULES.window]
        return len(latest) >= RULES.minimum_calls and 2 * latest.count(True) >= len(latest)

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def agrees(self) -> None:
        assert self.state is self.breaker.state


TestBreakerStates = BreakerMachine.TestCase
TestBreakerStates.settings = settings(max_examples=examples(200), stateful_step_count=60)
