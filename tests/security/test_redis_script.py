"""Edge cases of the limiter in Redis: its commands and permissions, its leftovers, its clock."""

from __future__ import annotations

import asyncio
import re
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis.crc import key_slot
from redis.exceptions import NoPermissionError, ResponseError

from graph.app import create_app
from graph.config.settings import SettingsError
from graph.security.limiter import Bucket, Window
from graph.security.redis_limiter import SCRIPT, BadRedisUrlError, RedisLimiter, connect
from schema.secrets import Credential
from tests.support import sandbox_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from tests.security.redis_server import RedisServer

MINUTE, HOUR = Window(60, 2), Window(3600, 3)
IN_SCRIPT = ("time", "hmget", "hset", "pexpire", "zremrangebyscore", "zscore", "zcard", "zrange", "zadd")
CLIENTS = ("evalsha", "script|load")
RIGHTS = tuple(f"+{command}" for command in (*CLIENTS, *IN_SCRIPT))
RULE = ("on", "resetkeys", "~konagraph:*", "resetchannels", "-@all", *RIGHTS)
"""The access control list's rule that is enough for a gateway, but for its password."""
VALKEY_LEFT_REDIS_AT = (7, 2, 4)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[RedisLimiter, Redis]]:
    client = connect(Credential(url))
    try:
        yield RedisLimiter(client), client
    finally:
        await client.aclose()


async def use_everything(limiter: RedisLimiter) -> None:
    """Every path through the script."""
    bucket = Bucket(rate=0.001, burst=1)
    assert [(await limiter.take("a", bucket, 1)).allowed for _ in range(2)] == [True, False]
    assert await limiter.add("a", [MINUTE, HOUR], ["x", "x", "y", "z"]) == [0, 0, 0, 60_000]


async def test_no_other_commands_are_sent_than_those_of_the_rule(redis_server: RedisServer) -> None:
    redis_server.ask("SCRIPT", "FLUSH")
    redis_server.ask("CONFIG", "RESETSTAT")
    async with connected(redis_server.patient_url) as (limiter, client):
        await use_everything(limiter)
        used = {str(name).removeprefix("cmdstat_") for name in await client.info("commandstats")}
    assert used - {"config|resetstat", "info"} == {*CLIENTS, *IN_SCRIPT}


def test_the_script_names_no_other_commands() -> None:
    assert set(IN_SCRIPT) == {name.lower() for name in re.findall(r"redis\.call\('(\w+)'", SCRIPT)}


def test_every_command_is_older_than_valkey(redis_server: RedisServer) -> None:
    documents = redis_server.ask("COMMAND DOCS", *CLIENTS, *IN_SCRIPT)
    assert documents.keys() == {*CLIENTS, *IN_SCRIPT}
    for document in documents.values():
        assert tuple(int(part) for part in document["since"].split(".")) <= VALKEY_LEFT_REDIS_AT


@pytest.fixture
def limited_user(redis_server: RedisServer) -> str:
    """The address for a user with the rule's rights."""
    redis_server.ask("SCRIPT", "FLUSH")
    redis_server.ask("ACL", "SETUSER", "konagraph", "reset", *RULE, ">a-password")
    return redis_server.url_of("konagraph", "a-password")


async def test_a_user_with_the_rules_rights_alone_is_enough(limited_user: str) -> None:
    async with connected(limited_user) as (limiter, _):
        await use_everything(limiter)


@pytest.mark.parametrize("right", RIGHTS)
async def test_every_right_of_the_rule_is_needed(right: str, limited_user: str, redis_server: RedisServer) -> None:
    redis_server.ask("ACL", "SETUSER", "konagraph", right.replace("+", "-"))
    async with connected(limited_user) as (limiter, _):
        with pytest.raises((NoPermissionError, ResponseError), match=r"permission|can't run this command"):
            await use_everything(limiter)


async def test_a_user_of_the_rule_cannot_touch_other_keys(limited_user: str) -> None:
    async with connected(limited_user) as (_, client):
        with pytest.raises(NoPermissionError):
            await client.register_script(SCRIPT)(keys=["other"], args=["take", 1, 1, 1, 0])


async def test_every_key_of_one_call_lives_on_one_node_of_a_cluster(redis_server: RedisServer) -> None:
    async with connected(redis_server.patient_url) as (limiter, _):
        await limiter.add("a", [MINUTE, HOUR], ["x"])
        await limiter.add("b", [MINUTE, HOUR], ["x"])
    slots: dict[str, set[int]] = {"a": set(), "b": set()}
    for key in redis_server.ask("KEYS", "*"):
        slots[re.findall(r"\{(.*)\}", key)[0]].add(key_slot(key.encode()))
    assert [len(slots["a"]), len(slots["b"])] == [1, 1]
    assert slots["a"] != slots["b"]


