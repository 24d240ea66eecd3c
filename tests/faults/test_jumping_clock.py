"""The clock of these tests: it stands still while anything runs, and jumps over waiting."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.card_upstream import CardUpstream
from tests.faults.jumping_clock import jumping
from tests.konaplate.faulty_upstream import Connection, FaultyUpstream


@jumping
async def test_an_hour_passes_in_a_moment() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(3_600)
    assert pytest.approx(loop.time()) == 3_600


@jumping
async def test_timers_ring_in_their_order_and_at_their_time() -> None:
    loop, rang = asyncio.get_running_loop(), []
    for seconds in (0.3, 0.1, 0.2):
        loop.call_later(seconds, lambda: rang.append(round(loop.time(), 6)))
    await asyncio.sleep(1)
    assert rang == [0.1, 0.2, 0.3]


@jumping
async def test_no_time_passes_while_bytes_are_on_their_way() -> None:
    async def echo(connection: Connection) -> None:
        while data := await connection.receive():
            await connection.send(data)

    loop = asyncio.get_running_loop()
    async with FaultyUpstream(echo) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        async with asyncio.timeout(0.000_001):
            for _ in range(100):
                writer.write(b"x" * 10_000)
                await reader.readexactly(10_000)
        writer.close()
        await upstream.until_closed()
    assert loop.time() == 0


@jumping
async def test_a_deadline_passes_where_nothing_is_answered() -> None:
    loop = asyncio.get_running_loop()
    async with CardUpstream() as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await reader.read()
        writer.close()
        await upstream.until_closed()
    assert pytest.approx(loop.time()) == 60
