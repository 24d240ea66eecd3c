"""Connections to one server over real sockets: reuse, limits, waiting, cancellation."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.konaplate.transport.connection import NO_RESPONSE
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import FRESH, PoolLimits
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

OK = http(b"ok")


class Line:
    """Asks one server, over a transport of its own."""

    def __init__(self, base_url: str, limits: PoolLimits | None = None) -> None:
        self.url = httpx.URL(base_url)
        self.transport = LeanTransport(limits or PoolLimits(keepalive=60), None)

    async def exchange(self, *, fresh: bool = False, wait: float = 30, connect: float = 30) -> httpx.Response:
        """The response to one request, not read yet."""
        extensions: dict[str, Any] = {"timeout": {"pool": wait, "connect": connect}, FRESH: fresh}
        request = httpx.Request("POST", self.url, content=b"{}", extensions=extensions)
        return await self.transport.handle_async_request(request)

    async def body(self, **options: Any) -> bytes:
        return await (await self.exchange(**options)).aread()

    def ask(self, **options: Any) -> asyncio.Task[bytes]:
        return asyncio.ensure_future(self.body(**options))

    @property
    def connections(self) -> int:
        return sum(len(pool._all) for pool in self.transport._pools.values())


@asynccontextmanager
async def line_to(upstream: FaultyUpstream, limits: PoolLimits | None = None) -> AsyncIterator[Line]:
    line = Line(upstream.base_url, limits)
    try:
        yield line
    finally:
        await line.transport.aclose()
        assert line.connections == 0


class Doors:
    """Answers each request when the test releases it."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Connection] = asyncio.Queue()

    async def __call__(self, connection: Connection) -> None:
        while True:
            await connection.read_request()
            await self.asked.put(connection)

    async def next(self) -> Connection:
        async with asyncio.timeout(30):
            return await self.asked.get()


async def test_the_request_goes_out_and_the_response_comes_back_whole() -> None:
    async with (
        FaultyUpstream(answer(http(b"body", "201 Made", ["X-A: b"]))) as upstream,
        line_to(upstream) as line,
    ):
        got = await line.exchange()
        assert await got.aread() == b"body"
        (request,) = upstream.connections[0].requests
    assert (got.status_code, got.headers["x-a"]) == (201, "b")
    assert request.startswith(b"POST /open-api HTTP/1.1\r\nHost: 127.0.0.1:")
    assert request.endswith(b"\r\n\r\n{}")


async def test_a_connection_is_used_again() -> None:
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream) as line:
        assert [await line.ask() for _ in range(5)] == [b"ok"] * 5
        assert (len(upstream.connections), line.connections) == (1, 1)


@pytest.mark.parametrize("raw", [http(b"ok", headers=["Connection: close"]), OK.replace(b"HTTP/1.1", b"HTTP/1.0")])
async def test_a_connection_that_is_to_end_is_not_used_again(raw: bytes) -> None:
    async with FaultyUpstream(answer(raw)) as upstream, line_to(upstream) as line:
        assert [await line.ask() for _ in range(2)] == [b"ok", b"ok"]
        assert len(upstream.connections) == 2


async def test_an_idle_connection_that_the_server_closes_is_not_used_again() -> None:
    async def one_answer(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(OK)
        connection.end()

    async with FaultyUpstream(one_answer) as upstream, line_to(upstream) as line:
        for number in (1, 2, 3):
            assert await line.ask() == b"ok"
            await upstream.until_closed()
            assert number == len(upstream.connections)


async def test_an_old_connection_is_closed() -> None:
    limits = PoolLimits(keepalive=0.05)
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream, limits) as line:
        await asyncio.gather(line.ask(), line.ask())
        await upstream.until_closed()
        assert (len(upstream.connections), line.connections) == (2, 0)
        assert await line.ask() == b"ok"


async def test_an_old_connection_is_not_used_where_its_timer_is_late() -> None:
    limits = PoolLimits(keepalive=0.05)
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream, limits) as line:
        await line.body()
        # The event loop is blocked, so that no timer runs in between.
        time.sleep(0.1)  # noqa: ASYNC251
        await line.body()
        assert len(upstream.connections) == 2


async def test_the_latest_connection_is_used_first_so_that_the_others_grow_old() -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, line_to(upstream) as line:
        asked = [line.ask(), line.ask()]
        first, second = await doors.next(), await doors.next()
        for connection in (first, second):
            await connection.send(OK)
        await asyncio.gather(*asked)
        for _ in range(3):
            again = line.ask()
            assert second is await doors.next()
            await second.send(OK)
            await again


