"""Only exchanges that take too long end, each at its own deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from graph.konaplate.errors import TimedOutError, UnavailableError
from graph.konaplate.send import send
from graph.konaplate.transport.pool import PoolLimits
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http, silence
from tests.konaplate.support import DETAILS
from tests.konaplate.transport.test_pool import OK, Doors, Line, line_to

if TYPE_CHECKING:
    from collections.abc import Callable

LONG: Final = 30.0
SHORT: Final = 0.05


async def exchange(line: Line, seconds: float) -> bytes:
    timeout = {"connect": LONG, "pool": LONG}
    request = httpx.Request("POST", line.url, content=b"{}", extensions={"timeout": timeout})
    response = await send(
        line.transport, request, DETAILS, seconds=seconds, max_bytes=1_000, trusts=lambda _response: True
    )
    return response.body


def ask_within(line: Line, seconds: float) -> asyncio.Task[bytes]:
    return asyncio.ensure_future(exchange(line, seconds))


async def test_an_exchange_ends_at_its_deadline_and_with_it_its_connection() -> None:
    loop = asyncio.get_running_loop()
    async with FaultyUpstream(silence(OK[:-1])) as upstream, line_to(upstream) as line:
        for _ in range(2):
            started = loop.time()
            with pytest.raises(TimedOutError):
                await exchange(line, SHORT)
            assert loop.time() - started >= SHORT * 0.9
        await upstream.until_closed()
        assert [len(connection.requests) for connection in upstream.connections] == [1, 1]


async def test_every_exchange_ends_at_its_own_deadline_whichever_began_first() -> None:
    ended: list[float] = []

    async def ends(line: Line, seconds: float) -> None:
        with pytest.raises(TimedOutError):
            await exchange(line, seconds)
        ended.append(seconds)

    async with FaultyUpstream(silence()) as upstream, line_to(upstream) as line:
        await asyncio.gather(*(ends(line, seconds) for seconds in (0.2, 0.05, 0.15, 0.1)))
    assert ended == [0.05, 0.1, 0.15, 0.2]


@pytest.mark.parametrize("patient", [Line.ask, lambda line: ask_within(line, LONG)], ids=["none", "a later one"])
async def test_the_deadline_of_one_exchange_leaves_its_neighbours_alone(
    patient: Callable[[Line], asyncio.Task[bytes]],
) -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, line_to(upstream) as line:
        waits = patient(line)
        neighbour = await doors.next()
        with pytest.raises(TimedOutError):
            await exchange(line, SHORT)
        await neighbour.send(OK)
        assert await waits == b"ok"


async def test_the_deadline_of_an_exchange_that_is_over_ends_nothing() -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, line_to(upstream) as line:
        first = ask_within(line, SHORT)
        connection = await doors.next()
        await connection.send(OK)
        assert await first == b"ok"
        # The same connection without a deadline outlives its old one, as another's failure shows.
        second = line.ask()
        assert connection is await doors.next()
        with pytest.raises(TimedOutError):
            await exchange(line, 2 * SHORT)
        await connection.send(OK)
        assert await second == b"ok"


async def test_waiting_for_a_connection_is_part_of_the_time() -> None:
    doors = Doors()
    async with FaultyUpstream(doors) as upstream, line_to(upstream, PoolLimits(connections=1)) as line:
        holds = line.ask()
        connection = await doors.next()
        with pytest.raises(TimedOutError):
            await exchange(line, SHORT)
        await connection.send(OK)
        assert await holds == b"ok"
        assert (len(upstream.connections), len(connection.requests)) == (1, 1)


async def test_a_deadline_that_has_passed_already_ends_an_exchange_over_a_kept_connection_too() -> None:
    async with FaultyUpstream(silence(OK)) as upstream, line_to(upstream) as line:
        assert await line.body() == b"ok"
        with pytest.raises(TimedOutError):
            await exchange(line, 0.0)
        assert len(upstream.connections) == 1


async def test_closing_does_not_wait_for_deadlines() -> None:
    async with FaultyUpstream(silence()) as upstream, line_to(upstream) as line:
        asked = ask_within(line, LONG)
        await upstream.until_asked()
        await line.transport.aclose()
        with pytest.raises(UnavailableError):
            await asked


async def test_many_exchanges_with_deadlines_are_all_answered() -> None:
    async with FaultyUpstream(answer(http(b"ok"))) as upstream, line_to(upstream) as line:
        answers = await asyncio.gather(*(ask_within(line, LONG + number % 7) for number in range(200)))
    assert answers == [b"ok"] * 200
