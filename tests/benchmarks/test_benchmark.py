"""The benchmark's servers answer rightly, and its load generator notices when one does not. Nothing is timed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest

from benchmarks import document_cache, handwritten, load, naive, stages
from benchmarks.inprocess import ask, gateway
from benchmarks.keys import keys
from benchmarks.others import STARLETTE_HTTPX, STRAWBERRY
from benchmarks.processes import BenchmarkError, Cores, free_port, program, run_pinned, server
from benchmarks.rounds import check_answer
from benchmarks.scenarios import ONE_CALL, SCENARIOS, Scenario
from benchmarks.targets import Launch, Target
from benchmarks.upstream import CALLS_PATH, CARD_PATH, DELAY_PATH, Calls, base_url, sealed_cards, start_upstream
from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.applications import Starlette

CARD = "9491339400001234"
ALLOWED = os.sched_getaffinity(0)
"""The cores of this process before any test has started another."""
UPSTREAM = ["-m", "benchmarks.upstream"]
NOWHERE = Target("nowhere", lambda _start: Launch([]), "/graphql")


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


async def ask_server(app: Starlette, target: Target, scenario: Scenario) -> object:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client,
    ):
        answer = await client.post(
            target.path(scenario) or "", content=scenario.body(CARD), headers={"Content-Type": "application/json"}
        )
        return answer.json()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_handwritten_endpoint_gives_the_right_answer_with_the_same_calls(scenario: Scenario) -> None:
    calls = Calls()
    async with upstream(calls) as url:
        app = handwritten.create_app(url, handwritten.httpx_client)
        answer = await ask_server(app, STARLETTE_HTTPX, scenario)
    assert scenario.answer(CARD) == answer
    assert (1, scenario.upstream_calls - 1) == (calls.card, calls.member)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_naive_server_gives_the_right_answer_with_the_same_calls(scenario: Scenario) -> None:
    calls = Calls()
    async with upstream(calls) as url:
        answer = await ask_server(naive.create_app(url), STRAWBERRY, scenario)
    assert scenario.answer(CARD) == answer
    assert (1, scenario.upstream_calls - 1) == (calls.card, calls.member)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_gateway_in_this_process_gives_the_right_answer(scenario: Scenario) -> None:
    async with gateway() as app:
        answer = await ask(app, scenario.body(CARD))
    assert scenario.answer(CARD) == orjson.loads(answer)


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


async def test_the_upstream_is_told_how_long_its_calls_take() -> None:
    calls = Calls()
    async with upstream(calls) as url, httpx.AsyncClient(trust_env=False) as client:
        await client.get(httpx.URL(url).copy_with(path=f"{DELAY_PATH}20"))
        assert 0.02 == calls.seconds
        await client.get(httpx.URL(url).copy_with(path=f"{DELAY_PATH}0"))
        assert 0 == calls.seconds


def test_a_sealed_request_gets_a_card_that_only_the_client_can_open() -> None:
    private = import_private_key(keys().client_private_key.read_text(encoding="ascii"))
    public_text = keys().client_public_key.read_text(encoding="ascii")
    calls = Calls(sealed=sealed_cards(public_text))
    status, first = calls.answer(CARD_PATH.encode(), b'{"encData":"x"}')
    _, second = calls.answer(CARD_PATH.encode(), b'{"encData":"x"}')
    cipher = Cipher([KeyPair("benchmark", import_public_key(public_text), private)])
    opened = [orjson.loads(cipher.open(orjson.loads(one)["encData"], None)) for one in (first, second)]
    assert (b"200 OK", 2) == (status, calls.card)
    assert [152300, 152300] == [one["balance"] for one in opened]
    assert opened[0]["userId"] != opened[1]["userId"]


async def test_the_document_cache_hits_for_one_text_and_misses_for_new_ones() -> None:
    figures = await document_cache.measure(5)
    assert (4, 1) == (figures["one text"]["hits"], figures["one text"]["misses"])
    assert (0, 5) == (figures["a new text each"]["hits"], figures["a new text each"]["misses"])


async def test_every_stage_is_measured_in_every_round() -> None:
    figures = await stages.measure(0.001)
    assert {stages.ROUNDS} == {len(rounds) for rounds in figures.values()}


def test_a_server_process_ends_with_its_block() -> None:
    with server(UPSTREAM, core=Cores.available().server) as child:
        assert {Cores.available().server} == os.sched_getaffinity(child.pid)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_starting_a_server_leaves_this_process_where_it_was() -> None:
    with server(UPSTREAM, core=Cores.available().server):
        assert ALLOWED == os.sched_getaffinity(0)


def test_a_server_process_that_says_nothing_is_no_server() -> None:
    with (
        pytest.raises(BenchmarkError, match="did not start"),
        server(["-c", "pass"], core=Cores.available().server),
    ):
        pytest.fail("there is no server")


def test_a_program_that_says_nothing_is_ready_when_its_port_is() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    serve = f"import socket; socket.create_server(('127.0.0.1', {url.rpartition(':')[2]})).accept(); input()"
    with program([sys.executable, "-c", serve], cores={0}, url=url) as child:
        assert url == child.url
    with (
        pytest.raises(BenchmarkError, match="did not start"),
        program([sys.executable, "-c", "pass"], cores={0}, url=url),
    ):
        pytest.fail("there is no server")


WORKER = 'x = bytearray(50_000_000); print("it answers on x", flush=True); input()'
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WORKER!r}], stdin=-1).wait()"


def test_what_a_server_s_workers_use_is_its_own() -> None:
    with server(["-c", PARENT], core=Cores.available().server) as parent:
        assert parent.resident_megabytes() > 50


def test_a_wrong_answer_stops_the_benchmark_before_anything_is_timed() -> None:
    with (
        server(UPSTREAM, core=Cores.available().server) as child,
        pytest.raises(BenchmarkError, match="nowhere gives a wrong answer: HTTP 404"),
    ):
        check_answer(child.url, NOWHERE, ONE_CALL)


async def generate(
    url: str, expected: str, *, cards: int = 1, body: bytes | None = None, file: Path | None = None
) -> load.Load:
    numbers = ",".join(f'"{one}"' for one in load.placeholders(cards))
    return await asyncio.to_thread(
        load.run,
        url,
        body or b'{"cardNos":[%b]}' % numbers.encode(),
        connections=2,
        seconds=1,
        seed=1,
        core=Cores.available().load,
        expected=expected,
        cards=file,
    )


async def test_wrk_asks_for_another_card_each_time_and_looks_into_the_answers() -> None:
    require_tool("wrk", present=shutil.which("wrk") is not None, how="apt-get install wrk")
    calls = Recording()
    async with upstream(calls) as url:
        card = str(httpx.URL(url).copy_with(path=CARD_PATH))
        seen = await generate(card, '"balance":152300')
        asked = list(calls.bodies)
        with pytest.raises(BenchmarkError, match=r"x wrong; WRONG .*Benchmark card"):
            await generate(card, '"balance":999')
        with pytest.raises(BenchmarkError, match="x status"):
            await generate(str(httpx.URL(url).copy_with(path="/nowhere")), "")
    assert 0 < seen.requests <= len(asked)
    assert len(asked) == len(set(asked))
    assert {len('{"cardNos":["9491339400001234"]}')} == {len(body) for body in asked}


async def test_wrk_asks_for_several_cards_and_repeats_those_that_the_body_repeats() -> None:
    require_tool("wrk", present=shutil.which("wrk") is not None, how="apt-get install wrk")
    calls = Recording()
    first, second = load.placeholders(2)
    async with upstream(calls) as url:
        card = str(httpx.URL(url).copy_with(path=CARD_PATH))
        await generate(card, '"balance":', body=orjson.dumps([first, second, first]))
    asked = [orjson.loads(body) for body in calls.bodies]
    assert all(one[0] == one[2] != one[1] for one in asked)
    assert 2 * len(asked) == len({card for one in asked for card in one})


async def test_wrk_goes_round_the_cards_of_a_file(tmp_path: Path) -> None:
    require_tool("wrk", present=shutil.which("wrk") is not None, how="apt-get install wrk")
    cards = ["9400000000000001", "9400000000000002", "9400000000000003"]
    file = tmp_path / "cards"
    file.write_text("\n".join(cards), encoding="ascii")
    calls = Recording()
    async with upstream(calls) as url:
        await generate(str(httpx.URL(url).copy_with(path=CARD_PATH)), '"balance":', file=file)
    asked = [card for body in calls.bodies for card in orjson.loads(body)["cardNos"]]
    assert set(cards) == set(asked)


def test_a_program_that_fails_says_why() -> None:
    code = "import sys; sys.exit('no such thing')"
    with pytest.raises(BenchmarkError, match="failed with exit code 1\nno such thing"):
        run_pinned([sys.executable, "-c", code], core=Cores.available().load, timeout=20)
