"""The guard: single flight, breaker, retries with a budget, slots and time limits, in this order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from graph.resilience.breaker import Breaker, BreakerRules, CircuitOpenError, State
from graph.resilience.guard import CallRules, Guard, Shared, Tally, Verdict
from graph.resilience.retries import RetryBudget, RetryRules
from graph.resilience.single_flight import AbandonedError
from graph.resilience.slots import NoSlotError, SlotRules, Slots
from tests.resilience.clocks import Clock, settle

API = "/api"
RETRIES = RetryRules(attempts=3)
LIMITS = CallRules(total=2.0, attempt=1.0, slot_wait=0.005)


class FaultError(Exception):
    """A failure with the verdict on it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


PASSING = FaultError(Verdict("passing", failed=True, retry=True))
STALE = FaultError(Verdict("stale", failed=True, retry=True, pause=False))
LASTING = FaultError(Verdict("lasting", failed=True))
LOST = FaultError(Verdict("lost", failed=True, lost=True))
REFUSAL = FaultError(Verdict("refusal", failed=False))


def judge(error: Exception) -> Verdict:
    assert isinstance(error, FaultError)
    return error.verdict


@dataclass
class Log:
    """Everything that the guard tells."""

    events: list[tuple[object, ...]] = field(default_factory=list)

    def joined(self, api: str) -> None:
        self.events.append(("joined", api))

    def retried(self, api: str, cause: str) -> None:
        self.events.append(("retried", api, cause))

    def retry_refused(self, api: str) -> None:
        self.events.append(("retry refused", api))

    def breaker_changed(self, api: str, state: str) -> None:
        self.events.append(("breaker", api, state))

    def limit_changed(self, limit: int) -> None:
        self.events.append(("limit", limit))

    def shed(self, api: str) -> None:
        self.events.append(("shed", api))


class Upstream:
    """A guarded upstream that answers as the test says, and takes as long as it says."""

    def __init__(self, *answers: Exception | str, takes: float = 0.0, slots: int = 2) -> None:
        self.answers = list(answers)
        self.takes = takes
        self.asked: list[tuple[str, float, int]] = []
        self.pauses: list[float] = []
        self.clock = Clock()
        self.chance = 0.5
        self.slot_is_taken_in_the_pause = False
        self.log = Log()
        self.gate: asyncio.Event | None = None
        self.breaker = Breaker(
            BreakerRules(minimum_calls=2, probes=1),
            self.clock,
            lambda: 0.0,
            lambda state: self.log.breaker_changed(API, state),
        )
        self.slots = Slots(SlotRules(most=slots, least=1), self.clock, self.log.limit_changed)
        self.budget = RetryBudget(RETRIES, self.clock)
        shared = Shared(
            self.budget, self.slots, self.clock, lambda: self.chance, self.sleep, LIMITS, RETRIES, self.log
        )
        self.guard: Guard[str, str] = Guard(API, self.fetch, judge, self.breaker, shared)
        self.tally = Tally()

    async def ask(self, key: str = "card") -> str:
        return await self.guard.call(key, self.tally)

    async def fetch(self, key: str, seconds: float, attempt: int) -> str:
        self.asked.append((key, seconds, attempt))
        if self.gate is not None:
            await self.gate.wait()
        self.clock.now += self.takes
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.clock.sleep(seconds)
        if self.slot_is_taken_in_the_pause:
            await self.slots.take(1)

    def spend_budget(self) -> None:
        while self.budget.withdraw():
            pass


async def test_a_good_answer_is_one_attempt_under_its_own_time_limit() -> None:
    upstream = Upstream("good")
    assert await upstream.ask() == "good"
    assert [("card", 1.0, 1)] == upstream.asked
    assert (Tally(attempts=1), []) == (upstream.tally, upstream.log.events)