async def test_no_more_connections_are_opened_than_may_be_and_the_longest_waiter_is_next() -> None:
    doors = Doors()
    limits = PoolLimits(connections=2)
    async with FaultyUpstream(doors) as upstream, line_to(upstream, limits) as line:
        asked = [line.ask() for _ in range(5)]
        for number in range(5):
            connection = await doors.next()
            await connection.send(http(b"%d" % number))
        assert sorted(await asyncio.gather(*asked)) == [b"0", b"1", b"2", b"3", b"4"]
        assert await asked[2] < await asked[3] < await asked[4]
        assert len(upstream.connections) == 2


async def test_who_waits_too_long_for_a_connection_gets_none() -> None:
    async with FaultyUpstream(silence()) as upstream, line_to(upstream, PoolLimits(connections=1)) as line:
        holds = line.ask()
        await upstream.until_asked()
        with pytest.raises(httpx.PoolTimeout):
            await line.body(wait=0.05)
        holds.cancel()
        await asyncio.wait([holds])
        assert len(upstream.connections) == 1


async def test_a_waiter_that_leaves_is_passed_over() -> None:
    doors = Doors()
    limits = PoolLimits(connections=1)
    async with FaultyUpstream(doors) as upstream, line_to(upstream, limits) as line:
        holds = line.ask()
        connection = await doors.next()
        leaves, stays = line.ask(), line.ask()
        await asyncio.sleep(0)
        leaves.cancel()
        await connection.send(OK)
        assert await holds == b"ok"
        await (await doors.next()).send(OK)
        assert await stays == b"ok"


async def test_a_waiter_may_open_a_connection_when_one_is_lost() -> None:
    doors = Doors()
    limits = PoolLimits(connections=1)
    async with FaultyUpstream(doors) as upstream, line_to(upstream, limits) as line:
        loses, waits = line.ask(), line.ask()
        (await doors.next()).reset()
        await (await doors.next()).send(OK)
        with pytest.raises(httpx.RemoteProtocolError):
            await loses
        assert await waits == b"ok"
        assert len(upstream.connections) == 2


async def test_a_crowd_that_comes_and_goes_leaves_the_count_right() -> None:
    limits = PoolLimits(connections=3)
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream, limits) as line:
        for turn in range(20):
            crowd = [line.ask() for _ in range(10)]
            for _ in range(turn):
                await asyncio.sleep(0)
            for task in crowd[turn % 3 :: 3]:
                task.cancel()
            ends = await asyncio.gather(*crowd, return_exceptions=True)
            assert {b"ok"} >= {end for end in ends if not isinstance(end, asyncio.CancelledError)}
            assert line.connections <= 3
        assert await asyncio.gather(*[line.ask() for _ in range(3)]) == [b"ok"] * 3


@pytest.mark.parametrize("script", [hang_up(), reset()])
async def test_a_connection_that_ends_instead_of_an_answer_is_told_by_httpxs_words(script: Script) -> None:
    async with FaultyUpstream(script) as upstream, line_to(upstream) as line:
        with pytest.raises(httpx.RemoteProtocolError) as failure:
            await line.body()
    assert str(failure.value) == NO_RESPONSE == "Server disconnected without sending a response."


@pytest.mark.parametrize("script", [hang_up(OK[:-1]), reset(OK[:-1]), hang_up(OK[:9]), reset(OK[:9])])
async def test_a_connection_that_ends_within_an_answer_is_told_by_other_words(script: Script) -> None:
    async with FaultyUpstream(script) as upstream, line_to(upstream) as line:
        with pytest.raises(httpx.RemoteProtocolError) as failure:
            await line.body()
    assert str(failure.value) != NO_RESPONSE


