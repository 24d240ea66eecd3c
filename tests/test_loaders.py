"""The loader: keys of one turn are batched, loaded once, and answered one by one."""

from __future__ import annotations

import asyncio
import gc

import pytest

from graph.loaders import Loader
from tests.tools import settle


class Upstream:
    """Answers a key on demand."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.results: dict[str, asyncio.Future[str]] = {}
        self.may_start = asyncio.Event()
        self.may_start.set()

    async def start(self, keys: list[str]) -> list[asyncio.Future[str]]:
        await self.may_start.wait()
        self.batches.append(keys)
        return [self.result_of(key) for key in keys]

    @property
    def cancelled(self) -> list[str]:
        return [key for key, result in self.results.items() if result.cancelled()]

    def result_of(self, key: str) -> asyncio.Future[str]:
        return self.results.setdefault(key, asyncio.get_running_loop().create_future())


def loader_of(upstream: Upstream) -> Loader[str, str]:
    return Loader(upstream.start, asyncio.get_running_loop())


async def close(loader: Loader[str, str]) -> None:
    ending = loader.close()
    if ending:
        await asyncio.wait(ending)


async def test_equal_keys_share_one_call_also_when_they_come_later() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    first, second = asyncio.create_task(loader.load("a")), asyncio.create_task(loader.load("a"))
    await settle()
    upstream.result_of("a").set_result("A")
    assert [await first, await second, await loader.load("a")] == ["A", "A", "A"]
    assert upstream.batches == [["a"]]


async def test_the_keys_of_one_turn_are_started_together() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    loader.begin("a")
    tasks = [asyncio.create_task(loader.load(key)) for key in "bca"]
    await settle()
    assert upstream.batches == [["a", "b", "c"]]
    for key in "abc":
        upstream.result_of(key).set_result(key.upper())
    assert await asyncio.gather(*tasks) == ["B", "C", "A"]


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
    assert upstream.batches == [["a"]]


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


async def test_cancelling_one_waiter_leaves_the_others_also_before_their_key_has_started() -> None:
    upstream = Upstream()
    upstream.may_start.clear()
    loader = loader_of(upstream)
    leaves, stays = asyncio.create_task(loader.load("a")), asyncio.create_task(loader.load("a"))
    await settle()
    leaves.cancel()
    await settle()
    upstream.may_start.set()
    upstream.result_of("a").set_result("A")
    assert await stays == "A"


async def test_closing_cancels_the_calls_that_are_left_and_whoever_waits() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    waiter = asyncio.create_task(loader.load("a"))
    await settle()
    await close(loader)
    assert upstream.cancelled == ["a"]
    assert asyncio.all_tasks() <= {asyncio.current_task(), waiter}
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_closing_leaves_what_was_answered() -> None:
    upstream = Upstream()
    loader = loader_of(upstream)
    upstream.result_of("a").set_result("A")
    loader.begin("b")
    assert await loader.load("a") == "A"
    await close(loader)
    assert upstream.cancelled == ["b"]


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
    await close(loader)
    del loader, waiter, upstream
    gc.collect()
    assert complaints == []


async def test_a_start_that_fails_is_not_repeated_for_those_who_ask_later() -> None:
    started: list[list[str]] = []

    async def start(keys: list[str]) -> list[asyncio.Future[str]]:
        started.append(keys)
        raise LookupError

    loader = Loader(start, asyncio.get_running_loop())
    for key in "ab":
        loader.begin(key)
    for key in "aba":
        with pytest.raises(LookupError):
            await asyncio.wait_for(loader.load(key), 5)
    assert started == [["a", "b"]]
    await close(loader)


@pytest.mark.parametrize("failure", [LookupError("all"), asyncio.CancelledError()], ids=type)
async def test_nobody_waits_for_a_start_that_fails(failure: BaseException) -> None:
    async def start(_keys: list[str]) -> list[asyncio.Future[str]]:
        raise failure

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    loader = Loader(start, asyncio.get_running_loop())
    loader.begin("a")
    for key in "ab":
        with pytest.raises(type(failure)):
            await asyncio.wait_for(loader.load(key), 5)
    loader.begin("c")
    await settle()
    await close(loader)
    del loader
    gc.collect()
    assert complaints == []
