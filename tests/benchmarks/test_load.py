"""The load generator asks as it should, and notices what is wrong. Child processes end with their blocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import orjson
import pytest
from click.testing import CliRunner

from benchmarks import load
from benchmarks.__main__ import main
from benchmarks.processes import BenchmarkError, Cores, run_pinned, server
from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ALLOWED = os.sched_getaffinity(0)
"""The cores of this process before any test has started another."""
ANNOUNCING = ["-c", "print('it answers on http://x', flush=True); import time; time.sleep(60)"]
WRK = (
    "Running 3s test\nWRONG \n"
    'RESULT {"requests":600,"microseconds":3000000,"connect":0,"read":0,"write":0,"status":0,"timeout":0,'
    '"wrong":0,"p50":1500,"p99":9000}\n'
)


@contextlib.asynccontextmanager
async def recording(answer: bytes, status: bytes = b"200 OK") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives one answer to everything, and the bodies that it was sent."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split()[0])
                bodies.append(await reader.readexactly(length))
                writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(answer), answer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/", bodies


async def generate(url: str, body: bytes, expected: str, file: Path | None = None) -> load.Load:
    require_tool("wrk", present=shutil.which("wrk") is not None, how="apt-get install wrk")
    core = Cores.available().load
    return await asyncio.to_thread(
        load.run, url, body, connections=2, seconds=1, seed=1, core=core, expected=expected, cards=file
    )


async def test_wrk_asks_for_another_card_each_time_and_looks_into_the_answers() -> None:
    (card,) = load.placeholders(1)
    async with recording(b'{"balance":152300}') as (url, bodies):
        seen = await generate(url, orjson.dumps([card]), '"balance":152300')
        asked = list(bodies)
        with pytest.raises(BenchmarkError, match=r'x wrong; a wrong answer: {"balance":152300}'):
            await generate(url, orjson.dumps([card]), '"balance":999')
    assert 0 < seen.requests <= len(asked)
    assert len(asked) == len(set(asked))
    assert {len('["9491339400001234"]')} == {len(body) for body in asked}


@pytest.mark.parametrize(
    ("answer", "status"), [(b'{"balance":1,"errors":[]}', b"200 OK"), (b'{"balance":1}', b"503 No")]
)
async def test_an_error_is_never_a_success(answer: bytes, status: bytes) -> None:
    async with recording(answer, status) as (url, _):
        with pytest.raises(BenchmarkError, match=r"\d x wrong"):
            await generate(url, b"[]", '"balance":1')


async def test_wrk_asks_for_several_cards_and_repeats_those_that_the_body_repeats() -> None:
    first, second = load.placeholders(2)
    async with recording(b"{}") as (url, bodies):
        await generate(url, orjson.dumps([first, second, first]), "{}")
    asked = [orjson.loads(body) for body in bodies]
    assert all(one[0] == one[2] != one[1] for one in asked)
    assert 2 * len(asked) == len({card for one in asked for card in one})


async def test_wrk_goes_round_the_cards_of_a_file(tmp_path: Path) -> None:
    cards = ["9400000000000001", "9400000000000002", "9400000000000003"]
    (tmp_path / "cards").write_text("\n".join(cards), encoding="ascii")
    async with recording(b"{}") as (url, bodies):
        await generate(url, orjson.dumps(load.placeholders(1)), "{}", tmp_path / "cards")
    assert {card for body in bodies for card in orjson.loads(body)} == set(cards)


def test_a_load_is_read_from_the_script_s_line() -> None:
    assert load.parse(WRK, cpu_seconds=0.1) == load.Load(600, 3.0, 1.5, 9.0, 0.1)


@pytest.mark.parametrize("fault", ["connect", "read", "write", "status", "timeout", "wrong"])
def test_a_load_with_any_fault_is_no_result(fault: str) -> None:
    output = WRK.replace(f'"{fault}":0', f'"{fault}":3').replace("WRONG ", "WRONG not json")
    with pytest.raises(BenchmarkError, match=f"600 answers, 3 x {fault}; a wrong answer: not json"):
        load.parse(output, cpu_seconds=0)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (WRK.replace('"requests":600', '"requests":0'), "no answer in 3 s"),
        ("wrk was killed", "wrk gave no result"),
    ],
)
def test_a_load_without_answers_is_no_result(output: str, told: str) -> None:
    with pytest.raises(BenchmarkError, match=f"^{told}$"):
        load.parse(output, cpu_seconds=0)


def test_a_server_process_is_pinned_and_ends_with_its_block() -> None:
    core = Cores.available().server
    with server(ANNOUNCING, core=core) as child:
        assert os.sched_getaffinity(child.pid) == {core}
        assert child.resident_megabytes() > 1
        assert child.cpu_seconds() >= 0
        assert os.sched_getaffinity(0) == ALLOWED
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
    with pytest.raises(BenchmarkError, match="the server has ended"):
        child.cpu_seconds()


def test_a_server_process_that_says_nothing_is_no_server() -> None:
    with (
        pytest.raises(BenchmarkError, match="did not start"),
        server(["-c", "pass"], core=Cores.available().server),
    ):
        pytest.fail("there is no server")


def test_a_program_that_fails_says_why() -> None:
    code = "import sys; sys.exit('no such thing')"
    with pytest.raises(BenchmarkError, match="failed with exit code 1\nno such thing"):
        run_pinned([sys.executable, "-c", code], core=Cores.available().load, timeout=20)


def test_the_command_measures_and_says_what_it_saw() -> None:
    require_tool("wrk", present=shutil.which("wrk") is not None, how="apt-get install wrk")
    arguments = ["--rounds", "1", "--seconds", "1", "--dry", "--only", "quiet"]
    seen = CliRunner().invoke(main, arguments)
    assert seen.exit_code == 0, seen.output
    assert re.search(
        r"^\| card, 32 connections: konagraph, quiet, no tokens \| [\d,]+ \| ", seen.output, re.MULTILINE
    )
