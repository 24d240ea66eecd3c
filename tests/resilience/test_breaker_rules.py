"""The circuit breaker: when it opens, for how long, and how it recovers."""

from __future__ import annotations

import pytest

from graph.resilience.breaker import Breaker, BreakerRules, CircuitOpenError, State
from tests.resilience.clocks import Clock

RULES = BreakerRules()
FAILED, ANSWERED, NOTHING = True, False, None


class Watched:
    """A breaker whose clock and random numbers a test controls."""

    def __init__(self, rules: BreakerRules = RULES) -> None:
        self.clock = Clock()
        self.chance = 0.0
        self.changes: list[State] = []
        self.breaker = Breaker(rules, self.clock, lambda: self.chance, self.changes.append)

    def calls(self, failed: bool | None, number: int = 1) -> None:
        for _ in range(number):
            self.breaker.settle(self.breaker.admit(), failed=failed)

    def opened(self) -> float:
        """Open it; returns for how many seconds."""
        self.calls(FAILED, RULES.minimum_calls)
        return self.refused()

    def refused(self) -> float:
        with pytest.raises(CircuitOpenError) as refusal:
            self.breaker.admit()
        return refusal.value.retry_after

    def probes(self, number: int = 3) -> list[int]:
        permits = [self.breaker.admit() for _ in range(number)]
        assert self.breaker.state is State.HALF_OPEN
        return permits


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert BreakerRules(10.0, 20, 0.5, 5.0, 60.0, 0.2, 3) == RULES


def test_it_opens_when_half_of_twenty_calls_failed() -> None:
    watched = Watched()
    watched.calls(ANSWERED, 10)
    watched.calls(FAILED, 9)
    assert watched.breaker.state is State.CLOSED
    watched.calls(FAILED)
    assert watched.changes == [State.OPEN]
    assert watched.refused() == 5.0


def test_fewer_than_twenty_calls_prove_nothing() -> None:
    watched = Watched()
    watched.calls(FAILED, 19)
    assert watched.changes == []


def test_less_than_half_is_not_enough() -> None:
    watched = Watched()
    watched.calls(ANSWERED, 1_001)
    watched.calls(FAILED, 1_000)
    assert watched.changes == []


def test_what_tells_nothing_is_not_counted() -> None:
    watched = Watched()
    watched.calls(FAILED, 19)
    watched.calls(NOTHING, 100)
    assert watched.changes == []


def test_failures_that_are_ten_seconds_old_do_not_count() -> None:
    watched = Watched()
    watched.calls(FAILED, 19)
    watched.clock.now += 9
    watched.calls(NOTHING)
    watched.clock.now += 1
    watched.calls(FAILED)
    assert watched.changes == []
    watched.calls(FAILED, 19)
    assert watched.changes == [State.OPEN]


def test_while_open_every_call_is_refused_and_told_how_long_to_wait() -> None:
    watched = Watched()
    assert watched.opened() == 5.0
    watched.clock.now += 4.5
    assert watched.refused() == 0.5
    assert watched.breaker.state is State.OPEN


def test_after_its_time_three_probes_pass_and_no_more() -> None:
    watched = Watched()
    watched.clock.now += watched.opened()
    watched.probes()
    assert watched.changes == [State.OPEN, State.HALF_OPEN]
    assert watched.refused() == 5.0


def test_it_closes_when_every_probe_was_answered() -> None:
    watched = Watched()
    watched.clock.now += watched.opened()
    probes = watched.probes()
    for probe in probes[:2]:
        watched.breaker.settle(probe, failed=ANSWERED)
    assert watched.changes == [State.OPEN, State.HALF_OPEN]
    watched.refused()
    watched.breaker.settle(probes[2], failed=ANSWERED)
    assert watched.breaker.state is State.CLOSED
    watched.breaker.admit()
    assert watched.breaker.state is State.CLOSED


def test_a_probe_that_tells_nothing_makes_room_for_another() -> None:
    watched = Watched()
    watched.clock.now += watched.opened()
    probes = watched.probes()
    watched.breaker.settle(probes[0], failed=NOTHING)
    watched.probes(1)
    watched.refused()


def test_each_failed_round_of_probes_doubles_the_time_up_to_a_minute() -> None:
    watched = Watched()
    seconds = [watched.opened()]
    for _ in range(6):
        watched.clock.now += seconds[-1]
        watched.breaker.settle(watched.probes(1)[0], failed=FAILED)
        seconds.append(watched.refused())
    assert seconds == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_once_it_was_closed_the_time_starts_anew() -> None:
    watched = Watched()
    watched.clock.now += watched.opened()
    watched.breaker.settle(watched.probes(1)[0], failed=FAILED)
    watched.clock.now += watched.refused()
    for probe in watched.probes():
        watched.breaker.settle(probe, failed=ANSWERED)
    assert watched.opened() == 5.0


def test_a_part_of_the_time_is_random_and_never_longer_than_the_bound() -> None:
    watched = Watched()
    watched.chance = 0.5
    assert watched.opened() == pytest.approx(4.5)


def test_what_began_before_a_change_says_nothing_about_the_time_after() -> None:
    watched = Watched()
    late = [watched.breaker.admit() for _ in range(50)]
    watched.clock.now += watched.opened()
    probes = watched.probes()
    for permit in late:
        watched.breaker.settle(permit, failed=FAILED)
    assert watched.breaker.state is State.HALF_OPEN
    for probe in probes:
        watched.breaker.settle(probe, failed=ANSWERED)
    for permit in late:
        watched.breaker.settle(permit, failed=FAILED)
    assert watched.changes == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_what_failed_before_it_opened_does_not_open_it_again() -> None:
    watched = Watched()
    watched.clock.now += watched.opened()
    for probe in watched.probes():
        watched.breaker.settle(probe, failed=ANSWERED)
    watched.calls(FAILED, 19)
    assert watched.breaker.state is State.CLOSED


def test_a_probe_that_ends_after_the_next_round_began_is_none_of_it() -> None:
    watched = Watched()
    watched.clock.now += watched.opened()
    late, failed = watched.probes(2)
    watched.breaker.settle(failed, failed=FAILED)
    watched.clock.now += watched.refused()
    watched.probes()
    watched.breaker.settle(late, failed=FAILED)
    assert watched.breaker.state is State.HALF_OPEN
    watched.breaker.settle(late, failed=NOTHING)
    watched.refused()


def test_calls_that_follow_at_once_when_it_closes_grow_old_like_any_others() -> None:
    rules = BreakerRules(window=10, minimum_calls=2, failure_ratio=1.0, open_for=0.1, jitter=0, probes=1)
    watched = Watched(rules)
    watched.calls(FAILED, 2)
    watched.clock.now += 0.1
    watched.calls(ANSWERED)
    watched.calls(ANSWERED)
    watched.clock.now += 20
    watched.calls(FAILED, 2)
    assert watched.changes == [State.OPEN, State.HALF_OPEN, State.CLOSED, State.OPEN]
