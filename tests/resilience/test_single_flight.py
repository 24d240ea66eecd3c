"""Single flight: one call for concurrent look-ups, and no caching."""

from __future__ import annotations

import asyncio
import gc

import pytest

from graph.resilience.single_flight import SingleFlight
from tests.resilience.flights import Work
from tests.tools import settle


async def test_those_who_ask_for_the_same_thing_share_one_call() -> None:
    work = Work()
    waiters = [work.ask() for _ in range(20)]
    await settle()
    (result,) = work.results
    result.set_result("done")
    assert await asyncio.gather(*waiters) == ["done"] * 20
    assert work.joined == 19


async def test_other_things_are_other_calls() -> None:
    work = Work()
    waiters = [work.ask("a"), work.ask("b")]
    await settle()
    for result, text in zip(work.results, "AB", strict=True):
        result.set_result(text)
    assert await asyncio.gather(*waiters) == ["A", "B"]
    assert work.joined == 0


async def test_nothing_is_remembered_once_a_call_has_ended() -> None:
    async def quick() -> str:
        return "new"

    work = Work()
    first = work.ask()
    await settle()
    work.results[0].set_result("old")
    # The call ends in this turn; its waiters go on in the next one.
    await asyncio.sleep(0)
    assert work.flights.join("card") is None
    assert await work.flights.begin("card", quick()) == "new"
    assert await first == "old"
    assert len(work.flights) == 0


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
        await flights.begin("card", refuse())
    assert len(flights) == 0


async def test_a_failure_that_no_waiter_looks_at_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    work = Work()
    work.ask()
    await settle()
    work.results[0].set_exception(LookupError("card"))
    await settle()
    del work
    gc.collect()
    assert complaints == []


async def test_a_key_is_free_again_before_its_waiters_go_on() -> None:
    work = Work()
    seen: list[int] = []

    async def wait() -> None:
        await work.ask()
        seen.append(len(work.flights))

    waiter = asyncio.ensure_future(wait())
    await settle()
    work.results[0].set_result("done")
    await waiter
    assert seen == [0]
