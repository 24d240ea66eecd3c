"""Connections to one server, over real sockets: reused, bounded, waited for, given up."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.konaplate.transport.connection import NO_ANSWER
from graph.konaplate.transport.pool import Address, Pool, PoolLimits
from tests.konaplate.faulty_upstream import (
    Connection,
    FaultyUpstream,
    answer,
    hang_up,
    http,
    mute,
    reset,
    silence,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.konaplate.faulty_upstream import Script

REQUEST = b"POST /x HTTP/1.1\r\nHost: upstream\r\nContent-Length: 2\r\n\r\n{}"
PATIENT = PoolLimits(keepalive=60, connect=30, wait=30)
OK = http(b"ok")


@asynccontextmanager
async def pool_to(upstream: FaultyUpstream, limits: PoolLimits = PATIENT) -> AsyncIterator[Pool]:
    pool = Pool(Address("127.0.0.1", upstream.port, tls=False), limits, None)
    try:
        yield pool
    finally:
        await pool.aclose()
        assert len(pool) == 0


def ask(pool: Pool) -> asyncio.Task[bytes]:
    async def body() -> bytes:
        return (await pool.exchange(REQUEST)).body

    return asyncio.ensure_future(body())


class Doors:
    """Answers each request when its turn is let through."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Connection] = asyncio.Queue()

    async def __call__(self, connection: Connection) -> None:
        while True:
            await connection.read_request()
            await self.asked.put(connection)

    async def next(self) -> Connection:
        async with asyncio.timeout(5):
            return await self.asked.get()


async def test_the_bytes_go_out_as_they_are_and_the_answer_comes_back_whole() -> None:
    async with (
        FaultyUpstream(answer(http(b"body", "201 Made", ["X-A: b"]))) as upstream,
        pool_to(upstream) as pool,
    ):
        got = await pool.exchange(REQUEST)
        assert [[REQUEST]] == [connection.requests for connection in upstream.connections]
    assert (201, "b", b"body") == (got.status, got.header(b"x-a"), got.body)


async def test_a_connection_is_used_again() -> None:
    async with FaultyUpstream(answer(OK)) as upstream, pool_to(upstream) as pool:
        assert [b"ok"] * 5 == [await ask(pool) for _ in range(5)]
        assert (1, 1) == (len(upstream.connections), len(pool))


@pytest.mark.parametrize("raw", [http(b"ok", headers=["Connection: close"]), OK.replace(b"HTTP/1.1", b"HTTP/1.0")])
async def test_a_connection_that_is_to_end_is_not_used_again(raw: bytes) -> None:
    async with FaultyUpstream(answer(raw)) as upstream, pool_to(upstream) as pool:
        assert [b"ok", b"ok"] == [await ask(pool) for _ in range(2)]
        assert len(upstream.connections) == 2


