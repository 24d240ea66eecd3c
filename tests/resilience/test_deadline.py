"""The deadline of a request: one moment for all that it waits for, and one timer for all requests."""

from __future__ import annotations

import asyncio
import gc

import pytest

from graph.resilience.deadline import Deadline, DeadlineExceededError, DeadlineTimer
from graph.resilience.single_flight import SingleFlight
from tests.faults.jumping_clock import jumping
from tests.resilience.clocks import HandTimedLoop
from tests.tools import settle

SOON = 0.01
LATER = 0.03
LONG = 60.0


def future() -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()


async def has_passed(deadline: Deadline) -> None:
    with pytest.raises(DeadlineExceededError):
        await deadline.bound(future())


@jumping
async def test_a_bound_future_is_the_same_and_gives_its_result_in_time() -> None:
    deadline, waits = Deadline(LONG), future()
    assert deadline.bound(waits) is waits
    waits.set_result("done")
    assert await waits == "done"
    deadline.close()


@jumping
async def test_everything_that_is_bound_fails_when_the_deadline_passes() -> None:
    deadline = Deadline(SOON)
    waits = [deadline.bound(future()) for _ in range(3)]
    failures = await asyncio.gather(*waits, return_exceptions=True)
    assert [DeadlineExceededError] * 3 == [type(failure) for failure in failures]


@jumping
async def test_what_was_done_in_time_stays_as_it_is() -> None:
    deadline = Deadline(SOON)
    waits, answered, left, waits_too = (deadline.bound(future()) for _ in range(4))
    answered.set_result("done")
    left.cancel()
    failures = await asyncio.gather(waits, waits_too, return_exceptions=True)
    assert [DeadlineExceededError] * 2 == [type(failure) for failure in failures]
    assert await answered == "done"
    assert left.cancelled()


@jumping
async def test_what_is_bound_after_the_deadline_fails_as_well() -> None:
    deadline = Deadline(SOON)
    await has_passed(deadline)
    await has_passed(deadline)


@jumping
async def test_a_deadline_that_is_ended_fails_what_is_bound_at_once_and_leaves_its_timer() -> None:
    timer = DeadlineTimer()
    deadline = Deadline(LONG, timer)
    waits = deadline.bound(future())
    deadline.end()
    assert isinstance(waits.exception(), DeadlineExceededError)
    assert len(timer) == 0


@jumping
async def test_what_is_bound_to_a_closed_deadline_is_left_alone() -> None:
    closed, other = Deadline(SOON), Deadline(LATER)
    waits = closed.bound(future())
    closed.close()
    await has_passed(other)
    assert not waits.done()


@jumping
async def test_a_waiter_whose_deadline_passes_leaves_its_call() -> None:
    cancelled = asyncio.Event()

    async def call() -> str:
        try:
            return await future()
        finally:
            cancelled.set()

    flights: SingleFlight[str, str] = SingleFlight()
    with pytest.raises(DeadlineExceededError):
        await Deadline(SOON).bound(flights.begin("card", call()))
    await cancelled.wait()
    await settle()
    assert len(flights) == 0
    assert {asyncio.current_task()} == asyncio.all_tasks()


@jumping
async def test_a_failure_that_nobody_waits_for_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    deadline = Deadline(SOON)
    deadline.bound(future())
    await has_passed(deadline)
    del deadline
    gc.collect()
    assert complaints == []


def test_requests_that_end_in_time_share_one_timer() -> None:
    loop = HandTimedLoop()

    async def requests() -> tuple[int, int]:
        timer = DeadlineTimer()
        for _ in range(20):
            deadline = Deadline(LONG, timer)
            deadline.bound(future())
            deadline.bound(future())
            deadline.close()
        return len(timer), len(loop.timers)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(requests()) == (0, 1)


@jumping
async def test_each_request_ends_at_its_own_moment_whichever_began_first() -> None:
    loop, timer = asyncio.get_running_loop(), DeadlineTimer()
    ended: list[str] = []

    async def request(name: str, seconds: float) -> float:
        deadline = Deadline(seconds, timer)
        await has_passed(deadline)
        ended.append(name)
        return loop.time() - deadline.at

    late = await asyncio.gather(request("later", LATER), request("soon", SOON), request("last", 2 * LATER))
    assert ended == ["soon", "later", "last"]
    assert len(timer) == 0
    # Not before their time, except for the tolerance of timers.
    assert min(late) > -0.002


@jumping
async def test_a_timer_that_rings_for_a_request_that_has_ended_is_set_for_those_that_have_not() -> None:
    timer = DeadlineTimer()
    first, second = Deadline(SOON, timer), Deadline(LATER, timer)
    first.bound(future())
    waits = second.bound(future())
    first.close()
    with pytest.raises(DeadlineExceededError):
        await waits


def test_no_more_than_one_timer_runs_however_often_an_earlier_deadline_comes() -> None:
    loop = HandTimedLoop()

    async def requests() -> None:
        timer = DeadlineTimer()
        for number in range(20):
            Deadline(LONG - number, timer).bound(future())

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(requests())
    assert sum(not timer.cancelled() for timer in loop.timers) == 1
