"""The guard: how often a call is attempted, after which pauses, and for how long."""

from __future__ import annotations

import pytest

from graph.resilience.guard import CallStats, FailurePolicy
from tests.resilience.guarded import API, LASTING, PASSING, REFUSAL, STALE, FaultError, Upstream


async def test_a_good_answer_is_one_attempt_under_its_own_time_limit() -> None:
    upstream = Upstream("good")
    assert await upstream.ask() == "good"
    assert upstream.asked == [("card", 1.0, 1)]
    assert (CallStats(attempts=1), []) == (upstream.stats, upstream.log.events)


async def test_what_may_pass_is_tried_again_after_a_random_pause() -> None:
    upstream = Upstream(PASSING, PASSING, "good")
    assert await upstream.ask() == "good"
    assert [attempt for _, _, attempt in upstream.asked] == [1, 2, 3]
    assert pytest.approx(upstream.pauses) == [0.15, 0.15]
    assert upstream.log.events == [("retried", API, "passing")] * 2
    assert upstream.stats.attempts == 3


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 0.05), (0.999, 0.25)])
async def test_the_pause_is_between_its_bounds(chance: float, pause: float) -> None:
    upstream = Upstream(PASSING, "good")
    upstream.chance = chance
    await upstream.ask()
    assert [pause] == pytest.approx(upstream.pauses, abs=0.001)


async def test_a_stale_connection_is_tried_again_at_once() -> None:
    upstream = Upstream(STALE, "good")
    assert await upstream.ask() == "good"
    assert upstream.pauses == [0.0]


async def test_the_upstreams_own_wish_for_a_pause_is_heard() -> None:
    upstream = Upstream(FaultError(FailurePolicy("throttled", failed=False, retry=True, retry_after=1.0)), "good")
    assert await upstream.ask() == "good"
    assert upstream.pauses == [1.0]


async def test_a_wish_beyond_the_time_limit_is_not_waited_for() -> None:
    throttled = FaultError(FailurePolicy("throttled", failed=False, retry=True, retry_after=2.0))
    upstream = Upstream(throttled)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert (upstream.pauses, upstream.log.events) == ([], [])


@pytest.mark.parametrize("failure", [LASTING, REFUSAL])
async def test_what_will_not_pass_is_not_tried_again(failure: FaultError) -> None:
    upstream = Upstream(failure)
    with pytest.raises(FaultError) as raised:
        await upstream.ask()
    assert failure is raised.value
    assert len(upstream.asked) == 1


async def test_the_last_attempts_failure_is_the_calls() -> None:
    upstream = Upstream(PASSING, PASSING, LASTING)
    with pytest.raises(FaultError) as raised:
        await upstream.ask()
    assert LASTING is raised.value


async def test_there_are_no_more_attempts_than_the_rules_allow() -> None:
    upstream = Upstream(PASSING, STALE, PASSING)
    with pytest.raises(FaultError) as raised:
        await upstream.ask()
    assert PASSING is raised.value
    assert len(upstream.asked) == 3


async def test_an_empty_budget_ends_the_attempts() -> None:
    upstream = Upstream(PASSING)
    upstream.spend_budget()
    with pytest.raises(FaultError):
        await upstream.ask()
    assert upstream.log.events == [("retry refused", API)]
    assert len(upstream.asked) == 1


async def test_calls_pay_for_later_retries() -> None:
    upstream = Upstream(*["good"] * 10, PASSING, "good")
    upstream.spend_budget()
    for _ in range(10):
        await upstream.ask()
    # A tenth of ten calls and of this one.
    assert await upstream.ask() == "good"
    assert upstream.log.events == [("retried", API, "passing")]


async def test_further_attempts_get_what_is_left_of_the_total_time() -> None:
    upstream = Upstream(PASSING, PASSING, "good", takes=0.8)
    assert await upstream.ask() == "good"
    assert pytest.approx([seconds for _, seconds, _ in upstream.asked]) == [1.0, 1.0, 0.1]


async def test_no_attempt_begins_after_the_total_time() -> None:
    upstream = Upstream(PASSING, PASSING, takes=0.95)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert len(upstream.asked) == 2
