"""Many callers and a server that fails at random: no place of the pool is lost or given twice."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest

from graph.konaplate.transport.pool import PoolLimits
from tests.konaplate.faulty_upstream import Connection, FaultyUpstream
from tests.konaplate.transport.test_pool import OK, Line, line_to

PLACES = 5


class Chance:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same faults in every run

    async def serve(self, connection: Connection) -> None:
        """Answer, mostly."""
        while True:
            await connection.read_request()
            match self._random.randrange(10):
                case 0:
                    connection.reset()
                case 1:
                    connection.end()
                case 2:
                    await connection.send(OK + b"more")
                case 3:
                    await asyncio.sleep(0.02)
                    await connection.send(OK)
                case _:
                    await connection.send(OK)

    async def ask(self, line: Line) -> None:
        """Ask with a short timeout; sometimes close the connection or leave the response unread."""
        wait, patience = self._random.choice([0.001, 5.0]), self._random.choice([0.001, 0.01, 5.0])
        fresh, ends, reads = (self._random.random() < part for part in (0.2, 0.1, 0.9))
        async with asyncio.timeout(patience):
            response = await line.exchange(fresh=fresh, wait=wait)
            if ends:
                await response.extensions["network_stream"].aclose()
            if reads:
                assert await response.aread() == b"ok"
            else:
                await response.aclose()


@pytest.mark.parametrize("seed", range(3))
async def test_every_place_is_free_again_after_whatever_happened(seed: int) -> None:
    chance = Chance(seed)
    async with FaultyUpstream(chance.serve) as upstream, line_to(upstream, PoolLimits(connections=PLACES)) as line:
        for turn in range(30):
            crowd = [asyncio.ensure_future(chance.ask(line)) for _ in range(15)]
            await asyncio.sleep(0.001)
            for task in crowd[turn % 4 :: 4]:
                task.cancel()
            for end in await asyncio.gather(*crowd, return_exceptions=True):
                assert isinstance(end, httpx.TransportError | TimeoutError | asyncio.CancelledError | None)
            assert line.connections <= PLACES + 1
        (pool,) = line.transport._pools.values()
        async with asyncio.timeout(30):
            while pool._places.in_use or set(pool._idle) != pool._all:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
