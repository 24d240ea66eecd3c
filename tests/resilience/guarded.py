"""A guard whose upstream, clock and random numbers a test controls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graph.resilience.breaker import Breaker, BreakerRules
from graph.resilience.guard import CallRules, CallStats, FailurePolicy, Guard, GuardObserver, Shared
from graph.resilience.retry_budget import RetryBudget, RetryRules
from graph.resilience.slots import SlotRules, Slots
from tests.resilience.clocks import Clock

if TYPE_CHECKING:
    import asyncio

API = "/api"
RETRIES = RetryRules(attempts=3)
LIMITS = CallRules(total=2.0, attempt=1.0, slot_wait=0.005)


class FaultError(Exception):
    """A failure that carries its policy."""

    def __init__(self, policy: FailurePolicy) -> None:
        super().__init__(policy)
        self.policy = policy


PASSING = FaultError(FailurePolicy("passing", failed=True, retry=True))
STALE = FaultError(FailurePolicy("stale", failed=True, retry=True, backoff=False))
LASTING = FaultError(FailurePolicy("lasting", failed=True))
LOST = FaultError(FailurePolicy("lost", failed=True, lost=True))
REFUSAL = FaultError(FailurePolicy("refusal", failed=False))


def policy_of(error: Exception) -> FailurePolicy:
    assert isinstance(error, FaultError)
    return error.policy


@dataclass
class Log(GuardObserver):
    """Records every event of the guard."""

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
    """A guarded upstream whose responses and delays a test controls."""

    def __init__(self, *answers: Exception | str, takes: float = 0.0, slots: int = 2) -> None:
        self.answers = list(answers)
        self.takes = takes
        self.asked: list[tuple[str, float, int]] = []
        self.pauses: list[float] = []
        self.clock = Clock()
        self.chance = 0.5
        self.slot_is_taken_in_pause: int | None = None
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
        self.guard: Guard[str, str] = Guard(API, self.fetch, policy_of, self.breaker, shared)
        self.stats = CallStats()

    async def ask(self, key: str = "card") -> str:
        return await self.guard.start(key, self.stats)

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
        if self.slot_is_taken_in_pause == len(self.pauses):
            await self.slots.take(1)

    def spend_budget(self) -> None:
        while self.budget.withdraw():
            pass
