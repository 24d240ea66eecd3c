"""The loader: one call for each key, and each key on its own."""

from __future__ import annotations

import asyncio
import gc

import pytest

from graph.loaders import Loader


class Upstream:
    """Answers a key when it is told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cancelled: list[str] = []
        self.results: dict[str, asyncio.Future[str]] = {}

    async def fetch(self, key: str) -> str:
        self.calls.append(key)
        try:
            return await self.result_of(key)
        except asyncio.CancelledError:
            self.cancelled.append(key)
            raise

    def result_of(self, key: str) -> asyncio.Future[str]:
        return self.results.setdefault(key, asyncio.get_running_loop().create_future())


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def loader_of(upstream: Upstream) -> Loader[str, str]:
    return Loader(upstream.fetch)


async def test_equal_keys_share_one_call_also_when_they_come_later() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    first, second = asyncio.create_task(loader.load("a")), asyncio.create_task(loader.load("a"))
    await settle()
    upstream.result_of("a").set_result("A")
    assert [await first, await second, await loader.load("a")] == ["A", "A", "A"]
    assert upstream.calls == ["a"]
    assert (loader.loads, loader.fetches) == (3, 1)


async def test_a_key_does_not_wait_for_a_slower_neighbour() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    slow, fast = asyncio.create_task(loader.load("slow")), asyncio.create_task(loader.load("fast"))
    await settle()
    upstream.result_of("fast").set_result("F")
    assert await fast == "F"
    assert not slow.done()
    upstream.result_of("slow").set_result("S")
    assert await slow == "S"


async def test_one_failing_key_leaves_the_others_intact() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    tasks = [asyncio.create_task(loader.load(key)) for key in "abc"]
    await settle()
    upstream.result_of("a").set_result("A")
    upstream.result_of("b").set_exception(LookupError("b"))
    upstream.result_of("c").set_result("C")
    a, b, c = await asyncio.gather(*tasks, return_exceptions=True)
    assert (a, c) == ("A", "C")
    assert isinstance(b, LookupError)


async def test_a_failure_is_the_answer_for_the_rest_of_the_request_and_costs_one_call() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    upstream.result_of("a").set_exception(LookupError("a"))
    for _ in range(3):
        with pytest.raises(LookupError):
            await loader.load("a")
    assert upstream.calls == ["a"]


async def test_cancelling_one_waiter_leaves_the_others_waiting() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    leaves, stays = asyncio.create_task(loader.load("a")), asyncio.create_task(loader.load("a"))
    await settle()
    leaves.cancel()
    await settle()
    assert leaves.cancelled()
    assert upstream.cancelled == []
    upstream.result_of("a").set_result("A")
    assert await stays == "A"


async def test_closing_cancels_the_calls_that_are_left_and_whoever_waits() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    waiter = asyncio.create_task(loader.load("a"))
    await settle()
    await loader.aclose()
    assert upstream.cancelled == ["a"]
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_a_key_whose_call_had_not_started_when_the_request_ended_is_never_called() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    waiter = asyncio.create_task(loader.load("a"))
    await asyncio.sleep(0)
    await loader.aclose()
    await settle()
    assert upstream.calls == []
    assert waiter.cancelled()


async def test_a_failure_that_nobody_waits_for_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    upstream = Upstream()
    loader = loader_of(upstream)
    waiter = asyncio.create_task(loader.load("a"))
    await settle()
    waiter.cancel()
    await settle()
    upstream.result_of("a").set_exception(LookupError("a"))
    await settle()
    await loader.aclose()
    del loader, waiter, upstream
    gc.collect()
    assert complaints == []