async def test_what_may_pass_is_tried_again_after_a_random_pause() -> None:
    upstream = Upstream(PASSING, PASSING, "good")
    assert await upstream.ask() == "good"
    assert [1, 2, 3] == [attempt for _, _, attempt in upstream.asked]
    assert [0.15, 0.15] == pytest.approx(upstream.pauses)
    assert [("retried", API, "passing")] * 2 == upstream.log.events
    assert upstream.tally.attempts == 3


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
    upstream = Upstream(FaultError(Verdict("throttled", failed=False, retry=True, retry_after=1.0)), "good")
    assert await upstream.ask() == "good"
    assert upstream.pauses == [1.0]


async def test_a_wish_beyond_the_time_limit_is_not_waited_for() -> None:
    throttled = FaultError(Verdict("throttled", failed=False, retry=True, retry_after=2.0))
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


async def test_an_empty_budget_ends_the_attempts() -> None:
    upstream = Upstream(PASSING)
    upstream.spend_budget()
    with pytest.raises(FaultError):
        await upstream.ask()
    assert [("retry refused", API)] == upstream.log.events
    assert len(upstream.asked) == 1


async def test_calls_pay_for_later_retries() -> None:
    upstream = Upstream(*["good"] * 10, PASSING, "good")
    upstream.spend_budget()
    for _ in range(10):
        await upstream.ask()
    # The tenth part of ten calls and of this one.
    assert await upstream.ask() == "good"
    assert [("retried", API, "passing")] == upstream.log.events


async def test_further_attempts_get_what_is_left_of_the_total_time() -> None:
    upstream = Upstream(PASSING, PASSING, "good", takes=0.8)
    assert await upstream.ask() == "good"
    assert [1.0, 1.0, 0.1] == pytest.approx([seconds for _, seconds, _ in upstream.asked])


async def test_no_attempt_begins_after_the_total_time() -> None:
    upstream = Upstream(PASSING, PASSING, takes=0.95)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert len(upstream.asked) == 2


async def test_failures_open_the_breaker_and_then_the_upstream_is_not_asked() -> None:
    upstream = Upstream(LASTING, LASTING)
    for _ in range(2):
        with pytest.raises(FaultError):
            await upstream.ask()
    with pytest.raises(CircuitOpenError):
        await upstream.ask()
    assert len(upstream.asked) == 2
    assert [("breaker", API, "open")] == upstream.log.events


async def test_a_call_counts_by_its_end_and_not_by_its_attempts() -> None:
    upstream = Upstream()
    upstream.answers = [PASSING, "good"] * 10
    for _ in range(10):
        assert await upstream.ask() == "good"
    assert upstream.breaker.state is State.CLOSED


async def test_answers_that_refuse_do_not_open_the_breaker() -> None:
    upstream = Upstream(*[REFUSAL] * 10)
    for _ in range(10):
        with pytest.raises(FaultError):
            await upstream.ask()
    assert upstream.breaker.state is State.CLOSED


async def open_and_wait(upstream: Upstream) -> None:
    upstream.answers = [LASTING, LASTING, *upstream.answers]
    for _ in range(2):
        with pytest.raises(FaultError):
            await upstream.ask()
    upstream.clock.now += 5
    upstream.asked.clear()


async def test_a_probe_is_one_attempt_and_closes_the_breaker_when_it_is_answered() -> None:
    upstream = Upstream(PASSING, "good")
    await open_and_wait(upstream)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert len(upstream.asked) == 1
    upstream.clock.now += 10
    assert await upstream.ask() == "good"
    assert upstream.breaker.state is State.CLOSED


async def test_a_refusal_shows_that_the_upstream_is_well() -> None:
    upstream = Upstream(REFUSAL)
    await open_and_wait(upstream)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert upstream.breaker.state is State.CLOSED


async def test_a_probe_that_is_cancelled_leaves_its_place_to_another() -> None:
    upstream = Upstream("good")
    await open_and_wait(upstream)
    upstream.gate = asyncio.Event()
    leaves = asyncio.ensure_future(upstream.ask())
    await settle()
    leaves.cancel()
    await settle()
    upstream.gate.set()
    assert await upstream.ask() == "good"


