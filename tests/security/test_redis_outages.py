"""A Redis that is killed, frozen, restarted or read-only: the budgets hold, and requests continue."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from graph.security.limiter import Bucket, LocalLimiter, Window
from graph.security.redis_limiter import FallbackLimiter, RedisLimiter, connect
from schema.secrets import Credential
from tests.faults.jumping_clock import jumping
from tests.konaplate.faulty_upstream import FaultyUpstream, mute

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from graph.security.limiter import Limiter, Taken
    from tests.konaplate.faulty_upstream import Connection
    from tests.security.redis_server import RedisServer

BUCKET = Bucket(rate=0.001, burst=3)
WINDOWS = [Window(60, 2)]


class Counted:
    """Counts the calls of a limiter."""

    def __init__(self, inner: Limiter) -> None:
        self._inner = inner
        self.calls = 0

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        self.calls += 1
        return await self._inner.take(key, bucket, amount)

    async def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        self.calls += 1
        return await self._inner.add(key, windows, items)


class Protected:
    """A limiter in Redis with its fallback; only the pause is on the test's clock."""

    def __init__(self, shared: Limiter) -> None:
        self.now = 0.0
        self.told = 0
        self.shared = Counted(shared)
        local = LocalLimiter(asyncio.get_running_loop().time)
        self.limiter = FallbackLimiter(self.shared, local, lambda: self.now, self._tell)

    def _tell(self) -> None:
        self.told += 1

    async def spends(self) -> tuple[list[bool], list[bool]]:
        """Whether each of five takes passes, and whether each of three members fits."""
        taken = [await self.limiter.take("a", BUCKET, 1) for _ in range(5)]
        waits = await self.limiter.add("a", WINDOWS, ["x", "y", "z"])
        return [one.allowed for one in taken], [wait == 0 for wait in waits]

    async def until_told(self, times: int) -> None:
        """Ask until so many outages were told: where the machine blocks the event loop, a timeout is none."""
        async with asyncio.timeout(60):
            while self.told < times:
                await self.takes()

    async def takes(self) -> bool:
        """Whether one take is allowed."""
        return (await self.limiter.take("a", BUCKET, 1)).allowed


WITHIN = ([True, True, True, False, False], [True, True, False])
"""What either limiter alone allows of the spends."""
SPENT = ([False] * 5, [True, True, False])


@asynccontextmanager
async def protected(url: str, others: Collection[asyncio.Task[None]] = ()) -> AsyncIterator[Protected]:
    """A limiter for a URL. Closing it leaves no tasks behind."""
    before = asyncio.all_tasks()
    client = connect(Credential(url))
    try:
        yield Protected(RedisLimiter(client))
    finally:
        await client.aclose()
        assert set() == asyncio.all_tasks() - before - set(others)


async def test_a_redis_that_was_never_there_leaves_the_budgets_as_they_are() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # The port is ours, and nobody listens.
        async with protected(f"redis://127.0.0.1:{taken.getsockname()[1]}") as redis:
            assert await redis.spends() == WITHIN
            assert (redis.shared.calls, redis.told) == (1, 1)


async def test_a_redis_whose_name_means_nothing_leaves_the_budgets_as_they_are() -> None:
    async with protected("unix:///nowhere/redis.sock") as redis:
        assert await redis.spends() == WITHIN
        assert (redis.shared.calls, redis.told) == (1, 1)


@jumping
async def test_a_redis_that_says_nothing_costs_one_wait_for_each_pause() -> None:
    async with FaultyUpstream(mute) as upstream:
        async with protected(f"redis://127.0.0.1:{upstream.port}", upstream.tasks) as redis:
            for pauses in (1, 2, 3):
                await redis.spends()
                await redis.spends()
                assert (pauses, pauses, pauses) == (len(upstream.connections), redis.shared.calls, redis.told)
                redis.now += 1.0
        await upstream.until_closed()


