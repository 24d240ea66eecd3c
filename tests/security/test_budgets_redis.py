"""Budgets that gateways share in a real Redis, and what it learns of cards and callers."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.ledger import CARDS
from tests.security.callers import ALL_KNOWING, ANY_CARD, NOT_ISSUED, NUMBERS, OWN, Caller, callers, codes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.redis_server import RedisServer
    from tests.telemetry.capture import Unredacted

LIST = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"
SERVICE = Caller("a-service", (ANY_CARD,))
BALANCES = [card.fields["balance"] for card in CARDS.values()]


def redis_settings(redis: RedisServer) -> dict[str, Any]:
    return {
        "KONAGRAPH_REDIS_URL": redis.patient_url,
        "KONAGRAPH_CARD_REF_KEY": "the key that the gateways share!",
        "KONAGRAPH_CARDS_PER_MINUTE": 2,
    }


async def test_two_gateways_with_one_redis_share_a_callers_budget(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    settings = redis_settings(redis_server)
    async with callers(tmp_path, **settings) as one, callers(tmp_path, **settings) as other:
        await one.ask(SERVICE, LIST, {"n": NUMBERS[:2]})
        answer = await other.ask(SERVICE, LIST, {"n": NUMBERS[1:3]})
        calls = len(other.calls)
    assert answer["data"] == {"cards": [{"balance": BALANCES[1]}, None]}
    assert calls == 1


async def test_redis_holds_neither_card_numbers_nor_callers_names(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    kim = Caller("kim@example.com", (ANY_CARD,), member="1001")
    async with callers(tmp_path, **redis_settings(redis_server)) as running:
        await running.ask(kim, LIST, {"n": [OWN, NOT_ISSUED[0]]})
    kept: list[str] = redis_server.ask("KEYS", "*")
    assert {"requests}:bucket", "cards}:window:60000", "cards}:window:3600000"} <= {
        key.partition(":")[2].partition(":")[2] for key in kept
    }
    for key in list(kept):
        kind = redis_server.ask("TYPE", key)
        kept += redis_server.ask("HKEYS", key) if kind == "hash" else redis_server.ask("ZRANGE", key, 0, -1)
    for text in kept:
        assert not re.search(r"[0-9]{8}", text), text
        assert not re.search("kim|1001|example", text), text


async def test_a_gateway_whose_redis_dies_goes_on_within_the_budget_and_says_so(
    tmp_path: Path, own_redis: RedisServer, logged: Unredacted
) -> None:
    async with callers(tmp_path, **redis_settings(own_redis)) as running:
        await running.ask(SERVICE, LIST, {"n": NUMBERS[:2]})
        own_redis.kill()
        # Cards seen before still count: only these two may be seen again.
        answer = await running.ask(SERVICE, LIST, {"n": NUMBERS[:3]})
        again = await running.ask(SERVICE, LIST, {"n": NUMBERS[:3]})
    expected = [{"balance": BALANCES[0]}, {"balance": BALANCES[1]}, None]
    assert expected == answer["data"]["cards"] == again["data"]["cards"]
    assert codes(answer) == [(("cards", 2), "RATE_LIMITED")]
    told = [event["event"] for event in logged.events if event["log_level"] == "warning"]
    assert told[0].startswith("budgets are kept locally")


@pytest.mark.slow
async def test_the_log_says_that_redis_is_back(tmp_path: Path, own_redis: RedisServer, logged: Unredacted) -> None:
    async with callers(tmp_path, **redis_settings(own_redis)) as running:
        own_redis.kill()
        await running.ask(SERVICE, LIST, {"n": NUMBERS[:1]})
        own_redis.start()
        async with asyncio.timeout(30):
            while not logged.named("budgets are shared again: Redis answers"):
                await running.ask(SERVICE, LIST, {"n": NUMBERS[:1]})
                await asyncio.sleep(0.1)


async def test_a_whole_request_is_answered_when_redis_was_never_there(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "KONAGRAPH_REDIS_URL": "unix:///nowhere/redis.sock",
        "KONAGRAPH_CARD_REF_KEY": "k" * 32,
    }
    async with callers(tmp_path, **settings) as running:
        answer = await running.ask(ALL_KNOWING, LIST, {"n": NUMBERS[:3]})
    assert answer == {"data": {"cards": [{"balance": balance} for balance in BALANCES[:3]]}}
