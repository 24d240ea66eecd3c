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
        self.results: dict[str, asyncio.Future[str]] = {}

    def fetch(self, key: str) -> asyncio.Future[str]:
        self.calls.append(key)
        return self.result_of(key)

    @property
    def cancelled(self) -> list[str]:
        return [key for key, result in self.results.items() if result.cancelled()]

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
    assert asyncio.all_tasks() <= {asyncio.current_task(), waiter}
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


async def test_a_key_is_looked_up_at_once_and_its_future_shared_when_it_is_started() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    first = loader.start("a")
    assert upstream.calls == ["a"]
    assert loader.start("a") is first
    upstream.result_of("a").set_result("A")
    assert await loader.start("a") == "A"
    assert (loader.loads, loader.fetches, upstream.calls) == (3, 1, ["a"])


async def test_what_was_started_is_not_looked_up_again_by_load() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    loader.start("a")
    waiter = asyncio.create_task(loader.load("a"))
    await settle()
    upstream.result_of("a").set_result("A")
    assert await waiter == "A"
    assert (loader.loads, loader.fetches, upstream.calls) == (2, 1, ["a"])


async def test_what_was_loaded_is_not_looked_up_again_by_start() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    waiter = asyncio.create_task(loader.load("a"))
    await asyncio.sleep(0)
    started = loader.start("a")
    await settle()
    upstream.result_of("a").set_result("A")
    assert [await waiter, await started] == ["A", "A"]
    assert (loader.loads, loader.fetches, upstream.calls) == (2, 1, ["a"])


async def test_a_failure_is_final_for_both_ways() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    upstream.result_of("a").set_exception(LookupError("a"))
    with pytest.raises(LookupError):
        await loader.start("a")
    with pytest.raises(LookupError):
        await loader.load("a")
    with pytest.raises(LookupError):
        await loader.start("a")
    assert upstream.calls == ["a"]


async def test_cancelling_a_load_leaves_what_was_started() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    started, leaves = loader.start("a"), asyncio.create_task(loader.load("a"))
    await settle()
    leaves.cancel()
    await settle()
    upstream.result_of("a").set_result("A")
    assert await started == "A"


async def test_closing_cancels_what_was_started_and_is_left() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    answered, left = loader.start("a"), loader.start("b")
    upstream.result_of("a").set_result("A")
    await loader.aclose()
    assert upstream.cancelled == ["b"]
    assert (await answered, left.cancelled()) == ("A", True)


async def test_nothing_is_looked_up_after_the_end_of_the_request() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    await loader.aclose()
    assert loader.start("a").cancelled()
    assert (loader.fetches, upstream.calls) == (0, [])