async def test_an_idle_connection_that_the_server_closes_is_not_used_again() -> None:
    async def one_answer(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(OK)
        connection.end()

    async with FaultyUpstream(one_answer) as upstream, pool_to(upstream) as pool:
        for number in (1, 2, 3):
            assert await ask(pool) == b"ok"
            await upstream.until_closed()
            assert number == len(upstream.connections)


async def test_an_old_connection_is_closed() -> None:
    limits = PoolLimits(keepalive=0.05)
    async with FaultyUpstream(answer(OK)) as upstream, pool_to(upstream, limits) as pool:
        await asyncio.gather(ask(pool), ask(pool))
        await upstream.until_closed()
        assert (2, 0) == (len(upstream.connections), len(pool))
        assert await ask(pool) == b"ok"


async def test_the_latest_connection_is_used_first_so_that_the_others_grow_old() -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, pool_to(upstream) as pool:
        asked = [ask(pool), ask(pool)]
        first, second = await doors.next(), await doors.next()
        for connection in (first, second):
            await connection.send(OK)
        await asyncio.gather(*asked)
        for _ in range(3):
            again = ask(pool)
            assert second is await doors.next()
            await second.send(OK)
            await again


async def test_no_more_connections_are_opened_than_may_be_and_the_longest_waiter_is_next() -> None:
    doors = Doors()
    limits = PoolLimits(connections=2, connect=30, wait=30)
    async with FaultyUpstream(doors) as upstream, pool_to(upstream, limits) as pool:
        asked = [ask(pool) for _ in range(5)]
        for number in range(5):
            connection = await doors.next()
            await connection.send(http(b"%d" % number))
        assert [b"0", b"1", b"2", b"3", b"4"] == sorted(await asyncio.gather(*asked))
        assert await asked[2] < await asked[3] < await asked[4]
        assert len(upstream.connections) == 2


async def test_who_waits_too_long_for_a_connection_gets_none() -> None:
    limits = PoolLimits(connections=1, wait=0.05)
    async with FaultyUpstream(silence()) as upstream, pool_to(upstream, limits) as pool:
        holds = ask(pool)
        await upstream.until_asked()
        with pytest.raises(httpx.PoolTimeout):
            await pool.exchange(REQUEST)
        holds.cancel()
        await asyncio.wait([holds])
        assert len(upstream.connections) == 1


async def test_a_waiter_that_leaves_is_passed_over() -> None:
    doors = Doors()
    limits = PoolLimits(connections=1, connect=30, wait=30)
    async with FaultyUpstream(doors) as upstream, pool_to(upstream, limits) as pool:
        holds = ask(pool)
        connection = await doors.next()
        leaves, stays = ask(pool), ask(pool)
        await asyncio.sleep(0)
        leaves.cancel()
        await connection.send(OK)
        assert await holds == b"ok"
        await (await doors.next()).send(OK)
        assert await stays == b"ok"


async def test_a_waiter_may_open_a_connection_when_one_is_lost() -> None:
    doors = Doors()
    limits = PoolLimits(connections=1, connect=30, wait=30)
    async with FaultyUpstream(doors) as upstream, pool_to(upstream, limits) as pool:
        loses, waits = ask(pool), ask(pool)
        (await doors.next()).reset()
        await (await doors.next()).send(OK)
        with pytest.raises(httpx.RemoteProtocolError):
            await loses
        assert await waits == b"ok"
        assert len(upstream.connections) == 2


async def test_a_crowd_that_comes_and_goes_leaves_the_count_right() -> None:
    limits = PoolLimits(connections=3, connect=30, wait=30)
    async with FaultyUpstream(answer(OK)) as upstream, pool_to(upstream, limits) as pool:
        for turn in range(20):
            crowd = [ask(pool) for _ in range(10)]
            for _ in range(turn):
                await asyncio.sleep(0)
            for task in crowd[turn % 3 :: 3]:
                task.cancel()
            ends = await asyncio.gather(*crowd, return_exceptions=True)
            assert {b"ok"} >= {end for end in ends if not isinstance(end, asyncio.CancelledError)}
            assert len(pool) <= 3
        assert [b"ok"] * 3 == await asyncio.gather(*[ask(pool) for _ in range(3)])


@pytest.mark.parametrize("script", [hang_up(), reset()])
async def test_a_connection_that_ends_instead_of_an_answer_is_told_by_httpxs_words(script: Script) -> None:
    async with FaultyUpstream(script) as upstream, pool_to(upstream) as pool:
        with pytest.raises(httpx.RemoteProtocolError) as failure:
            await pool.exchange(REQUEST)
    assert str(failure.value) == NO_ANSWER == "Server disconnected without sending a response."


@pytest.mark.parametrize("script", [hang_up(OK[:-1]), reset(OK[:-1]), hang_up(OK[:9]), reset(OK[:9])])
async def test_a_connection_that_ends_within_an_answer_is_told_by_other_words(script: Script) -> None:
    async with FaultyUpstream(script) as upstream, pool_to(upstream) as pool:
        with pytest.raises(httpx.RemoteProtocolError) as failure:
            await pool.exchange(REQUEST)
    assert str(failure.value) != NO_ANSWER


@pytest.mark.parametrize("late", [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold", b"x"])
async def test_what_comes_unasked_ends_the_connection(late: bytes) -> None:
    async def talkative(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(OK)
        await connection.send(late)

    async with FaultyUpstream(talkative) as upstream, pool_to(upstream) as pool:
        # Unless it comes together with the answer, which is refused then.
        await asyncio.gather(ask(pool), return_exceptions=True)
        await upstream.until_closed()
        await asyncio.gather(ask(pool), return_exceptions=True)
        assert len(upstream.connections) == 2


async def test_two_answers_at_once_are_none() -> None:
    async with FaultyUpstream(answer(OK + http(b"another's"))) as upstream, pool_to(upstream) as pool:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                await pool.exchange(REQUEST)
        await upstream.until_closed()


async def test_a_caller_that_leaves_ends_its_connection() -> None:
    async with FaultyUpstream(silence()) as upstream, pool_to(upstream) as pool:
        leaves = ask(pool)
        await upstream.until_asked()
        leaves.cancel()
        await upstream.until_closed()
        assert leaves.cancelled()


async def test_a_caller_that_leaves_while_connecting_leaves_nothing_behind() -> None:
    async with FaultyUpstream(mute) as upstream, pool_to(upstream) as pool:
        leaves = ask(pool)
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait([leaves])
        assert len(pool) == 0


async def test_a_refused_connection_is_an_error_and_leaves_room() -> None:
    async with FaultyUpstream(mute) as upstream:
        nobody = Address("127.0.0.1", upstream.port, tls=False)
    pool = Pool(nobody, PoolLimits(connections=1), None)
    for _ in range(3):
        with pytest.raises(httpx.ConnectError):
            await pool.exchange(REQUEST)
    assert len(pool) == 0


async def test_a_name_that_is_none_is_a_connection_error() -> None:
    pool = Pool(Address("does-not-exist.invalid", 80, tls=False), PoolLimits(), None)
    with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
        await pool.exchange(REQUEST)
    assert len(pool) == 0


async def test_closing_ends_calls_and_waiters_and_nobody_is_served_after() -> None:
    limits = PoolLimits(connections=1, connect=30, wait=30)
    async with FaultyUpstream(silence()) as upstream, pool_to(upstream, limits) as pool:
        holds, waits = ask(pool), ask(pool)
        await upstream.until_asked()
        await pool.aclose()
        ends = await asyncio.gather(holds, waits, return_exceptions=True)
        assert [httpx.RemoteProtocolError, httpx.ConnectError] == [type(end) for end in ends]
        with pytest.raises(httpx.ConnectError):
            await pool.exchange(REQUEST)
        await upstream.until_closed()


async def test_a_connection_that_is_not_trusted_any_more_is_not_used_again() -> None:
    async with FaultyUpstream(answer(OK)) as upstream, pool_to(upstream) as pool:
        verdicts = iter([False, True, True])
        for _ in range(3):
            assert (await pool.exchange(REQUEST, trusts=lambda _answer: next(verdicts))).body == b"ok"
        assert [1, 2] == [len(connection.requests) for connection in upstream.connections]