async def test_every_key_goes_by_itself_once_it_means_nothing(redis_server: RedisServer) -> None:
    async with connected(redis_server.patient_url) as (limiter, _):
        await limiter.take("a", Bucket(rate=50, burst=100), 1)
        await limiter.add("a", [MINUTE, HOUR], ["x"])
        # Refused members create no keys either.
        await limiter.add("b", [Window(60, 1)], ["x", "y"])
    lives = {key: redis_server.ask("PTTL", key) for key in redis_server.ask("KEYS", "*")}
    expected = {
        "konagraph:{a}:bucket": 2_000,
        "konagraph:{a}:window:60000": 60_000,
        "konagraph:{a}:window:3600000": 3_600_000,
        "konagraph:{b}:window:60000": 60_000,
    }
    assert lives.keys() == expected.keys()
    for key, life in expected.items():
        assert life < lives[key] <= life + 1_000


async def test_a_member_that_is_refused_leaves_nothing(redis_server: RedisServer) -> None:
    async with connected(redis_server.patient_url) as (limiter, _):
        await limiter.add("a", [Window(60, 1)], ["x", "y"])
    assert redis_server.ask("ZRANGE", "konagraph:{a}:window:60000", 0, -1) == ["x"]


async def test_nothing_to_add_makes_no_key(redis_server: RedisServer) -> None:
    async with connected(redis_server.patient_url) as (limiter, _):
        assert await limiter.add("a", [MINUTE, HOUR], []) == []
    assert redis_server.ask("KEYS", "*") == []


async def test_long_windows_and_slow_buckets_are_kept(redis_server: RedisServer) -> None:
    year = 365 * 86_400
    async with connected(redis_server.patient_url) as (limiter, _):
        assert [0, year * 1_000] == await limiter.add("a", [Window(year, 1)], ["x", "y"])
        bucket = Bucket(rate=1e-5, burst=1_000_000)
        assert (await limiter.take("a", bucket, 1_000_000)).allowed
        refused = await limiter.take("a", bucket, 1)
    assert not refused.allowed
    assert refused.retry_after_ms == pytest.approx(1e8, abs=1_000)


async def test_small_amounts_out_of_a_large_bucket_add_up(redis_server: RedisServer) -> None:
    burst = 1_000_000_000
    async with connected(redis_server.patient_url) as (limiter, _):
        for _ in range(250):
            taken = await limiter.take("a", Bucket(rate=1e-4, burst=burst), 0.000_004)
    assert taken.remaining == pytest.approx(burst - 0.001, rel=0, abs=5e-4)


async def test_a_wait_is_over_when_redis_says_so_and_not_earlier(redis_server: RedisServer) -> None:
    windows = [Window(0.15, 1)]
    async with connected(redis_server.patient_url) as (limiter, client):
        before = milliseconds(await client.time())
        assert await limiter.add("a", windows, ["x"]) == [0]
        (wait,) = await limiter.add("a", windows, ["y"])
        asked = milliseconds(await client.time())
        assert 0 < wait <= 150
        await passed(client, before + wait - 20)
        early = await limiter.add("a", windows, ["y"])
        # A machine under load may be late; then the answer says nothing.
        if milliseconds(await client.time()) < before + 150:
            assert early != [0]
        await passed(client, asked + wait)
        assert await limiter.add("a", windows, ["y"]) == [0]


async def test_a_bucket_refills_by_the_clock_of_redis(redis_server: RedisServer) -> None:
    bucket = Bucket(rate=10, burst=1)
    async with connected(redis_server.patient_url) as (limiter, client):
        assert (await limiter.take("a", bucket, 1)).allowed
        refused = await limiter.take("a", bucket, 1)
        assert 0 < refused.retry_after_ms <= 100
        await passed(client, milliseconds(await client.time()) + refused.retry_after_ms)
        assert (await limiter.take("a", bucket, 1)).allowed


def milliseconds(time: tuple[int, int]) -> int:
    return time[0] * 1000 + time[1] // 1000


async def passed(client: Redis, moment: int) -> None:
    """Wait until Redis's clock is there, with a command of Redis that waits."""
    while (left := moment - milliseconds(await client.time())) > 0:
        await client.blpop("nothing", timeout=left / 1000)


async def test_a_call_that_is_cancelled_does_not_spoil_the_next_one(redis_server: RedisServer) -> None:
    bucket = Bucket(rate=0.001, burst=10)
    async with connected(f"{redis_server.patient_url}&max_connections=1") as (limiter, _):
        await limiter.take("a", bucket, 1)
        with redis_server.frozen():
            call = asyncio.create_task(limiter.add("a", [MINUTE], ["x", "y", "z"]))
            for _ in range(20):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        taken = await limiter.take("a", bucket, 1)
    assert taken.allowed
    assert taken.remaining == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:canary@host:port/0",
        "redis://:canary@host:99999/0",
        "redis://:canary@[::1",
        "redis://:canary@host?socket_timeout=soon",
        "redis://:canary@host?no_such_option=1",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_words(url: str) -> None:
    with pytest.raises(BadRedisUrlError) as caught:
        connect(Credential(url))
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.args == ()


def test_a_gateway_whose_redis_has_no_usable_address_does_not_start() -> None:
    settings = sandbox_settings(KONAGRAPH_REDIS_URL="redis://:canary@host:port/0", KONAGRAPH_CARD_REF_KEY="k" * 32)
    with pytest.raises(SettingsError) as caught:
        create_app(settings)
    assert caught.value.problems == ["KONAGRAPH_REDIS_URL cannot be used"]