@pytest.mark.parametrize(("waited", "opens"), [(0.5, True), (0.49, False)])
async def test_callers_who_leave_after_a_good_part_of_an_attempt_do_not_hide_that_nobody_answers(
    waited: float, *, opens: bool
) -> None:
    upstream = Upstream("good", "good", slots=10)
    upstream.gate = asyncio.Event()
    for _ in range(2):
        leaves = asyncio.ensure_future(upstream.ask())
        await settle()
        upstream.clock.now += waited
        leaves.cancel()
        await settle()
    assert opens == (upstream.breaker.state is State.OPEN)
    assert opens == (upstream.slots.limit < 10)
    assert upstream.slots.in_use == 0


async def test_callers_who_leave_while_they_wait_for_a_slot_say_nothing_about_the_upstream() -> None:
    upstream = Upstream(slots=0)
    for _ in range(5):
        leaves = asyncio.ensure_future(upstream.ask())
        await settle()
        upstream.clock.now += 10
        leaves.cancel()
        await settle()
    assert upstream.breaker.state is State.CLOSED


async def test_those_who_join_a_call_take_no_slot() -> None:
    upstream = Upstream("good", slots=1)
    upstream.gate = asyncio.Event()
    waiters = [asyncio.ensure_future(upstream.ask()) for _ in range(20)]
    await settle()
    assert upstream.slots.in_use == 1
    upstream.gate.set()
    assert ["good"] * 20 == await asyncio.gather(*waiters)
    assert Tally(attempts=1, joined=19) == upstream.tally
    assert [("joined", API)] * 19 == upstream.log.events


async def test_a_call_that_everybody_has_left_while_it_waits_for_a_slot_never_asks() -> None:
    upstream = Upstream("good", "good", slots=1)
    upstream.gate = asyncio.Event()
    holds = asyncio.ensure_future(upstream.ask("a"))
    await settle()
    leaves = asyncio.ensure_future(upstream.ask("b"))
    await settle()
    leaves.cancel()
    await settle()
    upstream.gate.set()
    await holds
    await settle()
    assert ["a"] == [key for key, _, _ in upstream.asked]
    assert upstream.slots.in_use == 0


async def test_without_a_slot_in_time_the_call_is_shed_and_the_breaker_learns_nothing() -> None:
    upstream = Upstream("good", slots=0)
    for _ in range(5):
        waits = asyncio.ensure_future(upstream.guard.call("card", upstream.tally))
        with pytest.raises(NoSlotError):
            await waits
    assert [("shed", API)] * 5 == upstream.log.events
    assert (upstream.asked, upstream.breaker.state) == ([], State.CLOSED)


async def test_without_a_slot_for_a_further_attempt_the_first_ones_failure_is_told() -> None:
    upstream = Upstream(PASSING, slots=1)
    upstream.slot_is_taken_in_the_pause = True
    with pytest.raises(FaultError) as raised:
        await upstream.ask()
    assert PASSING is raised.value
    assert ("shed", API) in upstream.log.events


async def test_a_lost_call_makes_fewer_slots_and_gives_its_own_back() -> None:
    upstream = Upstream(LOST, slots=10)
    with pytest.raises(FaultError):
        await upstream.ask()
    assert [("limit", 8)] == upstream.log.events
    assert upstream.slots.in_use == 0


async def test_good_answers_make_more_slots_again() -> None:
    upstream = Upstream("good", "good", LOST, *["good"] * 10, slots=2)
    for _ in range(2):
        await upstream.ask()
    with pytest.raises(FaultError):
        await upstream.ask()
    for _ in range(10):
        await upstream.ask()
    assert [("limit", 1), ("limit", 2)] == upstream.log.events


async def test_closing_cancels_what_is_under_way() -> None:
    upstream = Upstream("good")
    upstream.gate = asyncio.Event()
    waiter = asyncio.ensure_future(upstream.ask())
    await settle()
    await upstream.guard.aclose()
    with pytest.raises(AbandonedError):
        await waiter
    assert upstream.slots.in_use == 0
    assert {asyncio.current_task()} == asyncio.all_tasks()