async def test_a_redis_that_talks_nonsense_is_as_good_as_none() -> None:
    async def talk(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with FaultyUpstream(talk) as upstream:
        async with protected(f"redis://127.0.0.1:{upstream.port}", upstream.tasks) as redis:
            assert await redis.spends() == WITHIN
            assert (redis.shared.calls, redis.told) == (1, 1)
        await upstream.until_closed()


async def test_a_redis_that_is_killed_and_started_again_is_used_again(own_redis: RedisServer) -> None:
    async with protected(own_redis.patient_url) as redis:
        assert await redis.spends() == WITHIN
        own_redis.kill()
        assert await redis.spends() == SPENT
        assert redis.told == 1
        own_redis.start()
        assert await redis.takes() is False
        redis.now += 1.0
        # It has lost everything, but this process has not.
        assert await redis.spends() == SPENT
        assert redis.told == 1


async def test_a_redis_that_is_frozen_is_left_alone_and_used_again_when_it_thaws(own_redis: RedisServer) -> None:
    async with protected(own_redis.url_with_timeout(1)) as redis:
        assert await redis.spends() == WITHIN
        with own_redis.frozen():
            for pauses in (1, 2):
                await redis.until_told(pauses)
                calls = redis.shared.calls
                assert await redis.spends() == SPENT
                assert redis.shared.calls == calls
                redis.now += 1.0
        assert await redis.spends() == SPENT
        assert redis.told == 2


async def test_many_requests_at_once_do_not_wait_for_a_frozen_redis_one_after_the_other(
    own_redis: RedisServer,
) -> None:
    async with protected(own_redis.url) as redis:
        with own_redis.frozen():
            allowed = await asyncio.gather(*(redis.takes() for _ in range(200)))
    assert sum(allowed) == 3
    # A machine under load can hold up the loop: such a wait says nothing of Redis, and the next one may try.
    assert 1 <= redis.told <= 16


def test_a_wait_for_redis_is_short_and_is_not_repeated() -> None:
    client = connect(Credential("redis://127.0.0.1"))
    connection = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own gap
    waits = connection.socket_connect_timeout, connection.socket_timeout
    assert (*waits, connection.retry.get_retries()) == (0.05, 0.05, 0)


class Unwilling(NamedTuple):
    """How to make a Redis read-only and writable again."""

    command: tuple[str | int, ...]
    undo: tuple[str | int, ...]


UNWILLING = {
    "a replica": Unwilling(("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    "a primary without its replicas": Unwilling(
        ("CONFIG", "SET", "min-replicas-to-write", 1), ("CONFIG", "SET", "min-replicas-to-write", 0)
    ),
    "one without memory": Unwilling(("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
    "one that gives no rights": Unwilling(
        ("ACL", "SETUSER", "default", "-evalsha"), ("ACL", "SETUSER", "default", "+evalsha")
    ),
}


@pytest.mark.parametrize("unwilling", UNWILLING.values(), ids=UNWILLING)
async def test_a_redis_that_does_not_write_is_as_good_as_none_until_it_does(
    unwilling: Unwilling, own_redis: RedisServer
) -> None:
    async with protected(own_redis.patient_url) as redis:
        own_redis.ask(*unwilling.command)
        assert await redis.spends() == WITHIN
        assert await redis.spends() == SPENT
        assert (redis.shared.calls, redis.told) == (1, 1)
        own_redis.ask(*unwilling.undo)
        redis.now += 1.0
        # Redis has counted nothing so far.
        assert await redis.spends() == SPENT
        assert redis.told == 1


async def test_a_loop_that_is_held_up_is_no_outage_and_no_new_budget(own_redis: RedisServer) -> None:
    async with protected(own_redis.url_with_timeout(0.5)) as redis:
        assert await redis.limiter.add("a", WINDOWS, ["x", "y"]) == [0, 0]
        for member in "abc":
            asking = asyncio.ensure_future(redis.limiter.add("a", WINDOWS, [member]))
            for _ in range(4):
                await asyncio.sleep(0)
            # As an expensive document does.
            time.sleep(0.6)  # noqa: ASYNC251 - the loop is to stand still
            assert (await asking)[0] > 0
        assert (redis.told, redis.limiter.away) == (0, False)


async def test_whatever_becomes_of_redis_a_viewer_sees_no_more_cards_than_once(own_redis: RedisServer) -> None:
    cards = (str(number) for number in itertools.count())
    async with protected(own_redis.patient_url) as redis:

        async def sees() -> int:
            redis.now += 1.0
            return (await redis.limiter.add("a", [Window(3600, 30)], [next(cards) for _ in range(20)])).count(0)

        seen = await sees()
        own_redis.kill()
        seen += await sees()
        own_redis.start()
        seen += await sees()
        own_redis.ask("FLUSHALL")
        seen += await sees()
        own_redis.ask("REPLICAOF", "127.0.0.1", 1)
        seen += await sees()
    assert seen == 30


async def test_two_gateways_share_what_is_spent(own_redis: RedisServer) -> None:
    async with protected(own_redis.patient_url) as one, protected(own_redis.patient_url) as other:
        assert await one.spends() == WITHIN
        assert await other.spends() == SPENT


async def test_a_crowd_is_no_outage(own_redis: RedisServer) -> None:
    async with protected(own_redis.patient_url) as redis:
        allowed = await asyncio.gather(*(redis.takes() for _ in range(200)))
        assert (sum(allowed), redis.shared.calls, redis.told) == (3, 200, 0)
        assert (await redis.takes(), redis.told) == (False, 0)


async def test_closing_leaves_no_connection_behind(own_redis: RedisServer) -> None:
    async with protected(own_redis.patient_url) as redis:
        await asyncio.gather(*(redis.takes() for _ in range(200)))
        assert 1 < connections(own_redis) <= 16
    # Redis learns of the ends in its own time, and waits itself.
    turns = 100
    while connections(own_redis) and (turns := turns - 1):
        own_redis.ask("BLPOP", "nothing", "0.01")
    assert connections(own_redis) == 0


def connections(server: RedisServer) -> int:
    """The number of clients except the one that asks."""
    return len(str(server.ask("CLIENT", "LIST")).splitlines()) - 1
