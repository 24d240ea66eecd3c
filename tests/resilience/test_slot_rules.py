"""Slots: how many calls may run, who gets the next slot, and how the limit adapts to the upstream."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.resilience.slots import NoSlotError, SlotRules, Slots
from tests.resilience.clocks import Clock, HandTimedLoop
from tests.tools import settle

PATIENT = 60.0


def slots_of(most: int = 2, least: int = 1) -> tuple[Slots, Clock, list[int]]:
    clock = Clock()
    limits: list[int] = []
    return Slots(SlotRules(most=most, least=least), clock, limits.append), clock, limits


def take(slots: Slots, wait: float = PATIENT) -> asyncio.Task[None]:
    return asyncio.ensure_future(slots.take(wait))


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert SlotRules(64, 4, 0.8, 1.0) == SlotRules()


async def test_as_many_as_there_are_slots_pass_and_the_others_wait_in_their_order() -> None:
    slots, _, _ = slots_of()
    tasks = [take(slots) for _ in range(4)]
    await settle()
    assert [task.done() for task in tasks] == [True, True, False, False]
    slots.release(lost=False)
    await settle()
    assert [task.done() for task in tasks] == [True, True, True, False]
    slots.release(lost=False)
    await settle()
    assert tasks[3].done()
    assert slots.in_use == 2


async def test_who_comes_later_does_not_overtake() -> None:
    slots, _, _ = slots_of(most=1)
    await slots.take(PATIENT)
    waits = take(slots)
    await settle()
    slots.release(lost=False)
    comes_later = take(slots)
    await settle()
    assert (waits.done(), comes_later.done()) == (True, False)
    comes_later.cancel()


async def test_who_waits_too_long_gets_none() -> None:
    slots, _, _ = slots_of(most=1)
    await slots.take(PATIENT)
    with pytest.raises(NoSlotError):
        await slots.take(0.001)
    slots.release(lost=False)
    assert slots.in_use == 0
    await slots.take(PATIENT)


@pytest.mark.parametrize("wait", [0, -1])
async def test_who_has_no_time_left_gets_a_free_slot_or_none(wait: float) -> None:
    slots, _, _ = slots_of(most=1)
    await slots.take(wait)
    with pytest.raises(NoSlotError):
        await slots.take(wait)


async def test_a_waiter_that_leaves_is_passed_over() -> None:
    slots, _, _ = slots_of(most=1)
    await slots.take(PATIENT)
    leaves, stays = take(slots), take(slots)
    await settle()
    leaves.cancel()
    await settle()
    slots.release(lost=False)
    await settle()
    assert stays.done()
    assert slots.in_use == 1


async def test_a_slot_that_is_given_to_a_waiter_that_just_leaves_goes_to_the_next() -> None:
    slots, _, _ = slots_of(most=1)
    await slots.take(PATIENT)
    leaves, stays = take(slots), take(slots)
    await settle()
    slots.release(lost=False)
    leaves.cancel()
    await settle()
    assert leaves.cancelled()
    assert stays.done()
    assert slots.in_use == 1


def test_who_leaves_in_the_moment_in_which_its_time_is_over_gives_no_slot_back() -> None:
    loop = HandTimedLoop()

    async def run() -> None:
        slots, _, _ = slots_of(most=1)
        await slots.take(PATIENT)
        leaves = take(slots)
        await settle()
        loop.ring()
        leaves.cancel()
        await settle()
        assert leaves.cancelled()
        assert slots.in_use == 1

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


def test_who_got_a_slot_or_left_leaves_no_timer_behind() -> None:
    loop = HandTimedLoop()

    async def run() -> None:
        slots, _, _ = slots_of(most=1)
        await slots.take(PATIENT)
        gets_one, leaves = take(slots), take(slots)
        await settle()
        slots.release(lost=None)
        leaves.cancel()
        await settle()
        assert gets_one.done()
        assert [timer.cancelled() for timer in loop.timers] == [True, True]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


async def test_a_lost_call_makes_a_fifth_fewer_slots_and_no_more_than_once_a_second() -> None:
    slots, clock, limits = slots_of(most=10)
    for _ in range(3):
        await slots.take(PATIENT)
        slots.release(lost=True)
    assert slots.limit == 8
    clock.now += 1
    await slots.take(PATIENT)
    slots.release(lost=True)
    assert limits == [8, 6]


async def test_there_are_never_fewer_than_the_least() -> None:
    slots, clock, limits = slots_of(most=3, least=2)
    for _ in range(5):
        clock.now += 1
        await slots.take(PATIENT)
        slots.release(lost=True)
    assert limits == [2]


async def test_a_round_of_good_answers_makes_one_more_up_to_the_most() -> None:
    slots, _, limits = slots_of(most=10)
    await slots.take(PATIENT)
    slots.release(lost=True)
    for _ in range(40):
        for _ in range(8):
            await slots.take(PATIENT)
        for _ in range(8):
            slots.release(lost=False)
    assert limits == [8, 9, 10]


async def test_answers_that_need_few_slots_do_not_show_that_there_could_be_more() -> None:
    slots, _, limits = slots_of(most=10)
    await slots.take(PATIENT)
    slots.release(lost=True)
    for _ in range(100):
        await slots.take(PATIENT)
        slots.release(lost=False)
    assert limits == [8]


async def test_a_call_that_tells_nothing_changes_nothing() -> None:
    slots, _, limits = slots_of()
    for _ in range(10):
        await slots.take(PATIENT)
        slots.release(lost=None)
    assert limits == []


def test_a_good_answer_counts_as_soon_as_half_of_the_limit_is_in_use() -> None:
    slots, _, _ = slots_of(most=10)
    assert all(slots.try_take() for _ in range(10))
    slots.release(lost=True)
    for _ in range(5):
        slots.release(lost=None)
    assert (slots.limit, slots.in_use) == (8, 4)
    slots.release(lost=False)
    # One more than eight slots take nine good answers, of which that one was the first.
    for steps in range(8):
        assert slots.limit == 8, steps
        while slots.in_use < 6:
            assert slots.try_take()
        slots.release(lost=False)
    assert slots.limit == 9


async def test_fewer_slots_hold_back_those_who_come_until_enough_are_free() -> None:
    slots, _, _ = slots_of(most=5)
    for _ in range(5):
        await slots.take(PATIENT)
    slots.release(lost=True)
    waits = take(slots)
    await settle()
    assert (slots.limit, slots.in_use, waits.done()) == (4, 4, False)
    slots.release(lost=None)
    await settle()
    assert waits.done()


@given(st.lists(st.sampled_from(["take", "leave", "good", "lost", "unknown", "second"]), max_size=80))
def test_slots_in_use_are_counted_right_whatever_happens(steps: list[str]) -> None:
    async def run() -> None:
        slots, clock, _ = slots_of(most=4)
        waiting: list[asyncio.Task[None]] = []
        held = 0
        for step in steps:
            if step == "take":
                waiting.append(take(slots))
            elif step == "leave" and waiting:
                waiting.pop().cancel()
            elif step == "second":
                clock.now += 1
            elif step in ("good", "lost", "unknown") and held:
                held -= 1
                slots.release(lost={"good": False, "lost": True, "unknown": None}[step])
            await settle()
            held += sum(task.done() for task in waiting)
            waiting = [task for task in waiting if not task.done()]
            assert held == slots.in_use
            assert 1 <= slots.limit <= 4
            assert not waiting or slots.in_use >= slots.limit
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())
