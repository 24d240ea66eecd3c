"""The guard: which look-ups share a call, which take a slot, and when slots are returned."""

from __future__ import annotations

import asyncio

import pytest

from graph.resilience.breaker import State
from graph.resilience.guard import CallStats
from graph.resilience.single_flight import AbandonedError
from graph.resilience.slots import NoSlotError
from tests.resilience.guarded import API, LOST, PASSING, STALE, FaultError, Upstream
from tests.tools import settle


async def test_those_who_join_a_call_take_no_slot() -> None:
    upstream = Upstream("good", slots=1)
    upstream.gate = asyncio.Event()
    waiters = [asyncio.ensure_future(upstream.ask()) for _ in range(20)]
    await settle()
    assert upstream.slots.in_use == 1
    upstream.gate.set()
    assert await asyncio.gather(*waiters) == ["good"] * 20
    assert CallStats(attempts=1, joined=19) == upstream.stats
    assert upstream.log.events == [("joined", API)] * 19


async def test_a_call_that_everybody_has_left_while_it_waits_for_a_slot_never_asks() -> None:
    upstream = Upstream("good", "good", slots=1)
    upstream.gate = asyncio.Event()
    holds = asyncio.ensure_future(upstream.ask("a"))
    await settle()
    leaves = asyncio.ensure_future(upstream.ask("b"))
    await settle()
    leaves.cancel()
    await settle()
    upstream.gate.set()
    await holds
    await settle()
    assert [key for key, _, _ in upstream.asked] == ["a"]
    assert upstream.slots.in_use == 0


async def test_without_a_slot_in_time_the_call_is_shed_and_the_breaker_learns_nothing() -> None:
    upstream = Upstream("good", slots=0)
    for _ in range(5):
        with pytest.raises(NoSlotError):
            await upstream.ask()
    assert upstream.log.events == [("shed", API)] * 5
    assert (upstream.asked, upstream.breaker.state) == ([], State.CLOSED)


@pytest.mark.parametrize("attempts", [1, 2])
async def test_without_a_slot_for_a_further_attempt_the_failure_of_the_one_before_is_told(attempts: int) -> None:
    failures = [PASSING, STALE][:attempts]
    upstream = Upstream(*failures, slots=1)
    upstream.slot_is_taken_in_pause = attempts
    with pytest.raises(FaultError) as raised:
        await upstream.ask()
    assert failures[-1] is raised.value
    assert ("shed", API) in upstream.log.events


async def test_a_lost_call_makes_fewer_slots_and_gives_its_own_back() -> None:
    upstream = Upstream(LOST, slots=10)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert upstream.log.events == [("limit", 8)]
    assert upstream.slots.in_use == 0


async def test_good_answers_make_more_slots_again() -> None:
    upstream = Upstream("good", "good", LOST, *["good"] * 10, slots=2)
    for _ in range(2):
        await upstream.ask()
    with pytest.raises(FaultError):
        await upstream.ask()
    for _ in range(10):
        await upstream.ask()
    assert upstream.log.events == [("limit", 1), ("limit", 2)]


async def test_closing_cancels_what_is_under_way() -> None:
    upstream = Upstream("good")
    upstream.gate = asyncio.Event()
    waiter = asyncio.ensure_future(upstream.ask())
    await settle()
    await upstream.guard.aclose()
    with pytest.raises(AbandonedError):
        await waiter
    assert upstream.slots.in_use == 0
    assert {asyncio.current_task()} == asyncio.all_tasks()
