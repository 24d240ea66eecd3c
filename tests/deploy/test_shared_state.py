"""State shared through Redis, and what still holds while Redis is killed, frozen and restarted."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from graph.sandbox.ledger import with_luhn_digit
from tests.cli.processes import DEADLINE
from tests.deploy.load import steady_load
from tests.deploy.stack import CARDS_PER_MINUTE, ask, codes_of_cards, running_stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.stack import Stack
    from tests.security.redis_server import RedisServer

NOT_ISSUED = [with_luhn_digit(f"949133948{index:06d}") for index in range(8)]
"""Cards that no upstream knows; asking for them is how somebody would search for one that exists."""
FOUND_NOTHING, REFUSED = "CARD_NOT_FOUND", "RATE_LIMITED"

DOCUMENT = "query Registered { __typename }"
BY_HASH = {
    "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(DOCUMENT.encode()).hexdigest()}}
}


async def test_the_budget_of_cards_is_one_for_both_gateways(tmp_path: Path, redis: RedisServer) -> None:
    async with running_stack(tmp_path, redis.patient_url) as stack:
        first, second = stack.gateways
        viewer = stack.viewer()
        at_first = await codes_of_cards(first.url, viewer, NOT_ISSUED[:2])
        at_second = await codes_of_cards(second.url, viewer, NOT_ISSUED[2:4])
        at_both = await codes_of_cards(stack.balancer.url, viewer, NOT_ISSUED[4:])
    assert at_first == [FOUND_NOTHING, FOUND_NOTHING]
    assert at_second == [FOUND_NOTHING, REFUSED]
    assert at_both == [REFUSED] * 4


async def test_a_document_that_one_gateway_registers_is_found_at_the_other(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with running_stack(tmp_path, redis.patient_url) as stack:
        first, second = stack.gateways
        viewer = stack.viewer()
        before = await ask(second.url, viewer, BY_HASH)
        registered = await ask(first.url, viewer, {"query": DOCUMENT, **BY_HASH})
        found = await ask(second.url, viewer, BY_HASH)
    assert [error["extensions"]["code"] for error in before["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]
    assert {"__typename": "Query"} == registered["data"] == found["data"]


async def test_no_request_fails_and_limits_hold_while_redis_is_killed_frozen_and_started_again(
    tmp_path: Path, redis: RedisServer
) -> None:
    seen: dict[str, list[str]] = {}
    async with (
        running_stack(tmp_path, redis.url_with_timeout(1)) as stack,
        steady_load(stack.balancer.url, stack.viewer()) as load,
    ):
        redis.kill()
        await load.more(50)
        seen["killed"] = await _search(stack)
        redis.start()
        await _until_shared_again(stack, redis)
        seen["started again"] = await _search(stack)
        with redis.frozen():
            await load.more(50)
            seen["frozen"] = await _search(stack)
        await _until_shared_again(stack, redis)
        seen["thawed"] = await _search(stack)
    assert load.failures == {}
    for state, codes in seen.items():
        # Without Redis each gateway counts by itself, so that two of them allow twice as many.
        bound = CARDS_PER_MINUTE * (2 if state in ("killed", "frozen") else 1)
        assert codes.count(FOUND_NOTHING) <= bound, state
        assert set(codes) == {FOUND_NOTHING, REFUSED}, state


async def _search(stack: Stack) -> list[str]:
    """The responses to somebody who guesses cards through the balancer."""
    return await codes_of_cards(stack.balancer.url, stack.viewer(), NOT_ISSUED)


async def _until_shared_again(stack: Stack, redis: RedisServer) -> None:
    """Wait until both gateways count in Redis: each leaves a window of its viewer there."""
    async with asyncio.timeout(DEADLINE):
        for gateway in stack.gateways:
            before = windows = _windows(redis)
            while windows <= before:
                await codes_of_cards(gateway.url, stack.viewer(), NOT_ISSUED[:1])
                windows = _windows(redis)


def _windows(redis: RedisServer) -> int:
    keys: list[Any] = redis.ask("KEYS", "konagraph:*:window:*")
    return len(keys)
