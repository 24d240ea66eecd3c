"""A server that asks for a new connection: RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from tests.faults.card_upstream import GOOD, WELL
from tests.faults.whole_gateway import Failure, failures, gateway_over
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http

if TYPE_CHECKING:
    from tests.konaplate.faulty_upstream import Connection, Script

CARDS: Final = [f"{GOOD[:-1]}{last}" for last in range(3)]
ALL: Final = "{ " + " ".join(f'c{n}: card(cardNo: "{card}") {{ balance }}' for n, card in enumerate(CARDS)) + " }"
ONE: Final = f'{{ c: card(cardNo: "{GOOD}") {{ balance }} }}'
ALWAYS_CLOSED: Final = GuardRules(breaker=BreakerRules(minimum_calls=1_000_000))


def once_only(refusal: bytes) -> Script:
    """Answer the first request of a connection, and refer every later one to a new connection."""

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(http(WELL))
        while True:
            await connection.read_request()
            await connection.send(refusal)

    return script


@pytest.mark.parametrize("status", ["408 Request Timeout", "421 Misdirected Request", "425 Too Early"])
async def test_whoever_wants_another_connection_gets_a_new_one_at_once(status: str) -> None:
    upstream = FaultyUpstream(once_only(http(b"", status)))
    async with gateway_over(upstream, ALWAYS_CLOSED) as gateway:
        # Three connections are kept; none of them can be used for the next attempt, first or second.
        assert failures(await gateway.query(ALL)) == []
        assert failures(await gateway.query(ALL)) == []
        requests = sorted(len(connection.requests) for connection in upstream.connections)
        assert requests == [1, 1, 1, 2, 2, 2]


async def test_a_second_attempt_after_a_stale_connection_meets_no_other_stale_one() -> None:
    async def once(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(http(WELL))
        await connection.read_request()
        connection.end()

    async with gateway_over(FaultyUpstream(once), ALWAYS_CLOSED) as gateway:
        assert failures(await gateway.query(ALL)) == []
        assert failures(await gateway.query(ALL)) == []


async def test_a_full_pool_makes_room_for_a_new_connection() -> None:
    upstream = FaultyUpstream(once_only(http(b"", "408 Request Timeout")))
    async with gateway_over(upstream, ALWAYS_CLOSED, KONAPLATE_MAX_CONNECTIONS=3) as gateway:
        assert failures(await gateway.query(ALL)) == []
        assert failures(await gateway.query(ONE)) == []


async def test_whoever_never_wants_to_answer_is_asked_twice_and_may_be_asked_later() -> None:
    upstream = FaultyUpstream(answer(http(b"", "408 Request Timeout")))
    async with gateway_over(upstream, GuardRules(breaker=BreakerRules(minimum_calls=1))) as gateway:
        # Not a failure of the upstream: the breaker stays closed.
        for _ in range(2):
            answered = await gateway.query(ONE)
            assert [Failure(["c"], "UPSTREAM_UNAVAILABLE", True)] == failures(answered)
            assert answered["errors"][0]["extensions"]["upstream"]["status"] == 408
        assert [len(connection.requests) for connection in upstream.connections] == [1, 1, 1, 1]
