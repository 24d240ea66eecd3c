"""Single flight: one call for all who ask at the same time; each waiter leaves alone; nothing is remembered."""

from __future__ import annotations

import asyncio
import gc

import pytest

from graph.resilience.single_flight import AbandonedError, SingleFlight
from tests.resilience.clocks import settle


class Work:
    """Calls that end when they are told to."""

    def __init__(self) -> None:
        self.flights: SingleFlight[str, str] = SingleFlight()
        self.results: list[asyncio.Future[str]] = []
        self.cancelled = 0
        self.joined = 0

    def ask(self, key: str = "card") -> asyncio.Task[str]:
        return asyncio.ensure_future(self.flights.run(key, self.call, self.join))

    def join(self) -> None:
        self.joined += 1

    async def call(self) -> str:
        result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.results.append(result)
        try:
            return await result
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def test_those_who_ask_for_the_same_thing_share_one_call() -> None:
    work = Work()
    waiters = [work.ask() for _ in range(20)]
    await settle()
    (result,) = work.results
    result.set_result("done")
    assert ["done"] * 20 == await asyncio.gather(*waiters)
    assert work.joined == 19


async def test_other_things_are_other_calls() -> None:
    work = Work()
    waiters = [work.ask("a"), work.ask("b")]
    await settle()
    for result, text in zip(work.results, "AB", strict=True):
        result.set_result(text)
    assert await asyncio.gather(*waiters) == ["A", "B"]
    assert work.joined == 0


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
            await work.flights.run("card", work.call)
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

    leaves = asyncio.ensure_future(flights.run("card", stubborn))
    await settle()
    leaves.cancel()
    await settle()
    assert await flights.run("card", quick) == "new"
    closing = asyncio.ensure_future(flights.aclose())
    await settle()
    assert not closing.done()
    may_end.set()
    await closing
    assert ended


async def test_nothing_is_remembered_once_a_call_has_ended() -> None:
    async def quick() -> str:
        return "new"

    work = Work()
    first = work.ask()
    await settle()
    work.results[0].set_result("old")
    # The call ends in this turn; that its waiters are told, and that it is forgotten, are the next one's.
    await asyncio.sleep(0)
    assert len(work.flights) == 1
    assert await work.flights.run("card", quick, work.join) == "new"
    assert await first == "old"
    assert (work.joined, len(work.flights)) == (0, 0)


async def test_a_failure_is_shared_and_not_remembered() -> None:
    work = Work()
    waiters = [work.ask() for _ in range(2)]
    await settle()
    work.results[0].set_exception(LookupError("card"))
    failures = await asyncio.gather(*waiters, return_exceptions=True)
    assert [LookupError, LookupError] == [type(failure) for failure in failures]
    again = work.ask()
    await settle()
    work.results[1].set_result("done")
    assert await again == "done"


async def test_a_call_whose_start_fails_fails_for_its_waiters() -> None:
    async def refuse() -> str:
        raise LookupError

    flights: SingleFlight[str, str] = SingleFlight()
    with pytest.raises(LookupError):
        await flights.run("card", refuse)
    assert len(flights) == 0


async def test_a_failure_that_everybody_has_left_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    flights: SingleFlight[str, str] = SingleFlight()

    async def fails_on_the_way_out() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError

    waiter = asyncio.ensure_future(flights.run("card", fails_on_the_way_out))
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


async def test_a_key_is_free_again_before_its_waiters_go_on() -> None:
    work = Work()
    seen: list[int] = []

    async def wait() -> None:
        await work.flights.run("card", work.call)
        seen.append(len(work.flights))

    waiter = asyncio.ensure_future(wait())
    await settle()
    work.results[0].set_result("done")
    await waiter
    assert seen == [0]
