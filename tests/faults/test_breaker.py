"""A failing upstream gets no calls for a while, is probed, and is used again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from tests.faults.card_upstream import BALANCE, GOOD, SILENCE, WELL, CardUpstream, later, say
from tests.faults.jumping_clock import jumping
from tests.faults.rows import UNAVAILABLE
from tests.faults.test_whole_answers import CODES, STATUSES, USELESS
from tests.faults.whole_gateway import ONLY_BAD, ONLY_GOOD, gateway_over
from tests.konaplate.faulty_upstream import http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.card_upstream import Act
    from tests.konaplate.faulty_upstream import Connection
    from tests.support import Gateway

FAILS = say(http(b"", "500 Internal Server Error"))
BUSY = say(http(b"", "503 Service Unavailable"))
SUCCEEDS = say(http(WELL))
PROFILE = f'{{ card(cardNo: "{GOOD}") {{ balance member {{ profile {{ userName }} }} }} }}'
OPEN, JITTER, MOST = 5.0, 0.2, 60.0


class Switch:
    """An upstream whose behaviour changes."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.calls = 0
        self.upstream = CardUpstream(everything=self._play)

    async def _play(self, connection: Connection, request: bytes) -> None:
        self.calls += 1
        await self.act(connection, request)


@asynccontextmanager
async def opened(**variables: object) -> AsyncIterator[tuple[Gateway, Switch]]:
    """A gateway whose breaker has just opened."""
    switch = Switch(FAILS)
    async with gateway_over(switch.upstream, **variables) as gateway:
        for _ in range(20):
            await gateway.query(ONLY_BAD)
        assert switch.calls == 20
        yield gateway, switch


async def refusal(gateway: Gateway) -> float:
    """Query once, check that it is refused without a call, and return the seconds to wait."""
    extensions = (await gateway.query(ONLY_GOOD))["errors"][0]["extensions"]
    assert extensions.keys() == {"code", "retryable", "requestId", "retryAfterMs"}
    assert (extensions["code"], extensions["retryable"]) == (UNAVAILABLE, True)
    milliseconds: int = extensions["retryAfterMs"]
    return milliseconds / 1000


async def many(gateway: Gateway, cards: int) -> dict[str, Any]:
    """Query so many cards at once."""
    numbers = ", ".join(f'"94913394{number:08}"' for number in range(cards))
    return await gateway.query(f"{{ cards(cardNos: [{numbers}]) {{ balance }} }}")


@jumping
async def test_half_of_twenty_calls_that_fail_open_the_breaker_and_no_fewer() -> None:
    async def ask(good: int, bad: int) -> int:
        upstream = CardUpstream(FAILS)
        async with gateway_over(upstream) as gateway:
            for query, times in ((ONLY_GOOD, good), (ONLY_BAD, bad)):
                for _ in range(times):
                    await gateway.query(query)
            before = upstream.good_calls
            await gateway.query(ONLY_GOOD)
            return upstream.good_calls - before

    assert await ask(10, 10) == 0
    assert await ask(11, 9) == 1
    assert await ask(0, 19) == 1
    assert await ask(0, 20) == 0


@jumping
async def test_an_open_breaker_refuses_at_once_without_a_call_or_a_connection() -> None:
    loop = asyncio.get_running_loop()
    async with opened() as (gateway, switch):
        before = loop.time(), len(switch.upstream.connections)
        wait = await refusal(gateway)
        assert OPEN * (1 - JITTER) <= wait <= OPEN
        assert (20, before) == (switch.calls, (loop.time(), len(switch.upstream.connections)))
        # The time left, not the full open time.
        await asyncio.sleep(wait - 1)
        assert pytest.approx(await refusal(gateway), abs=0.002) == 1
        assert switch.calls == 20


@jumping
async def test_an_open_breaker_leaves_the_rest_of_a_query_alone() -> None:
    async with opened() as (gateway, _):
        answer = await gateway.query(ONLY_BAD.replace("{ bad", "{ __typename bad", 1))
    assert answer["data"] == {"__typename": "Query", "bad": None}


@jumping
async def test_three_good_probes_close_the_breaker() -> None:
    async with opened() as (gateway, switch):
        await asyncio.sleep(await refusal(gateway))
        switch.act = SUCCEEDS
        for _ in range(4):
            assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
        assert switch.calls == 24
        answer = await many(gateway, 20)
        assert "errors" not in answer
        assert switch.calls == 44


