"""The benchmark's servers answer rightly, and its load generator notices when one does not. Nothing is timed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks import document_cache, handwritten, load, naive, stages
from benchmarks.inprocess import ask, gateway
from benchmarks.processes import BenchmarkError, Cores, server
from benchmarks.rounds import check_answer
from benchmarks.scenarios import ONE_CALL, SCENARIOS, Scenario
from benchmarks.targets import BASELINE, TARGETS, Target
from benchmarks.upstream import CALLS_PATH, CARD_PATH, Calls, base_url, start_upstream
from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

CARD = "9491339400001234"
UPSTREAM = ["-m", "benchmarks.upstream"]


@dataclass(slots=True)
class Recording(Calls):
    """Also remembers what was asked."""

    bodies: list[bytes] = field(default_factory=list)

    def answer(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        self.bodies.append(body)
        return Calls.answer(self, path, body)


@contextlib.asynccontextmanager
async def upstream(calls: Calls) -> AsyncIterator[str]:
    listener = await start_upstream(calls)
    async with listener:
        yield base_url(listener)


async def ask_server(app: Starlette, path: str, scenario: Scenario) -> object:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client,
    ):
        answer = await client.post(path, content=scenario.body(CARD), headers={"Content-Type": "application/json"})
        return answer.json()


def path_of(name: str, scenario: Scenario) -> str:
    (target,) = (target for target in TARGETS if target.name == name)
    return target.path(scenario)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_handwritten_endpoint_gives_the_right_answer_with_the_same_calls(scenario: Scenario) -> None:
    calls = Calls()
    async with upstream(calls) as url:
        app = handwritten.create_app(url, handwritten.httpx_client)
        answer = await ask_server(app, path_of(BASELINE, scenario), scenario)
    assert scenario.answer(CARD) == answer
    assert (1, scenario.upstream_calls - 1) == (calls.card, calls.member)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_naive_server_gives_the_right_answer_with_the_same_calls(scenario: Scenario) -> None:
    calls = Calls()
    async with upstream(calls) as url:
        answer = await ask_server(naive.create_app(url), path_of("strawberry-httpx", scenario), scenario)
    assert scenario.answer(CARD) == answer
    assert (1, scenario.upstream_calls - 1) == (calls.card, calls.member)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_gateway_in_this_process_gives_the_right_answer(scenario: Scenario) -> None:
    async with gateway() as app:
        answer = await ask(app, scenario.body(CARD))
    assert scenario.answer(CARD) == httpx.Response(200, content=answer).json()


async def test_the_upstream_repeats_the_correlation_id_and_counts_its_calls() -> None:
    async with upstream(Calls()) as url, httpx.AsyncClient(trust_env=False) as client:
        card = httpx.URL(url).copy_with(path=CARD_PATH)
        answer = await client.post(card, content=b'{"cardNo":"%b"}' % CARD.encode(), headers={
            "X-KM-Correlation-Id": "221108120814-0000001"
        })  # fmt: skip
        without_number = await client.post(card, content=b"{}")
        counted = await client.get(card.copy_with(path=CALLS_PATH))
    assert "221108120814-0000001" == answer.headers["X-KM-Correlation-Id"]
    assert int(CARD) == answer.json()["userId"]
    assert (400, "000_002") == (without_number.status_code, without_number.json()["response"]["code"])
    assert {"card": 2, "member": 0} == counted.json()


async def test_the_document_cache_hits_for_one_text_and_misses_for_new_ones() -> None:
    figures = await document_cache.measure(5)
    assert (4, 1) == (figures["one text"]["hits"], figures["one text"]["misses"])
    assert (0, 5) == (figures["a new text each"]["hits"], figures["a new text each"]["misses"])


async def test_every_stage_is_measured_in_every_round() -> None:
    figures = await stages.measure(0.001)
    assert {stages.ROUNDS} == {len(rounds) for rounds in figures.values()}


def test_a_peer_whose_package_is_missing_says_so() -> None:
    peer = Target("peer", {}, needs="no_such_package")
    assert "peer is left out: no_such_package is not installed (see benchmarks/peers.txt)" == peer.missing()


def test_a_server_process_ends_with_its_block() -> None:
    with server(UPSTREAM, core=Cores.available().server) as child:
        assert {Cores.available().server} == os.sched_getaffinity(child.pid)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_server_process_that_says_nothing_is_no_server() -> None:
    with (
        pytest.raises(BenchmarkError, match="did not start"),
        server(["-c", "pass"], core=Cores.available().server),
    ):
        pytest.fail("there is no server")


def test_a_wrong_answer_stops_the_benchmark_before_anything_is_timed() -> None:
    with (
        server(UPSTREAM, core=Cores.available().server) as child,
        pytest.raises(BenchmarkError, match="wrong answer: HTTP 404"),
    ):
        check_answer(child.url, ONE_CALL)


async def generate(url: str, expected: str) -> load.Load:
    return await asyncio.to_thread(
        load.run,
        url,
        b'{"cardNo":"%b"}' % load.PLACEHOLDER.encode(),
        connections=2,
        seconds=1,
        seed=1,
        core=Cores.available().load,
        expected=expected,
    )


async def test_wrk_asks_for_another_card_each_time_and_looks_into_the_answers() -> None:
    require_tool("wrk", present=shutil.which("wrk") is not None, how="apt-get install wrk")
    calls = Recording()
    async with upstream(calls) as url:
        card = str(httpx.URL(url).copy_with(path=CARD_PATH))
        seen = await generate(card, '"balance":152300')
        asked = list(calls.bodies)
        with pytest.raises(BenchmarkError, match="x wrong"):
            await generate(card, '"balance":999')
        with pytest.raises(BenchmarkError, match="x status"):
            await generate(str(httpx.URL(url).copy_with(path="/nowhere")), "")
    assert 0 < seen.requests <= len(asked)
    assert len(asked) == len(set(asked))
    assert {len('{"cardNo":"9491339400001234"}')} == {len(body) for body in asked}
