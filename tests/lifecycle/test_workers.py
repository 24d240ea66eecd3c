"""`konagraph serve --workers`: several processes behind one port, one that looks after them, none left over."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cli.processes import DEADLINE, Command, command, run
from tests.lifecycle.clients import client, connected, until, until_refused
from tests.lifecycle.upstreams import ANSWER, held_upstream, query, settings

if TYPE_CHECKING:
    import httpx


def children(gateway: Command) -> list[int]:
    """The processes that a gateway has started."""
    return [int(pid) for pid in Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    """Whether a process does anything yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    # Nobody may have asked for its status, which keeps its entry.
    return stat.rpartition(")")[2].split()[0] != "Z"


async def gone(pids: list[int]) -> None:
    """Return once none of these runs any more."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if not any(map(runs, pids)):
                return
            await asyncio.sleep(0.01)


def both_ready(answer: httpx.Response) -> bool:
    return [True, True] == [bool(worker and worker["ready"]) for worker in answer.json()["workers"].values()]


async def test_workers_share_the_connections_and_end_together_without_losing_a_request() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", "--workers", "2", **settings(upstream)) as gateway,
    ):
        admin = await gateway.line("admin port: ")
        url = await gateway.url()
        pids = children(gateway)
        async with connected(url, 32) as connections, client() as probe:
            for number, connection in enumerate(connections):
                connection.send(query(number))
            await upstream.wait_for(32)
            metrics = (await probe.get(f"{admin}/metrics")).text
            before = await probe.get(f"{admin}/readyz")
            gateway.send(signal.SIGTERM)
            await until_refused(url)
            draining = await probe.get(f"{admin}/readyz")
            upstream.open.set()
            answers = [await connection.answer() for connection in connections]
        status, log = await gateway.ended()
        await gone(pids)

    in_flight = dict(
        line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("konagraph_requests_in_flight{")
    )
    by_worker = [float(in_flight[f'konagraph_requests_in_flight{{worker="{index}"}}']) for index in (0, 1)]
    assert 32 == sum(by_worker)
    # The system shares them out by chance. Fewer than four of 32 would come once in 300,000 times.
    assert min(by_worker) >= 4
    assert (200, True) == (before.status_code, both_ready(before))
    assert (503, False, "draining") == (draining.status_code, draining.json()["ready"], draining.json()["state"])
    assert [(200, "close", ANSWER)] * 32 == [
        (code, headers["connection"], body) for code, headers, body in answers
    ]
    assert (0, 2) == (status, len(set(pids)))
    assert "Traceback" not in log


async def test_a_worker_that_is_killed_is_replaced_while_the_other_goes_on() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", "--workers", "2", **settings(upstream)) as gateway,
        client() as probe,
    ):
        admin = await gateway.line("admin port: ")
        url = await gateway.url()
        pids = children(gateway)
        async with connected(url, 32) as connections:
            for number, connection in enumerate(connections):
                connection.send(query(number))
            await upstream.wait_for(32)
            os.kill(pids[0], signal.SIGKILL)
            line = json.loads(await gateway.logged('"a worker ended"'))
            with_one = await probe.get(f"{admin}/readyz")
            upstream.open.set()
            answered = await answers_of(connections)
        await until(probe, f"{admin}/readyz", both_ready)
        new = children(gateway)
        after = [(await probe.post(url, json=query(number))).json() for number in range(16)]
        gateway.send(signal.SIGTERM)
        status, _ = await gateway.ended()
        await gone([*pids, *new])

    assert (-signal.SIGKILL, "error") == (line["status"], line["level"])
    assert (200, True) == (with_one.status_code, with_one.json()["ready"])
    # Those of the worker that was killed are lost, those of the other one are not.
    assert {json.dumps(ANSWER), "lost"} == {json.dumps(answer) if answer else "lost" for answer in answered}
    assert [ANSWER] * 16 == after
    assert ([pids[1]], 2, 0) == (sorted({*pids} & {*new}), len(new), status)


async def answers_of(connections: list[Any]) -> list[Any]:
    """What came on each connection; None where it ended."""
    answers: list[Any] = []
    for connection in connections:
        answers.append(None)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            answers[-1] = (await connection.answer())[2]
    return answers


async def test_workers_end_when_the_process_that_looks_after_them_is_killed() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", "--workers", "2", **settings(upstream)) as gateway,
    ):
        await gateway.url()
        pids = children(gateway)
        gateway.send(signal.SIGKILL)
        await gone(pids)
        status, _ = await gateway.ended()

    assert (-signal.SIGKILL, 2) == (status, len(pids))


async def test_a_second_ctrl_c_ends_workers_that_wait_for_a_request() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", "--workers", "2", **settings(upstream)) as gateway,
    ):
        url = await gateway.url()
        pids = children(gateway)
        async with connected(url) as (connection,):
            connection.send(query(1))
            await upstream.wait_for(1)
            gateway.send(signal.SIGINT)
            await until_refused(url)
            gateway.send(signal.SIGINT)
            code, _, body = await connection.answer()
        status, _ = await gateway.ended()
        await gone(pids)

    assert (503, "OVERLOADED", 0) == (code, body["errors"][0]["extensions"]["code"], status)


async def test_every_worker_reloads_on_a_hangup_of_the_parent(tmp_path: Path) -> None:
    key = tmp_path / "access-key"
    key.write_text("c4n4ry-first")
    async with held_upstream(is_open=True) as upstream:
        given = settings(upstream)
        del given["KONAPLATE_ACCESS_KEY"]
        given["KONAPLATE_ACCESS_KEY_FILE"] = str(key)
        async with (
            command("serve", "--port", "0", "--workers", "2", **given) as gateway,
            client() as asked,
        ):
            url = await gateway.url()
            key.write_text("c4n4ry-second")
            gateway.send(signal.SIGHUP)
            for _ in range(2):
                await gateway.logged('"secrets and documents were read anew"')
            for number in range(16):
                assert ANSWER == (await asked.post(url, json=query(number))).json()

    sent = {line for head in upstream.heads for line in head.lower().split(b"\r\n") if b"access-key" in line}
    assert {b"x-km-access-key: c4n4ry-second"} == sent


async def test_workers_with_budgets_need_a_redis() -> None:
    async with held_upstream() as upstream:
        given = settings(upstream, KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS="keys.toml")
        status, printed, error_output = await run("serve", "--workers", "2", **given)

    assert (2, "") == (status, printed)
    assert error_output.splitlines() == [
        "konagraph cannot start:",
        "  - KONAGRAPH_REDIS_URL is missing; several workers need it, or each would grant every budget anew",
        "  - KONAGRAPH_API_KEYS names a file that cannot be read: keys.toml: No such file or directory",
    ]


async def test_a_setting_that_cannot_be_used_is_told_once_and_nothing_starts() -> None:
    async with held_upstream() as upstream:
        given = settings(upstream, KONAGRAPH_DOCUMENTS="nowhere.json")
        status, printed, error_output = await run("serve", "--workers", "2", **given)

    assert (2, "") == (status, printed)
    problem = "KONAGRAPH_DOCUMENTS: names a file that cannot be read: nowhere.json: No such file or directory"
    assert ["konagraph cannot start:", f"  - {problem}"] == error_output.splitlines()


async def test_a_port_that_another_gateway_has_is_not_shared_with_it() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", "--workers", "2", **settings(upstream)) as gateway,
    ):
        port = (await gateway.url()).rsplit(":", 1)[1].partition("/")[0]
        status, printed, error_output = await run("serve", "--port", port, "--workers", "2", **settings(upstream))

    assert (1, "") == (status, printed)
    expected = (
        f"konagraph cannot listen on 127.0.0.1 port {port}: address already in use: another program has it; "
    )
    assert error_output.startswith(expected)


async def test_a_file_that_no_worker_could_write_is_told_once_and_nothing_starts(tmp_path: Path) -> None:
    async with held_upstream() as upstream:
        given = settings(upstream, KONAGRAPH_AUDIT_LOG=str(tmp_path / "nowhere" / "audit.log"))
        status, printed, error_output = await run("serve", "--port", "0", "--workers", "2", **given)

    assert (2, "") == (status, printed)
    assert 1 == error_output.count("KONAGRAPH_AUDIT_LOG names a file that cannot be written")


async def test_a_hangup_while_workers_start_ends_none_of_them_and_is_heeded_once_they_serve() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", "--workers", "2", **settings(upstream)) as gateway,
    ):
        async with asyncio.timeout(DEADLINE):
            while len(children(gateway)) < 2:  # noqa: ASYNC110 - another process, which sends no event
                await asyncio.sleep(0.01)
        pids = children(gateway)
        gateway.send(signal.SIGHUP)
        await gateway.url()
        await gateway.logged("secrets and documents were read")
        assert pids == children(gateway)