@pytest.mark.parametrize("late", [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold", b"x"])
async def test_what_comes_unasked_ends_the_connection(late: bytes) -> None:
    async def talkative(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(OK)
        await connection.send(late)

    async with FaultyUpstream(talkative) as upstream, line_to(upstream) as line:
        # Unless it arrives together with the response, which is then rejected.
        await asyncio.gather(line.ask(), return_exceptions=True)
        await upstream.until_closed()
        await asyncio.gather(line.ask(), return_exceptions=True)
        assert len(upstream.connections) == 2


async def test_two_answers_at_once_are_none() -> None:
    async with FaultyUpstream(answer(OK + http(b"another's"))) as upstream, line_to(upstream) as line:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                await line.body()
        await upstream.until_closed()


async def test_a_caller_that_leaves_ends_its_connection() -> None:
    async with FaultyUpstream(silence()) as upstream, line_to(upstream) as line:
        leaves = line.ask()
        await upstream.until_asked()
        leaves.cancel()
        await upstream.until_closed()
        assert leaves.cancelled()


async def test_a_caller_that_leaves_while_connecting_leaves_nothing_behind() -> None:
    async with FaultyUpstream(mute) as upstream, line_to(upstream) as line:
        leaves = line.ask()
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait([leaves])
        assert line.connections == 0


async def test_a_refused_connection_is_an_error_and_leaves_room() -> None:
    async with FaultyUpstream(mute) as upstream:
        line = Line(upstream.base_url, PoolLimits(connections=1))
    for _ in range(3):
        with pytest.raises(httpx.ConnectError):
            await line.body()


@pytest.mark.parametrize("name", ["does-not-exist.invalid", "x" * 64 + ".invalid", "a..b.invalid"])
async def test_a_name_that_is_none_is_a_connection_error(name: str) -> None:
    with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
        await Line(f"http://{name}/").body()


async def test_closing_ends_calls_and_waiters_and_nobody_is_served_after() -> None:
    limits = PoolLimits(connections=1)
    async with FaultyUpstream(silence()) as upstream, line_to(upstream, limits) as line:
        holds, waits = line.ask(), line.ask()
        await upstream.until_asked()
        await line.transport.aclose()
        ends = await asyncio.gather(holds, waits, return_exceptions=True)
        assert [httpx.RemoteProtocolError, httpx.ConnectError] == [type(end) for end in ends]
        with pytest.raises(httpx.ConnectError):
            await line.body()
        await upstream.until_closed()


async def test_a_connection_that_the_caller_ends_is_not_used_again() -> None:
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream) as line:
        for ends in (True, False, False):
            response = await line.exchange()
            if ends:
                await response.extensions["network_stream"].aclose()
            assert await response.aread() == b"ok"
        assert [len(connection.requests) for connection in upstream.connections] == [1, 2]


async def test_a_response_that_is_closed_unread_ends_its_connection() -> None:
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream) as line:
        await (await line.exchange()).aclose()
        await upstream.until_closed()
        assert await line.body() == b"ok"


async def test_a_response_that_is_closed_twice_gives_its_connection_back_once() -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, line_to(upstream, PoolLimits(connections=1)) as line:
        first = asyncio.ensure_future(line.exchange())
        connection = await doors.next()
        await connection.send(OK)
        response = await first
        await response.aread()
        second, third = line.ask(), line.ask(wait=0.05)
        assert connection is await doors.next()
        assert isinstance(response.stream, httpx.AsyncByteStream)
        await response.stream.aclose()
        with pytest.raises(httpx.PoolTimeout):
            await third
        await connection.send(OK)
        assert await second == b"ok"


async def test_who_needs_a_fresh_connection_gets_no_idle_one_which_makes_room() -> None:
    async with FaultyUpstream(answer(OK)) as upstream, line_to(upstream, PoolLimits(connections=2)) as line:
        await asyncio.gather(line.ask(), line.ask())
        assert await line.body(fresh=True) == b"ok"
        assert [len(connection.requests) for connection in upstream.connections] == [1, 1, 1]
        assert line.connections <= 2


async def test_who_needs_a_fresh_connection_waits_for_room_where_all_are_in_use() -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, line_to(upstream, PoolLimits(connections=1)) as line:
        holds = line.ask()
        first = await doors.next()
        waits = line.ask(fresh=True)
        await first.send(OK)
        assert await holds == b"ok"
        second = await doors.next()
        assert second is not first
        await second.send(OK)
        assert await waits == b"ok"


async def test_when_a_kept_connection_has_ended_the_others_that_were_idle_for_longer_are_not_used() -> None:
    async def once(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(OK)
        await connection.read_request()
        connection.reset()

    async with FaultyUpstream(once) as upstream, line_to(upstream) as line:
        await asyncio.gather(line.ask(), line.ask(), line.ask())
        with pytest.raises(httpx.RemoteProtocolError):
            await line.body()
        assert await line.body() == b"ok"
        assert len(upstream.connections) == 4
