"""One timer for many things that expire at moments that may change."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from graph.resilience.deadline import DeadlineTimer
from tests.resilience.clocks import HandTimedLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Watch:
    """A timer, and a loop whose time the test controls."""

    def __init__(self, loop: HandTimedLoop) -> None:
        self.loop = loop
        self.timer = DeadlineTimer()
        self.expired: list[tuple[str, float]] = []
        self._began = loop.now

    def note(self, name: str) -> None:
        self.expired.append((name, round(self.loop.now - self._began, 4)))

    def advance(self, seconds: float) -> None:
        """Let time pass within a running loop."""

        async def passing() -> None:
            self.loop.advance(seconds)

        self.loop.run_until_complete(passing())

    def within(self, thing: Thing, seconds: float) -> Thing:
        """Watch a thing that expires in so many seconds."""

        async def watching() -> None:
            thing.at = self.loop.now + seconds
            self.timer.watch(thing)

        self.loop.run_until_complete(watching())
        return thing


class Thing:
    def __init__(self, watch: Watch, name: str = "it", then: Callable[[], object] = lambda: None) -> None:
        self.at = math.inf
        self._watch = watch
        self._name = name
        self._then = then

    def expire(self) -> None:
        self._watch.note(self._name)
        self._then()


@pytest.fixture
def watch() -> Iterator[Watch]:
    loop = HandTimedLoop()
    yield Watch(loop)
    loop.close()


def test_a_thing_expires_once_at_its_moment(watch: Watch) -> None:
    watch.within(Thing(watch), 5)
    watch.advance(4.9)
    assert watch.expired == []
    watch.advance(100)
    assert watch.expired == [("it", 5)]
    assert len(watch.timer) == 0


def test_a_later_moment_is_only_noted(watch: Watch) -> None:
    thing = watch.within(Thing(watch), 5)
    watch.advance(3)
    thing.at += 3
    assert len(watch.loop.timers) == 1
    watch.advance(100)
    assert watch.expired == [("it", 8)]


def test_an_earlier_moment_replaces_a_later_one(watch: Watch) -> None:
    thing = watch.within(Thing(watch), 75)
    watch.advance(10)
    watch.within(thing, 5)
    watch.advance(1_000)
    assert watch.expired == [("it", 15)]


def test_a_thing_that_waits_for_nothing_does_not_expire_and_needs_no_timer(watch: Watch) -> None:
    thing = watch.within(Thing(watch), 5)
    thing.at = math.inf
    watch.advance(1_000)
    assert watch.expired == []
    assert len(watch.loop.timers) == 1
    watch.within(thing, 5)
    watch.advance(1_000)
    assert watch.expired == [("it", 1_005)]


def test_a_forgotten_thing_does_not_expire(watch: Watch) -> None:
    watch.timer.forget(watch.within(Thing(watch), 5))
    watch.advance(100)
    assert watch.expired == []


def test_each_thing_expires_at_its_own_moment(watch: Watch) -> None:
    for name, seconds in (("third", 7), ("first", 1), ("second", 3)):
        watch.within(Thing(watch, name), seconds)
    watch.advance(100)
    assert watch.expired == [("first", 1), ("second", 3), ("third", 7)]


def test_a_thing_may_be_watched_again_once_it_has_expired(watch: Watch) -> None:
    def again() -> None:
        thing.at = watch.loop.now + 2 if len(watch.expired) < 3 else math.inf
        watch.timer.watch(thing)

    thing = Thing(watch, then=again)
    watch.within(thing, 5)
    watch.advance(100)
    assert watch.expired == [("it", 5), ("it", 7), ("it", 9)]


def test_what_the_end_of_another_thing_has_ended_or_put_off_does_not_expire(watch: Watch) -> None:
    def end_others() -> None:
        ended, put_off = [thing for thing in things if thing._name != watch.expired[0][0]]
        watch.timer.forget(ended)
        put_off.at = math.inf

    things = [Thing(watch, str(number), end_others) for number in range(3)]
    for thing in things:
        watch.within(thing, 5)
    watch.advance(100)
    assert len(watch.expired) == 1


def test_a_fault_at_the_end_of_one_thing_leaves_the_others_their_end(watch: Watch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    for name, seconds in (("one", 5), ("two", 5), ("three", 6)):
        watch.within(Thing(watch, name, fail), seconds)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            watch.advance(10)
    assert {name for name, _ in watch.expired} == {"one", "two", "three"}


def test_a_thousand_requests_in_a_row_set_few_timers(watch: Watch) -> None:
    thing = Thing(watch)
    for _ in range(1_000):
        watch.within(thing, 5)
        watch.within(thing, 75)
        watch.advance(0.05)
    # The shorter time expires ten times in 50 seconds: each time a timer for the longer one, then for the next.
    assert len(watch.loop.timers) <= 20
    watch.advance(1_000)
    assert watch.expired == [("it", round(999 * 0.05 + 75, 4))]


def test_many_moments_close_together_share_their_look(watch: Watch) -> None:
    for number in range(1_000):
        watch.within(Thing(watch, str(number)), 5 + number / 10_000)
    watch.advance(100)
    assert len(watch.expired) == 1_000
    assert len(watch.loop.timers) <= 15


async def test_it_rings_on_a_real_loop() -> None:
    loop = asyncio.get_running_loop()
    passed: asyncio.Future[float] = loop.create_future()

    class Real:
        at = loop.time() + 0.02

        def expire(self) -> None:
            passed.set_result(loop.time() - self.at)

    DeadlineTimer().watch(Real())
    assert await passed > -0.002
