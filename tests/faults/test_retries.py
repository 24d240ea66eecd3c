"""What is retried, when, and how often in total, as the upstream sees it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.faults.card_upstream import BALANCE, WELL, CardUpstream, hang_up, reset, say
from tests.faults.jumping_clock import jumping
from tests.faults.rows import UNAVAILABLE, Row, check
from tests.faults.whole_gateway import BOTH, ONLY_BAD, ONLY_GOOD, failures, gateway_over
from tests.konaplate.faulty_upstream import http

if TYPE_CHECKING:
    from tests.faults.card_upstream import Act
    from tests.konaplate.faulty_upstream import Connection

ALL_WELL = {"data": {"good": {"balance": BALANCE}, "bad": {"balance": BALANCE}}}
ALWAYS_CLOSED = GuardRules(breaker=BreakerRules(minimum_calls=1_000_000))
BUSY = say(http(b"", "503 Service Unavailable"))


def without_pause(**retries: Any) -> GuardRules:
    """Such retries at once, and a breaker that is always closed."""
    return replace(ALWAYS_CLOSED, retries=RetryRules(backoff_min=0.001, backoff_max=0.001, **retries))


def refuse(retry_after: str, status: str = "429 Too Many Requests") -> Act:
    return say(http(b"", status, [f"Retry-After: {retry_after}"]))


async def refuse_by_date(connection: Connection, _request: bytes) -> None:
    # A date has whole seconds: between one and two from now.
    await refuse(formatdate(time.time() + 2, usegmt=True))(connection, b"")


WAITED: dict[str, tuple[Act, float, float]] = {
    "in seconds": (refuse("1"), 1.0, 1.0),
    "in more seconds": (refuse("2"), 2.0, 2.0),
    "none": (refuse("0"), 0.05, 0.25),
    "as a date": (refuse_by_date, 0.9, 2.0),
    "as a date in the past": (refuse("Wed, 21 Oct 2015 07:28:00 GMT"), 0.05, 0.25),
    "of a busy upstream": (refuse("1", "503 Service Unavailable"), 1.0, 1.0),
}


@pytest.mark.parametrize(("act", "least", "most"), WAITED.values(), ids=WAITED)
@jumping
async def test_an_upstream_that_names_a_short_delay_is_asked_after_it(act: Act, least: float, most: float) -> None:
    loop, upstream = asyncio.get_running_loop(), CardUpstream(act, say(http(WELL)))
    async with gateway_over(upstream, ALWAYS_CLOSED) as gateway:
        assert await gateway.query(BOTH) == ALL_WELL
    assert len(upstream.bad_calls) == 2
    assert least <= loop.time() <= most + 0.001


TOO_LONG = {
    "three seconds": refuse("3"),
    "an hour": refuse("3600"),
    "a date": refuse("Fri, 01 Jan 2100 00:00:00 GMT"),
    "a number without end": refuse("9" * 400),
    "of a busy upstream": refuse("120", "503 Service Unavailable"),
}
UNREADABLE = {value or "nothing": refuse(value) for value in ("soon", "-1", "1.5", "", "1, 2", "³", "31 Dec")}


@pytest.mark.parametrize("act", [*TOO_LONG.values(), *UNREADABLE.values()], ids=[*TOO_LONG, *UNREADABLE])
@jumping
async def test_an_upstream_that_names_a_longer_delay_or_none_is_not_asked_again(act: Act) -> None:
    loop, upstream = asyncio.get_running_loop(), CardUpstream(act)
    async with gateway_over(upstream, ALWAYS_CLOSED) as gateway:
        answer = await gateway.query(BOTH)
    assert [(failure.code, failure.retryable) for failure in failures(answer)] == [(UNAVAILABLE, True)]
    assert (len(upstream.bad_calls), loop.time()) == (1, 0)


@jumping
async def test_a_throttled_call_is_no_reason_to_leave_the_upstream_alone() -> None:
    row = Row(refuse("1"), UNAVAILABLE, 2, counted=False)
    assert pytest.approx(await check(row, CardUpstream(row.act), keeps=True)) == 1.0


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
@jumping
async def test_there_are_as_many_attempts_as_the_rules_say(attempts: int) -> None:
    upstream = CardUpstream(BUSY)
    async with gateway_over(upstream, without_pause(attempts=attempts)) as gateway:
        await gateway.query(BOTH)
    assert attempts == len(upstream.bad_calls)
    assert upstream.good_calls == 1


async def attempts_of(calls: int, **retries: float) -> list[int]:
    """How many attempts each of so many consecutive failing calls got."""
    counts, upstream = [], CardUpstream(BUSY)
    async with gateway_over(upstream, without_pause(**retries)) as gateway:
        for _ in range(calls):
            before = len(upstream.bad_calls)
            answer = await gateway.query(ONLY_BAD)
            assert [failure.code for failure in failures(answer)] == [UNAVAILABLE]
            counts.append(len(upstream.bad_calls) - before)
    return counts


@jumping
async def test_a_spent_budget_leaves_one_attempt_to_each_call() -> None:
    # Without any per second, there is one at first, and a quarter more with each call.
    counts = await attempts_of(9, budget_per_second=0, budget_ratio=0.25)
    assert counts == [2, 1, 1, 1, 2, 1, 1, 1, 2]


@jumping
async def test_the_default_budget_bears_a_burst_and_then_a_tenth_of_the_calls() -> None:
    counts = await attempts_of(100)
    assert counts[:30] == [2] * 30
    # Three a second, in the tenth of a second that the pauses took, hardly add to the tenth of the calls.
    assert 5 <= sum(count - 1 for count in counts[35:]) <= 9


@jumping
async def test_the_budget_grows_back_with_time() -> None:
    upstream = CardUpstream(BUSY)
    async with gateway_over(upstream, without_pause(budget_per_second=1, budget_ratio=0)) as gateway:
        for _ in range(20):
            await gateway.query(ONLY_BAD)
        assert len(upstream.bad_calls) == 30
        await asyncio.sleep(3)
        for _ in range(20):
            await gateway.query(ONLY_BAD)
    assert len(upstream.bad_calls) == 53


@jumping
async def test_a_budget_is_shared_by_all_cards() -> None:
    cards = ", ".join(f'"94913394{number:08}"' for number in range(20))

    async def act(connection: Connection, _request: bytes) -> None:
        calls.append(connection)
        await connection.send(http(b"", "503 Service Unavailable"))

    calls: list[Connection] = []
    upstream = CardUpstream(everything=act)
    async with gateway_over(upstream, without_pause(budget_per_second=0.5, budget_ratio=0)) as gateway:
        answer = await gateway.query(f"{{ cards(cardNos: [{cards}]) {{ balance }} }}")
    assert [failure.code for failure in failures(answer)] == [UNAVAILABLE] * 20
    assert len(calls) == 20 + 5


@pytest.mark.parametrize("end", [hang_up(), reset()], ids=["closed", "reset"])
@jumping
async def test_a_connection_that_ends_as_it_is_used_again_is_replaced_at_once(end: Act) -> None:
    loop = asyncio.get_running_loop()

    async def act(connection: Connection, request: bytes) -> None:
        await (end if len(connection.requests) > 1 else say(http(WELL)))(connection, request)

    upstream = CardUpstream(everything=act)
    async with gateway_over(upstream) as gateway:
        for _ in range(2):
            assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
    assert [len(connection.requests) for connection in upstream.connections] == [2, 1]
    assert loop.time() == 0


@pytest.mark.parametrize("end", [hang_up(http(WELL)), reset(http(WELL))], ids=["closed", "reset"])
@jumping
async def test_a_connection_that_was_closed_while_idle_is_not_used_again(end: Act) -> None:
    upstream = CardUpstream(everything=end)
    async with gateway_over(upstream, GuardRules(RetryRules(attempts=1))) as gateway:
        for _ in range(3):
            assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
    assert [len(connection.requests) for connection in upstream.connections] == [1, 1, 1]
