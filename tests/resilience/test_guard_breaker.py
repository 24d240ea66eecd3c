"""The guard: what the breaker counts, and what it admits."""

from __future__ import annotations

import asyncio

import pytest

from graph.resilience.breaker import CircuitOpenError, State
from tests.resilience.guarded import API, LASTING, PASSING, REFUSAL, FaultError, Upstream
from tests.tools import settle


async def test_failures_open_the_breaker_and_then_the_upstream_is_not_asked() -> None:
    upstream = Upstream(LASTING, LASTING)
    for _ in range(2):
        with pytest.raises(FaultError):
            await upstream.ask()
    with pytest.raises(CircuitOpenError):
        await upstream.ask()
    assert len(upstream.asked) == 2
    assert upstream.log.events == [("breaker", API, "open")]


async def test_a_call_counts_by_its_end_and_not_by_its_attempts() -> None:
    upstream = Upstream()
    upstream.answers = [PASSING, "good"] * 10
    for _ in range(10):
        assert await upstream.ask() == "good"
    assert upstream.breaker.state is State.CLOSED


async def test_answers_that_refuse_do_not_open_the_breaker() -> None:
    upstream = Upstream(*[REFUSAL] * 10)
    for _ in range(10):
        with pytest.raises(FaultError):
            await upstream.ask()
    assert upstream.breaker.state is State.CLOSED


async def open_and_wait(upstream: Upstream) -> None:
    upstream.answers = [LASTING, LASTING, *upstream.answers]
    for _ in range(2):
        with pytest.raises(FaultError):
            await upstream.ask()
    upstream.clock.now += 5
    upstream.asked.clear()


async def test_a_probe_is_one_attempt_and_closes_the_breaker_when_it_is_answered() -> None:
    upstream = Upstream(PASSING, "good")
    await open_and_wait(upstream)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert len(upstream.asked) == 1
    upstream.clock.now += 10
    assert await upstream.ask() == "good"
    assert upstream.breaker.state is State.CLOSED


async def test_a_refusal_shows_that_the_upstream_is_well() -> None:
    upstream = Upstream(REFUSAL)
    await open_and_wait(upstream)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert upstream.breaker.state is State.CLOSED


async def test_a_probe_that_is_cancelled_leaves_its_place_to_another() -> None:
    upstream = Upstream("good")
    await open_and_wait(upstream)
    upstream.gate = asyncio.Event()
    leaves = asyncio.ensure_future(upstream.ask())
    await settle()
    leaves.cancel()
    await settle()
    upstream.gate.set()
    assert await upstream.ask() == "good"


@pytest.mark.parametrize(("waited", "opens"), [(0.5, True), (0.49, False)])
async def test_callers_who_leave_after_a_good_part_of_an_attempt_do_not_hide_that_nobody_answers(
    waited: float, *, opens: bool
) -> None:
    upstream = Upstream("good", "good", slots=10)
    upstream.gate = asyncio.Event()
    for _ in range(2):
        leaves = asyncio.ensure_future(upstream.ask())
        await settle()
        upstream.clock.now += waited
        leaves.cancel()
        await settle()
    assert opens == (upstream.breaker.state is State.OPEN)
    assert opens == (upstream.slots.limit < 10)
    assert upstream.slots.in_use == 0


async def test_callers_who_leave_while_they_wait_for_a_slot_say_nothing_about_the_upstream() -> None:
    upstream = Upstream(slots=0)
    for _ in range(5):
        leaves = asyncio.ensure_future(upstream.ask())
        await settle()
        upstream.clock.now += 10
        leaves.cancel()
        await settle()
    assert upstream.breaker.state is State.CLOSED


async def test_callers_who_leave_early_in_a_further_attempt_say_nothing_about_the_upstream() -> None:
    upstream = Upstream(PASSING, PASSING, slots=10)
    for _ in range(2):
        upstream.gate = None
        leaves = asyncio.ensure_future(upstream.ask())
        # One turn to start, one for the failing attempt. The next one waits.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        upstream.gate = asyncio.Event()
        await settle()
        assert upstream.asked[-1][2] == 2
        leaves.cancel()
        await settle()
    assert upstream.breaker.state is State.CLOSED
