"""Edge cases of the local limiter: exact waits, fractions, more keys than it keeps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.security.limiter import Bucket, LocalLimiter, Taken, Window
from tests.tools import examples

deterministic = settings(max_examples=examples(200))


class Clock:
    """Monotonic seconds that a test controls; in milliseconds, so that no rounding errors add up."""

    def __init__(self) -> None:
        self.milliseconds = 0

    def __call__(self) -> float:
        return 1_000_000 + self.milliseconds / 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> LocalLimiter:
    return LocalLimiter(clock)


async def test_a_bucket_gives_its_burst_and_then_its_rate(clock: Clock, limiter: LocalLimiter) -> None:
    bucket = Bucket(rate=50, burst=100)
    taken = [await limiter.take("a", bucket, 1) for _ in range(101)]
    assert [one.allowed for one in taken] == [True] * 100 + [False]
    assert Taken(allowed=False, remaining=0, retry_after_ms=20) == taken[-1]

    clock.milliseconds += 1000
    assert [(await limiter.take("a", bucket, 1)).allowed for _ in range(51)] == [True] * 50 + [False]


async def test_a_bucket_never_holds_more_than_its_burst(clock: Clock, limiter: LocalLimiter) -> None:
    bucket = Bucket(rate=50, burst=100)
    await limiter.take("a", bucket, 1)
    clock.milliseconds += 3_600_000
    assert Taken(allowed=True, remaining=0, retry_after_ms=0) == await limiter.take("a", bucket, 100)


async def test_what_is_refused_takes_nothing(limiter: LocalLimiter) -> None:
    bucket = Bucket(rate=1, burst=10)
    assert not (await limiter.take("a", bucket, 11)).allowed
    assert Taken(allowed=True, remaining=0, retry_after_ms=0) == await limiter.take("a", bucket, 10)


async def test_what_is_given_back_can_be_taken_at_once(limiter: LocalLimiter) -> None:
    bucket = Bucket(rate=1, burst=10)
    await limiter.take("a", bucket, 10)
    assert Taken(allowed=True, remaining=4, retry_after_ms=0) == await limiter.take("a", bucket, -4)
    assert not (await limiter.take("a", bucket, 5)).allowed
    assert (await limiter.take("a", bucket, 4)).allowed


async def test_a_bucket_holds_no_more_than_its_burst_however_much_is_given_back(limiter: LocalLimiter) -> None:
    bucket = Bucket(rate=1, burst=10)
    await limiter.take("a", bucket, 3)
    assert Taken(allowed=True, remaining=10, retry_after_ms=0) == await limiter.take("a", bucket, -4)
    assert not (await limiter.take("a", bucket, 11)).allowed


@deterministic
@given(
    rate=st.floats(0.01, 10_000),
    burst=st.floats(1, 10_000),
    first=st.floats(0, 1),
    second=st.floats(0, 1),
    pause=st.integers(0, 5_000),
)
async def test_who_waits_as_long_as_was_said_is_not_refused_and_who_waits_less_is(
    rate: float, burst: float, first: float, second: float, pause: int
) -> None:
    clock = Clock()
    limiter, bucket = LocalLimiter(clock), Bucket(rate, burst)
    await limiter.take("a", bucket, burst * first)
    clock.milliseconds += pause
    refused = await limiter.take("a", bucket, burst * second)
    if refused.allowed:
        return
    clock.milliseconds += refused.retry_after_ms - 1
    # A refusal takes nothing, so the early try does not change what the right one finds.
    assert not (await limiter.take("a", bucket, burst * second)).allowed
    clock.milliseconds += 1
    assert (await limiter.take("a", bucket, burst * second)).allowed


async def test_a_repeat_costs_nothing_and_does_not_prolong_its_stay(clock: Clock, limiter: LocalLimiter) -> None:
    windows = [Window(60, 1)]
    assert await limiter.add("a", windows, ["x", "x"]) == [0, 0]
    clock.milliseconds += 59_999
    assert await limiter.add("a", windows, ["x", "y"]) == [0, 1]
    clock.milliseconds += 1
    assert await limiter.add("a", windows, ["y", "x"]) == [0, 60_000]


async def test_what_one_window_refuses_is_not_counted_in_the_other(clock: Clock, limiter: LocalLimiter) -> None:
    windows = [Window(1, 1), Window(10, 2)]
    assert await limiter.add("a", windows, ["x", "y"]) == [0, 1_000]
    clock.milliseconds += 1_000
    assert await limiter.add("a", windows, ["z", "y"]) == [0, 9_000]


async def test_nothing_to_add_is_no_answer_and_no_change(limiter: LocalLimiter) -> None:
    windows = [Window(60, 1)]
    assert await limiter.add("a", windows, []) == []
    assert await limiter.add("a", windows, ["x"]) == [0]


async def test_lengths_that_are_not_whole_seconds_are_kept_to_the_millisecond(
    clock: Clock, limiter: LocalLimiter
) -> None:
    windows = [Window(0.29, 1), Window(0.07, 1)]
    assert await limiter.add("a", windows, ["x", "y"]) == [0, 290]
    clock.milliseconds += 289
    assert await limiter.add("a", windows, ["y"]) == [1]
    clock.milliseconds += 1
    assert await limiter.add("a", windows, ["y"]) == [0]


async def test_keys_do_not_share(limiter: LocalLimiter) -> None:
    bucket, windows = Bucket(rate=1, burst=1), [Window(60, 1)]
    for key in ("a", "b"):
        assert (await limiter.take(key, bucket, 1)).allowed
        assert await limiter.add(key, windows, ["x"]) == [0]
    assert not (await limiter.take("a", bucket, 1)).allowed
    assert await limiter.add("b", windows, ["y"]) == [60_000]


async def test_the_keys_that_are_kept_have_a_bound_and_the_one_used_least_recently_goes(clock: Clock) -> None:
    limiter, bucket, windows = LocalLimiter(clock, keys=2), Bucket(rate=1, burst=1), [Window(60, 1)]
    for key in ("a", "b", "a", "c"):
        await limiter.take(key, bucket, 1)
        await limiter.add(key, windows, [key])
    allowed = {key: (await limiter.take(key, bucket, 1)).allowed for key in ("a", "c", "b")}
    assert allowed == {"a": False, "c": False, "b": True}
    waits = {key: await limiter.add(key, windows, ["new"]) for key in ("a", "c", "b")}
    assert waits == {"a": [60_000], "c": [60_000], "b": [0]}
    assert [len(limiter._levels), len(limiter._seen)] == [2, 2]