@jumping
async def test_no_more_than_three_probes_are_under_way() -> None:
    async with opened() as (gateway, switch):
        await asyncio.sleep(await refusal(gateway))
        release = asyncio.Event()
        switch.act = later(release, SUCCEEDS)
        query = asyncio.ensure_future(many(gateway, 10))
        await asyncio.sleep(0.1)
        assert switch.calls == 23
        release.set()
        answer = await query
        assert answer["data"]["cards"] == [{"balance": BALANCE}] * 3 + [None] * 7
        assert [error["extensions"]["code"] for error in answer["errors"]] == [UNAVAILABLE] * 7
        assert "errors" not in await many(gateway, 10)


@jumping
async def test_a_probe_is_one_attempt() -> None:
    async with opened() as (gateway, switch):
        await asyncio.sleep(await refusal(gateway))
        switch.act = BUSY
        await gateway.query(ONLY_GOOD)
        assert switch.calls == 21
        await refusal(gateway)
        assert switch.calls == 21


@jumping
async def test_each_failed_probe_doubles_the_time_up_to_a_minute() -> None:
    async with opened() as (gateway, switch):
        for probes, expected in enumerate((OPEN, 10.0, 20.0, 40.0, MOST, MOST, MOST)):
            wait = await refusal(gateway)
            assert expected * (1 - JITTER) <= wait <= expected
            assert 20 + probes == switch.calls
            await asyncio.sleep(wait)
            await gateway.query(ONLY_GOOD)
        switch.act = SUCCEEDS
        await asyncio.sleep(await refusal(gateway))
        for _ in range(3):
            assert "errors" not in await gateway.query(ONLY_GOOD)
        # Recovered: the next open time is the shortest again.
        switch.act = FAILS
        for _ in range(20):
            await gateway.query(ONLY_BAD)
        assert await refusal(gateway) <= OPEN


@jumping
async def test_a_probe_that_nobody_waits_for_makes_room_for_another() -> None:
    async with opened() as (gateway, switch):
        await asyncio.sleep(await refusal(gateway))
        switch.act = SILENCE
        for _ in range(5):
            response = await gateway.post(ONLY_GOOD, None, **{"x-request-timeout-ms": "100"})
            assert response.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"
        assert switch.calls == 25
        switch.act = SUCCEEDS
        for _ in range(3):
            assert "errors" not in await gateway.query(ONLY_GOOD)


@jumping
async def test_failures_are_forgotten_after_ten_seconds() -> None:
    upstream = CardUpstream(FAILS)
    async with gateway_over(upstream) as gateway:
        for _ in range(3):
            for _ in range(19):
                await gateway.query(ONLY_BAD)
            await asyncio.sleep(10)
    assert len(upstream.bad_calls) == 57


@jumping
async def test_members_that_fail_leave_the_cards_answered() -> None:
    upstream = CardUpstream(members=FAILS)
    async with gateway_over(upstream) as gateway:
        for _ in range(30):
            answer = await gateway.query(PROFILE)
            assert answer["data"] == {"card": {"balance": BALANCE, "member": {"profile": None}}}
            assert [error["path"] for error in answer["errors"]] == [["card", "member", "profile"]]
    assert (upstream.good_calls, upstream.member_calls) == (30, 20)
    assert "retryAfterMs" in answer["errors"][0]["extensions"]


HARMLESS = {
    **{name: row for name, row in {**CODES, **STATUSES}.items() if not row.counted},
    **{name: USELESS[name] for name in ("200 with HTML", "404", "409", "redirect elsewhere", "empty")},
}


@pytest.mark.parametrize("row", HARMLESS.values(), ids=HARMLESS)
@jumping
async def test_an_upstream_that_answers_is_never_left_alone_whatever_it_says(row: Any) -> None:
    upstream = CardUpstream(row.act)
    async with gateway_over(upstream) as gateway:
        for _ in range(25):
            await gateway.query(ONLY_BAD)
    assert len(upstream.bad_calls) == 25


@jumping
async def test_the_rules_say_when_and_for_how_long() -> None:
    switch = Switch(FAILS)
    rules = BreakerRules(minimum_calls=4, failure_ratio=1, open_for=0.5, open_at_most=0.5, probes=1)
    async with gateway_over(switch.upstream, GuardRules(breaker=rules)) as gateway:
        for _ in range(5):
            await gateway.query(ONLY_BAD)
        assert switch.calls == 4
        for _ in range(3):
            wait = await refusal(gateway)
            assert 0.4 <= wait <= 0.5
            await asyncio.sleep(wait)
            await gateway.query(ONLY_BAD)
        switch.act = SUCCEEDS
        await asyncio.sleep(0.5)
        for _ in range(3):
            assert "errors" not in await gateway.query(ONLY_GOOD)
