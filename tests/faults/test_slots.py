"""More calls than the upstream can take: some wait, some are shed, and the limit adapts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.faults.card_upstream import BALANCE, WELL, CardUpstream
from tests.faults.jumping_clock import jumping
from tests.faults.rows import AFTER_TWO_CALLS
from tests.faults.whole_gateway import ONLY_GOOD, Failure, failures, gateway_over
from tests.konaplate.faulty_upstream import http

if TYPE_CHECKING:
    from tests.konaplate.faulty_upstream import Connection
    from tests.support import Gateway

ONE_ATTEMPT = GuardRules(RetryRules(attempts=1), BreakerRules(minimum_calls=1_000_000))
SLOT_WAIT = 0.25


class Slow:
    """Answers after a while, and records the number of concurrent calls."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.in_flight = 0
        self.most_in_flight = 0
        self.calls = 0
        self.upstream = CardUpstream(everything=self._play)

    async def _play(self, connection: Connection, _request: bytes) -> None:
        self.calls += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        # Cancelled calls end once their connection is closed.
        closing = asyncio.ensure_future(connection.until_closed())
        done, _ = await asyncio.wait({closing}, timeout=self.seconds)
        closing.cancel()
        await asyncio.wait({closing})
        self.in_flight -= 1
        if not done:
            await connection.send(http(WELL))


async def ask(gateway: Gateway, cards: int, first: int = 0, **headers: str) -> dict[str, Any]:
    """Query so many cards at once."""
    numbers = ", ".join(f'"94913394{number:08}"' for number in range(first, first + cards))
    answer: dict[str, Any] = (
        await gateway.post(f"{{ cards(cardNos: [{numbers}]) {{ balance }} }}", None, **headers)
    ).json()
    return answer


@jumping
async def test_cards_beyond_the_slots_wait_for_their_turn() -> None:
    loop, slow = asyncio.get_running_loop(), Slow(0.1)
    async with gateway_over(slow.upstream, KONAPLATE_MAX_CONNECTIONS=2) as gateway:
        answer = await ask(gateway, 6)
        assert 0.3 <= loop.time() <= 0.301
    assert answer == {"data": {"cards": [{"balance": BALANCE}] * 6}}
    assert (slow.most_in_flight, len(slow.upstream.connections)) == (2, 2)


@jumping
async def test_cards_that_would_wait_too_long_are_shed() -> None:
    loop, slow = asyncio.get_running_loop(), Slow(0.2)
    async with gateway_over(slow.upstream, KONAPLATE_MAX_CONNECTIONS=2) as gateway:
        answer = await ask(gateway, 7)
        assert 0.4 <= loop.time() <= 0.401
    assert answer["data"]["cards"] == [{"balance": BALANCE}] * 4 + [None] * 3
    assert [Failure(["cards", place], "OVERLOADED", retryable=True) for place in (4, 5, 6)] == failures(answer)
    assert [error["extensions"]["retryAfterMs"] for error in answer["errors"]] == [1_000] * 3
    assert slow.calls == 4


@jumping
async def test_other_requests_wait_for_the_same_slots() -> None:
    loop, slow = asyncio.get_running_loop(), Slow(0.4)
    async with gateway_over(slow.upstream, KONAPLATE_MAX_CONNECTIONS=2) as gateway:
        first = asyncio.ensure_future(ask(gateway, 2))
        await asyncio.sleep(0)
        started = loop.time()
        second = await ask(gateway, 1, first=5)
        assert SLOT_WAIT <= loop.time() - started <= SLOT_WAIT + 0.001
        assert [failure.code for failure in failures(second)] == ["OVERLOADED"]
        assert "errors" not in await first


@jumping
async def test_shed_calls_say_nothing_against_the_upstream() -> None:
    slow = Slow(0.4)
    async with gateway_over(slow.upstream, AFTER_TWO_CALLS, KONAPLATE_MAX_CONNECTIONS=1) as gateway:
        answer = await ask(gateway, 10)
        assert answer["data"]["cards"] == [{"balance": BALANCE}] + [None] * 9
        assert "errors" not in await gateway.query(ONLY_GOOD)


@jumping
async def test_whoever_leaves_the_queue_leaves_no_slot_behind() -> None:
    slow = Slow(0.2)
    async with gateway_over(slow.upstream, KONAPLATE_MAX_CONNECTIONS=2) as gateway:
        for _ in range(3):
            answer = await ask(gateway, 5, 0, **{"x-request-timeout-ms": "100"})
            assert [failure.code for failure in failures(answer)] == ["UPSTREAM_TIMEOUT"] * 5
        assert slow.calls == 6
        assert "errors" not in await ask(gateway, 4)
    assert slow.most_in_flight == 2


async def burst(gateway: Gateway, slow: Slow, cards: int) -> int:
    """The number of concurrent calls, out of so many."""
    while slow.in_flight:  # noqa: ASYNC110 - until the end of a connection that was given up has arrived
        await asyncio.sleep(0)
    slow.most_in_flight = 0
    await ask(gateway, cards)
    return slow.most_in_flight


@jumping
async def test_calls_that_time_out_make_the_limit_fall_and_good_ones_make_it_rise() -> None:
    slow = Slow(0.05)
    async with gateway_over(slow.upstream, ONE_ATTEMPT, KONAPLATE_MAX_CONNECTIONS=10) as gateway:
        assert await burst(gateway, slow, 20) == 10
        slow.seconds = 100
        await burst(gateway, slow, 1)
        slow.seconds = 0.05
        assert await burst(gateway, slow, 20) == 8
        # One more for each full round of good responses.
        assert [await burst(gateway, slow, 20) for _ in range(3)][-1] == 10


@jumping
async def test_calls_that_time_out_together_count_once() -> None:
    slow = Slow(100)
    async with gateway_over(slow.upstream, ONE_ATTEMPT, KONAPLATE_MAX_CONNECTIONS=10) as gateway:
        await ask(gateway, 10)
        slow.seconds = 0.05
        assert await burst(gateway, slow, 16) == 8


@jumping
async def test_the_limit_does_not_fall_below_its_least() -> None:
    slow = Slow(100)
    async with gateway_over(slow.upstream, ONE_ATTEMPT, KONAPLATE_MAX_CONNECTIONS=10) as gateway:
        for _ in range(12):
            await ask(gateway, 1)
        slow.seconds = 0.01
        assert await burst(gateway, slow, 4 * 2) == 4


@jumping
async def test_an_upstream_that_takes_few_calls_ends_up_with_few() -> None:
    class Narrow(Slow):
        """Answers nobody while more than four ask."""

        async def _play(self, connection: Connection, request: bytes) -> None:
            self.seconds = 100 if self.in_flight >= 4 else 0.05
            await super()._play(connection, request)

    slow = Narrow(0.05)
    async with gateway_over(slow.upstream, ONE_ATTEMPT, KONAPLATE_MAX_CONNECTIONS=20) as gateway:
        sizes = [await burst(gateway, slow, 20) for _ in range(20)]
        answer = await ask(gateway, 4)
    assert sizes[0] == 20
    assert max(sizes[-5:]) <= 6
    assert "errors" not in answer
