"""Without Redis, requests continue under the same limits, and at most one per pause waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import RedisError

from graph.security.limiter import Bucket, LocalLimiter, Taken, Window
from graph.security.redis_limiter import FallbackLimiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

BUCKET = Bucket(rate=0.001, burst=5)
PLENTY = Bucket(rate=0.001, burst=1_000)
WINDOWS = [Window(60, 2)]
PAUSE = 1.0


class Shared:
    """A shared limiter that does as told, and counts its calls."""

    def __init__(self) -> None:
        self.behave: Callable[[], Awaitable[None]] = well
        self.calls = 0
        self.most_at_once = 0
        self._at_once = 0

    async def take(self, _key: str, bucket: Bucket, _amount: float) -> Taken:
        await self._one()
        return Taken(allowed=True, remaining=bucket.burst, retry_after_ms=0)

    async def add(self, _key: str, _windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        await self._one()
        return [0] * len(members)

    async def _one(self) -> None:
        self.calls += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.behave()
        finally:
            self._at_once -= 1


async def well() -> None:
    await asyncio.sleep(0)


async def broken() -> None:
    await asyncio.sleep(0)
    raise RedisError


class Fallback:
    """A fallback limiter whose surroundings the test controls."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told = 0
        self.returns = 0
        self.shared = Shared()
        local = LocalLimiter(lambda: self.now)
        self.limiter = FallbackLimiter(
            self.shared, local, lambda: self.now, self._tell, on_return=self._tell_return, pause=PAUSE, calls=4
        )

    def _tell(self) -> None:
        self.told += 1

    def _tell_return(self) -> None:
        self.returns += 1

    async def takes(self, count: int, bucket: Bucket = BUCKET) -> list[bool]:
        """The outcomes of so many concurrent takes."""
        taken = await asyncio.gather(*(self.limiter.take("a", bucket, 1) for _ in range(count)))
        return [one.allowed for one in taken]


@pytest.fixture
def fallback() -> Fallback:
    return Fallback()


@pytest.mark.parametrize("error", [RedisError, ConnectionResetError, OSError, TimeoutError])
async def test_the_local_limiter_decides_when_the_shared_one_fails(
    error: type[Exception], fallback: Fallback
) -> None:
    async def failing() -> None:
        raise error

    fallback.shared.behave = failing
    assert [(await fallback.limiter.take("a", BUCKET, 1)).allowed for _ in range(6)] == [True] * 5 + [False]
    assert await fallback.limiter.add("a", WINDOWS, ["x", "y", "z"]) == [0, 0, 60_000]
    assert (fallback.shared.calls, fallback.told) == (1, 1)


async def test_adding_alone_falls_back_as_taking_does(fallback: Fallback) -> None:
    fallback.shared.behave = broken
    assert await fallback.limiter.add("a", WINDOWS, ["x", "y", "z"]) == [0, 0, 60_000]
    assert await fallback.limiter.add("a", WINDOWS, ["x", "z"]) == [0, 60_000]
    assert (fallback.shared.calls, fallback.told) == (1, 1)


async def test_the_next_try_comes_after_the_pause_and_starts_a_new_one(fallback: Fallback) -> None:
    fallback.shared.behave = broken
    calls = []
    for now in (0.0, 0.5, 0.999, 1.0, 1.5, 1.999, 2.0):
        fallback.now = now
        await fallback.takes(1)
        calls.append(fallback.shared.calls)
    assert calls == [1, 1, 1, 2, 2, 2, 3]
    assert fallback.told == 3


async def test_what_was_spent_while_the_shared_limiter_was_away_still_counts(
    fallback: Fallback,
) -> None:
    fallback.shared.behave = broken
    assert await fallback.takes(6) == [True] * 5 + [False]
    fallback.shared.behave = well
    fallback.now = PAUSE
    assert await fallback.takes(1) == [False]
    assert await fallback.takes(20) == [False] * 20
    assert fallback.shared.calls == 4 + 1 + 20


async def test_it_says_whether_the_shared_limiter_answers_as_far_as_it_knows(fallback: Fallback) -> None:
    seen = [fallback.limiter.away]
    for behave, now in ((well, 0.0), (broken, 0.0), (broken, PAUSE), (well, 1.5 * PAUSE), (well, 3 * PAUSE)):
        fallback.shared.behave, fallback.now = behave, now
        await fallback.takes(1)
        seen.append(fallback.limiter.away)
    # The one before the last fell into a pause and made no call.
    assert seen == [False, False, True, True, True, False]


async def test_it_tells_once_that_the_shared_limiter_is_back(fallback: Fallback) -> None:
    await fallback.takes(3)
    seen = [fallback.returns]
    for behave, now in ((broken, 0.0), (broken, PAUSE), (well, 2 * PAUSE), (well, 3 * PAUSE)):
        fallback.shared.behave, fallback.now = behave, now
        await fallback.takes(3)
        seen.append(fallback.returns)
    assert seen == [0, 0, 0, 1, 1]


async def test_a_crowd_waits_for_its_turn_and_is_no_failure(fallback: Fallback) -> None:
    assert await fallback.takes(200, PLENTY) == [True] * 200
    assert (fallback.shared.calls, fallback.shared.most_at_once, fallback.told) == (200, 4, 0)


async def test_a_crowd_does_not_queue_up_for_a_limiter_that_fails(fallback: Fallback) -> None:
    fallback.shared.behave = broken
    assert sum(await fallback.takes(200)) == 5
    assert (fallback.shared.calls, fallback.told) == (4, 4)


async def test_after_the_pause_one_request_tries_and_the_others_do_not_wait_for_it(fallback: Fallback) -> None:
    fallback.shared.behave = broken
    await fallback.takes(1)
    release = asyncio.Event()

    async def hang() -> None:
        await release.wait()

    fallback.now, fallback.shared.behave = PAUSE, hang
    trying = asyncio.create_task(fallback.limiter.take("a", BUCKET, 1))
    await asyncio.sleep(0)
    # Nothing but the local limiter can answer them: the shared one does not before `release`.
    async with asyncio.timeout(30):
        assert await fallback.takes(5) == [True] * 4 + [False]
    assert fallback.shared.calls == 2
    release.set()
    assert not (await trying).allowed
    await fallback.takes(3)
    assert fallback.shared.calls == 5


async def test_a_try_that_is_cancelled_gives_its_turn_back(fallback: Fallback) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    fallback.shared.behave = hang
    tries = [asyncio.create_task(fallback.limiter.take("a", BUCKET, 1)) for _ in range(8)]
    await asyncio.sleep(0)
    for one in tries:
        one.cancel()
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [asyncio.CancelledError] * 8 == [type(result) for result in results]
    fallback.shared.behave = well
    assert await fallback.takes(20, PLENTY) == [True] * 20
    assert fallback.told == 0


async def test_a_mistake_of_our_own_is_not_taken_for_an_absence(fallback: Fallback) -> None:
    async def mistaken() -> None:
        raise KeyError

    fallback.shared.behave = mistaken
    with pytest.raises(KeyError):
        await fallback.takes(1)
    assert fallback.told == 0
