"""What stands between a request and one API of the upstream, in this order.

1. Single flight: those who ask for the same thing at the same time share one call. They take no slot.
2. Breaker: an API that fails is left alone for a while.
3. Retries: once more, for what may pass, within a budget.
4. Slot and time limit: for each attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from graph.resilience.breaker import Outcome
from graph.resilience.observer import SilentObserver
from graph.resilience.retry_budget import RetryRules
from graph.resilience.single_flight import SingleFlight
from graph.resilience.slots import NoSlotError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graph.resilience.breaker import Breaker
    from graph.resilience.observer import GuardObserver
    from graph.resilience.retry_budget import RetryBudget
    from graph.resilience.slots import Slots

# How much of an attempt's time must have passed for nothing.
_GOOD_PART: Final = 0.5

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """What the failure of one attempt means."""

    cause: str
    """A word for it, for logs and metrics."""
    failed: bool
    """Whether the upstream is to blame, so that the breaker counts it."""
    lost: bool = False
    """Whether it may be a sign of too many calls."""
    retry: bool = False
    pause: bool = True
    """Whether to pause before; a connection that had gone stale says nothing about the upstream."""
    retry_after: float | None = None
    """The seconds for which the upstream asked."""


@dataclass(frozen=True, slots=True)
class CallRules:
    """Time limits of one call. Seconds."""

    total: float = 2.5
    """For all attempts, pauses and waits together."""
    attempt: float = 1.5
    slot_wait: float = 0.25


@dataclass(slots=True)
class CallStats:
    """What look-ups of one request cost."""

    attempts: int = 0
    """How often the upstream was called."""
    joined: int = 0
    """How often a call of somebody else was shared."""


@dataclass(frozen=True)
class Shared:
    """What the guards of one upstream have in common."""

    budget: RetryBudget
    slots: Slots
    clock: Callable[[], float]
    """Monotonic seconds."""
    random: Callable[[], float]
    """Uniform in [0, 1)."""
    sleep: Callable[[float], Awaitable[None]]
    rules: CallRules = field(default_factory=CallRules)
    retries: RetryRules = field(default_factory=RetryRules)
    observer: GuardObserver = field(default_factory=SilentObserver)


@dataclass(slots=True)
class _Call(Generic[K]):
    """One call on its way through the guard."""

    key: K
    stats: CallStats
    ends: float
    asked_at: float | None = None
    """When its latest attempt reached the upstream."""


class Guard(Generic[K, V]):
    """Calls one API of an upstream.

    Args:
        api: its name, for logs and metrics.
        fetch: one attempt: what is asked for, the seconds that it may take, and which attempt it is, from 1.
        policy_of: says what the failure of an attempt means.
        breaker: the API's breaker.
        shared: see `Shared`.
    """

    def __init__(
        self,
        api: str,
        fetch: Callable[[K, float, int], Awaitable[V]],
        policy_of: Callable[[Exception], FailurePolicy],
        breaker: Breaker,
        shared: Shared,
    ) -> None:
        self._api = api
        self._fetch = fetch
        self._policy_of = policy_of
        self._breaker = breaker
        self._shared = shared
        self._budget = shared.budget
        self._slots = shared.slots
        self._clock = shared.clock
        self._rules = shared.rules
        self._flights: SingleFlight[K, CallStats, V] = SingleFlight(self._call)

    def start(self, key: K, stats: CallStats) -> asyncio.Future[V]:
        """Look one thing up; the caller's own future of it.

        Cancelling the future leaves the look-up, which ends when nobody waits for it. It fails with
        `CircuitOpenError` when the API is left alone for now, with `NoSlotError` when there are too many calls,
        with `AbandonedError` when the process ends, and else with what the last attempt raised.

        Args:
            key: what to look up.
            stats: counts what it cost.
        """
        waiter = self._flights.join(key)
        if waiter is None:
            return self._flights.begin(key, stats)
        stats.joined += 1
        self._shared.observer.joined(self._api)
        return waiter

    async def aclose(self) -> None:
        """Cancel the calls that are under way."""
        await self._flights.aclose()

    async def _call(self, key: K, stats: CallStats) -> V:
        """What those who ask for the same thing share: the breaker's leave, a first attempt, further ones."""
        permit = self._breaker.admit()
        call = _Call(key, stats, self._clock() + self._rules.total)
        outcome = Outcome.NOTHING
        self._budget.deposit()
        try:
            try:
                value = await self._attempt(call, 1)
            except Exception as error:
                # A probe asks whether the upstream is well, and asks once.
                pause = None if permit.probe else self._pause(call, error, 1)
                if pause is None:
                    raise
                failure = error
            else:
                outcome = Outcome.ANSWERED
                return value
            value = await self._try_again(call, failure, pause)
            outcome = Outcome.ANSWERED
        except BaseException as error:
            outcome = self._outcome(call, error)
            raise
        finally:
            self._breaker.settle(permit, outcome)
        return value

    def _outcome(self, call: _Call[K], error: BaseException) -> Outcome:
        """What the end of a call tells of its upstream."""
        if isinstance(error, NoSlotError):
            return Outcome.NOTHING
        if isinstance(error, Exception):
            return Outcome.FAILED if self._policy_of(error).failed else Outcome.ANSWERED
        vain = isinstance(error, asyncio.CancelledError) and self._asked_in_vain(call)
        return Outcome.FAILED if vain else Outcome.NOTHING

    def _asked_in_vain(self, call: _Call[K]) -> bool:
        """Whether everybody left a call whose attempt had had its time to be answered, or a good part of it.

        Else callers with little patience would hide from breaker and slots that an upstream is silent. Those with
        next to none tell nothing about it.
        """
        waited = 0.0 if call.asked_at is None else self._clock() - call.asked_at
        return waited >= _GOOD_PART * self._rules.attempt

    async def _try_again(self, call: _Call[K], failure: Exception, pause: float) -> V:
        """Attempts after the first one, as long as what failed may pass."""
        number = 1
        while True:
            await self._shared.sleep(pause)
            number += 1
            try:
                return await self._attempt(call, number)
            except NoSlotError:
                # What failed is the upstream, not the place in the queue.
                raise failure from None
            except Exception as error:
                next_pause = self._pause(call, error, number)
                if next_pause is None:
                    raise
                failure, pause = error, next_pause

    def _pause(self, call: _Call[K], error: Exception, number: int) -> float | None:
        """How long to wait after an attempt that failed; None when there shall be no other."""
        shared, rules = self._shared, self._shared.retries
        if number >= rules.attempts or isinstance(error, NoSlotError):
            return None
        policy = self._policy_of(error)
        if not policy.retry:
            return None
        pause = rules.pause_from + (rules.pause_to - rules.pause_from) * shared.random() if policy.pause else 0.0
        pause = max(pause, policy.retry_after or 0.0)
        if shared.clock() + pause >= call.ends:
            return None
        if not shared.budget.withdraw():
            shared.observer.retry_refused(self._api)
            return None
        shared.observer.retried(self._api, policy.cause)
        return pause

    async def _attempt(self, call: _Call[K], number: int) -> V:
        slots, rules = self._slots, self._rules
        if not slots.try_take():
            await self._wait_for_slot(call)
        lost: bool | None = None
        try:
            call.stats.attempts += 1
            call.asked_at = now = self._clock()
            value = await self._fetch(call.key, min(rules.attempt, call.ends - now), number)
            lost = False
        except Exception as error:
            lost = self._policy_of(error).lost
            raise
        except asyncio.CancelledError:
            lost = self._asked_in_vain(call) or None
            raise
        finally:
            slots.release(lost=lost)
        return value

    async def _wait_for_slot(self, call: _Call[K]) -> None:
        try:
            await self._slots.take(min(self._rules.slot_wait, call.ends - self._clock()))
        except NoSlotError:
            self._shared.observer.shed(self._api)
            raise
