"""Single flight: waiters leave independently, the last one cancels the call; closing cancels all."""

from __future__ import annotations

import asyncio
import gc

import pytest

from graph.resilience.single_flight import AbandonedError, SingleFlight
from tests.resilience.flights import Work
from tests.tools import settle


async def test_a_waiter_that_leaves_does_not_disturb_the_others() -> None:
    work = Work()
    first, second, third = (work.ask() for _ in range(3))
    await settle()
    first.cancel()
    third.cancel()
    await settle()
    assert work.cancelled == 0
    work.results[0].set_result("done")
    assert await second == "done"


async def test_the_call_is_cancelled_when_the_last_waiter_leaves() -> None:
    work = Work()
    waiters = [work.ask() for _ in range(3)]
    await settle()
    for waiter in waiters[:2]:
        waiter.cancel()
    await settle()
    assert work.cancelled == 0
    waiters[2].cancel()
    await settle()
    assert (work.cancelled, len(work.flights)) == (1, 0)
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_a_waiter_that_leaves_in_time_leaves_the_call_to_the_others() -> None:
    work = Work()
    stays = work.ask()
    await settle()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await work.ask()
    work.results[0].set_result("done")
    assert await stays == "done"


async def test_nobody_joins_a_call_that_is_being_cancelled() -> None:
    work = Work()
    leaves = work.ask()
    await settle()
    leaves.cancel()
    await asyncio.sleep(0)
    comes = work.ask()
    await settle()
    assert len(work.results) == 2
    work.results[1].set_result("new")
    assert await comes == "new"


async def test_a_cancelled_call_that_takes_its_time_to_end_is_not_joined_and_not_forgotten() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    may_end = asyncio.Event()
    ended = False

    async def stubborn() -> str:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            ended = True
        return ""

    async def quick() -> str:
        return "new"

    leaves = flights.begin("card", stubborn())
    await settle()
    leaves.cancel()
    await settle()
    assert flights.join("card") is None
    assert await flights.begin("card", quick()) == "new"
    closing = asyncio.ensure_future(flights.aclose())
    await settle()
    assert not closing.done()
    may_end.set()
    await closing
    assert ended


async def test_a_failure_that_everybody_has_left_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    flights: SingleFlight[str, str] = SingleFlight()

    async def fails_on_the_way_out() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError

    waiter = flights.begin("card", fails_on_the_way_out())
    await settle()
    waiter.cancel()
    await settle()
    del waiter
    gc.collect()
    assert complaints == []


async def test_closing_cancels_every_call_and_tells_whoever_waits() -> None:
    work = Work()
    waiters = [work.ask("a"), work.ask("b"), work.ask("b")]
    await settle()
    await work.flights.aclose()
    ends = await asyncio.gather(*waiters, return_exceptions=True)
    assert [AbandonedError] * 3 == [type(end) for end in ends]
    assert (work.cancelled, len(work.flights)) == (2, 0)


async def test_closing_tells_those_who_wait_for_a_call_that_has_not_begun() -> None:
    work = Work()
    waiter = work.ask()
    await work.flights.aclose()
    with pytest.raises(AbandonedError):
        await waiter
    assert work.results == []
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_a_call_that_was_cancelled_from_within_is_no_cancellation_of_its_waiters() -> None:
    work = Work()
    waiters = [work.ask(), work.ask()]
    await settle()
    work.results[0].cancel()
    ends = await asyncio.gather(*waiters, return_exceptions=True)
    assert [AbandonedError] * 2 == [type(end) for end in ends]
    assert len(work.flights) == 0


async def test_a_waiter_that_is_ended_by_its_owner_has_left() -> None:
    work = Work()
    first, second = work.ask(), work.ask()
    await settle()
    first.set_exception(LookupError("its time is over"))
    await settle()
    assert work.cancelled == 0
    second.set_result("no longer needed")
    await settle()
    assert (work.cancelled, len(work.flights)) == (1, 0)
    assert isinstance(first.exception(), LookupError)


async def test_who_comes_in_the_moment_in_which_the_last_waiter_leaves_keeps_the_call() -> None:
    work = Work()
    leaves = work.ask()
    await settle()
    leaves.cancel()
    comes = work.ask()
    await settle()
    work.results[0].set_result("done")
    assert await comes == "done"
    assert (work.cancelled, work.joined) == (0, 1)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_waiter_that_leaves_in_the_moment_in_which_the_call_ends_disturbs_nobody(*, fails: bool) -> None:
    work = Work()
    leaves, stays = work.ask(), work.ask()
    await settle()
    if fails:
        work.results[0].set_exception(LookupError("card"))
    else:
        work.results[0].set_result("done")
    # In this order, the call ends before the loop reports that a waiter has left.
    leaves.cancel()
    (end,) = await asyncio.gather(stays, return_exceptions=True)
    assert leaves.cancelled()
    assert isinstance(end, LookupError) if fails else end == "done"
    await settle()
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_after_the_end_nothing_begins() -> None:
    work = Work()
    await work.flights.aclose()
    waiter = work.ask()
    with pytest.raises(AbandonedError):
        await waiter
    assert (len(work.flights), work.results) == (0, [])
