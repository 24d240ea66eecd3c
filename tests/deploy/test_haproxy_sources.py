"""Limits per source at the balancer, and for all sources together."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from schema.errors import ErrorCode
from tests.cli.processes import DEADLINE
from tests.deploy.asking_front import assert_refusal, client
from tests.deploy.fake_gateway import balanced_fakes
from tests.deploy.http2 import http2_attack
from tests.deploy.test_compose import SERVICES
from tests.server.raw_http import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.balancer import Balancer
    from tests.deploy.fake_gateway import FakeGateway

GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
MIB = 2**20


def from_source(front: Balancer, address: str) -> httpx.AsyncClient:
    """A client with its own address."""
    return client(front.url, transport=httpx.AsyncHTTPTransport(local_address=address))


async def idle_connections(front: Balancer, held: ExitStack, count: int) -> int:
    """Hold this many silent connections of one source: how many stay open beside a client."""
    sockets = [
        held.enter_context(socket.create_connection(("127.0.0.1", front.port), source_address=(GREEDY, 0)))
        for _ in range(count)
    ]
    async with from_source(front, OTHER) as asking:
        assert (await asking.post("/graphql", content=b"{}")).status_code == 200
    async with asyncio.timeout(DEADLINE):
        while await front.connected() <= count:
            pass
    return sum(map(_is_open, sockets))


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        # The end of the stream is readable as well.
        connection.recv(1)
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    return False


async def test_one_source_holds_no_more_connections_than_its_share(tmp_path: Path) -> None:
    settings = {"SOURCE_CONNECTIONS": "20", "FRONT_MAXCONN": "50"}
    async with balanced_fakes(tmp_path, **settings) as (front, _):
        with ExitStack() as held:
            assert await idle_connections(front, held, 60) == 20


async def test_a_source_that_stands_for_many_has_no_share(tmp_path: Path) -> None:
    settings = {"SOURCE_CONNECTIONS": "20", "SOURCES_OF_MANY": f"192.0.2.1 {GREEDY}/32"}
    async with balanced_fakes(tmp_path, **settings) as (front, _):
        with ExitStack() as held:
            assert await idle_connections(front, held, 60) == 60


async def test_one_source_has_no_more_requests_under_way_than_its_share(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path, SOURCE_REQUESTS="3") as (front, fakes):
        for fake in fakes:
            fake.free.clear()
        async with from_source(front, GREEDY) as greedy, from_source(front, OTHER) as other:
            async with asyncio.TaskGroup() as group:
                first = [group.create_task(greedy.post("/graphql", content=b"{}")) for _ in range(3)]
                await front.until(partial(_reached, fakes, 3))
                refused = await greedy.post("/graphql", content=b"{}")
                another = group.create_task(other.post("/graphql", content=b"{}"))
                await front.until(partial(_reached, fakes, 4))
                for fake in fakes:
                    fake.free.set()
            again = await greedy.post("/graphql", content=b"{}")
    assert [answer.status_code for answer in (*(task.result() for task in [*first, another]), again)] == [200] * 5
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert_refusal(ErrorCode.RATE_LIMITED, refused.json(), retryable=True, retryAfterMs=1000)


def _reached(fakes: tuple[FakeGateway, FakeGateway], count: int, queued: int) -> bool:
    return queued + sum(len(fake.requests) for fake in fakes) == count


@pytest.mark.parametrize("sources", [1, 52], ids=["one source", "52 sources"])
async def test_open_streams_with_long_heads_cost_less_than_half_of_the_containers_memory(
    tmp_path: Path, sources: int
) -> None:
    attackers = [f"127.1.1.{number % sources + 1}" for number in range(52)]
    bound = int(SERVICES["haproxy"]["mem_limit"].removesuffix("m")) * MIB // 2
    async with (
        balanced_fakes(tmp_path) as (front, _),
        http2_attack(front.port, attackers, streams=100, head_bytes=100_000),
        from_source(front, OTHER) as asking,
    ):
        answers = [(await asking.post("/graphql", content=b"{}")).text for _ in range(20)]
        peak = front.peak_memory()
    assert answers == ["fine"] * 20
    assert peak < bound


async def test_a_refusal_by_the_head_does_not_wait_for_the_body(tmp_path: Path) -> None:
    raw = b"POST /graphql HTTP/1.1\r\nHost: cards\r\nContent-Length: 9\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n"
    async with balanced_fakes(tmp_path) as (front, _):
        with Wire(front.port) as wire:
            wire.send(raw)
            answer = await asyncio.to_thread(wire.answer)
    # A timeout is 408.
    assert answer.status == 400


async def test_where_places_are_scarce_an_answered_connection_gives_its_own_back(tmp_path: Path) -> None:
    settings = {"FRONT_MAXCONN": "40", "SOURCES_OF_MANY": "127.0.0.0/8"}
    async with balanced_fakes(tmp_path, **settings) as (front, _):
        async with from_source(front, OTHER) as asking:
            before = await asking.post("/graphql", content=b"{}")
        with ExitStack() as held:
            await idle_connections(front, held, 35)
            async with from_source(front, OTHER) as asking:
                crowded = await asking.post("/graphql", content=b"{}")
    assert (before.headers.get("connection"), crowded.headers.get("connection")) == (None, "close")


async def test_with_all_places_taken_the_balancer_still_tells_how_it_is(tmp_path: Path) -> None:
    settings = {"FRONT_MAXCONN": "10", "SOURCES_OF_MANY": "127.0.0.0/8"}
    async with balanced_fakes(tmp_path, **settings) as (front, _):
        with ExitStack() as held:
            idle = [held.enter_context(socket.create_connection(("127.0.0.1", front.port))) for _ in range(30)]
            async with asyncio.timeout(DEADLINE):
                while await front.connected() < 10:
                    pass
            answers = [await front.inside(path) for path in ("/livez", "/metrics")]
            # None of them was closed before.
            assert all(map(_is_open, idle))
    assert [answer.status_code for answer in answers] == [200, 200]
