"""One timer for many deadlines: it rings at the last one that was set, and is seldom started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from graph.server.timer import Alarm

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """The part of an event loop that an alarm needs, with a time that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Timer, Callable[[], None]]] = []
        self.started = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        self.started += 1
        timer = Timer()
        self.timers.append((when, timer, callback))
        return timer

    def advance(self, seconds: float) -> None:
        """Move the time, and ring what is due, each at its own time."""
        end = self.now + seconds
        while due := [entry for entry in self.timers if entry[0] <= end]:
            entry = min(due, key=lambda timer: timer[0])
            self.timers.remove(entry)
            self.now, timer, callback = max(self.now, entry[0]), entry[1], entry[2]
            if not timer.cancelled:
                callback()
        self.now = end


class Rung:
    def __init__(self) -> None:
        self.clock = Clock()
        loop: Any = self.clock
        self.at: list[float] = []
        self.alarm = Alarm(loop, lambda: self.at.append(self.clock.now - 1000))


@pytest.fixture
def rung() -> Rung:
    return Rung()


def test_an_alarm_rings_once_at_its_time(rung: Rung) -> None:
    rung.alarm.set(5)
    rung.clock.advance(4.9)
    assert rung.at == []
    rung.clock.advance(100)
    assert rung.at == [5]


def test_an_alarm_that_was_never_set_never_rings(rung: Rung) -> None:
    rung.alarm.cancel()
    rung.clock.advance(1_000)
    assert rung.at == []


def test_a_later_time_replaces_an_earlier_one(rung: Rung) -> None:
    rung.alarm.set(5)
    rung.clock.advance(3)
    rung.alarm.set(5)
    rung.clock.advance(100)
    assert rung.at == [8]


def test_an_earlier_time_replaces_a_later_one(rung: Rung) -> None:
    rung.alarm.set(75)
    rung.clock.advance(10)
    rung.alarm.set(5)
    rung.clock.advance(1_000)
    assert rung.at == [15]


def test_a_cancelled_alarm_does_not_ring(rung: Rung) -> None:
    rung.alarm.set(5)
    rung.alarm.cancel()
    rung.clock.advance(100)
    assert rung.at == []


def test_an_alarm_can_be_set_again_after_it_has_rung_or_was_cancelled(rung: Rung) -> None:
    rung.alarm.set(5)
    rung.clock.advance(10)
    rung.alarm.set(1)
    rung.clock.advance(10)
    rung.alarm.set(1)
    rung.alarm.cancel()
    rung.alarm.set(2)
    rung.clock.advance(10)
    assert rung.at == [5, 11, 22]


def test_a_timer_that_rings_a_moment_early_is_good_enough(rung: Rung) -> None:
    rung.alarm.set(5)
    _, _, ring = rung.clock.timers[0]
    rung.clock.now += 4.9995
    ring()
    assert rung.at == [pytest.approx(4.9995)]


def test_a_thousand_requests_in_a_row_start_few_timers(rung: Rung) -> None:
    for _ in range(1_000):
        rung.alarm.set(5)
        rung.alarm.set(75)
        rung.clock.advance(0.05)
    # In the 50 seconds the shorter time runs out ten times: one timer for the longer time then, one for the next.
    assert rung.clock.started <= 20
    rung.clock.advance(1_000)
    assert rung.at == [pytest.approx(999 * 0.05 + 75)]
