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

from graph.resilience.breaker import State
from graph.resilience.observer import GuardObserver
from graph.resilience.retry_budget import RetryRules
from graph.resilience.single_flight import SingleFlight
from graph.resilience.slots import NoSlotError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graph.resilience.breaker import Breaker
    from graph.resilience.retry_budget import RetryBudget
    from graph.resilience.slots import Slots

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
    backoff: bool = True
    """Whether to wait before; a connection that had gone stale says nothing about the upstream."""
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
    observer: GuardObserver = field(default_factory=GuardObserver)


@dataclass(slots=True)
class _Call:
    """One call on its way through the guard."""

    ends: float
    attempts: int = 0
    """How often the upstream was asked for it."""
    failed: bool | None = None
    """Whether the upstream is to blame for the end of the latest attempt; None when nobody knows."""


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
        self._flights: SingleFlight[K, V] = SingleFlight()

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
            return self._flights.begin(key, self._call(key, stats))
        stats.joined += 1
        self._shared.observer.joined(self._api)
        return waiter

    async def aclose(self) -> None:
        """Cancel the calls that are under way."""
        await self._flights.aclose()

    async def _call(self, key: K, stats: CallStats) -> V:
        """What those who ask for the same thing share: one attempt, or more as long as what failed may pass."""
        shared, era = self._shared, self._breaker.admit()
        shared.budget.deposit()
        # A probe asks whether the upstream is well, and asks once.
        attempts = 1 if self._breaker.state is State.HALF_OPEN else shared.retries.attempts
        call = _Call(shared.clock() + shared.rules.total)
        failure: Exception | None = None
        try:
            while True:
                try:
                    return await self._attempt(key, stats, call)
                except NoSlotError:
                    # What failed is the upstream, not the place in the queue.
                    raise failure or NoSlotError from None
                except Exception as error:
                    backoff = self._backoff(call, error) if call.attempts < attempts else None
                    if backoff is None:
                        raise
                    failure = error
                await shared.sleep(backoff)
        finally:
            self._breaker.settle(era, failed=call.failed)

    def _backoff(self, call: _Call, error: Exception) -> float | None:
        """How long to wait after an attempt that failed; None when there shall be no other."""
        shared, rules, policy = self._shared, self._shared.retries, self._policy_of(error)
        if not policy.retry:
            return None
        # With full jitter, so that many gateways do not come again at the same moment.
        jitter = rules.backoff_min + (rules.backoff_max - rules.backoff_min) * shared.random()
        backoff = max(jitter if policy.backoff else 0.0, policy.retry_after or 0.0)
        if shared.clock() + backoff >= call.ends:
            return None
        if not shared.budget.withdraw():
            shared.observer.retry_refused(self._api)
            return None
        shared.observer.retried(self._api, policy.cause)
        return backoff

    async def _attempt(self, key: K, stats: CallStats, call: _Call) -> V:
        shared, rules = self._shared, self._shared.rules
        try:
            if not shared.slots.try_take():
                await shared.slots.take(min(rules.slot_wait, call.ends - shared.clock()))
        except NoSlotError:
            shared.observer.shed(self._api)
            raise
        stats.attempts += 1
        call.attempts += 1
        asked_at = shared.clock()
        call.failed = lost = None
        try:
            value = await self._fetch(key, min(rules.attempt, call.ends - asked_at), call.attempts)
            call.failed = lost = False
        except Exception as error:
            policy = self._policy_of(error)
            call.failed, lost = policy.failed, policy.lost
            raise
        except asyncio.CancelledError:
            # Everybody has left. Where a good part of the attempt's time has passed for nothing, that counts: else
            # callers with little patience would hide from breaker and slots that an upstream is silent.
            if shared.clock() - asked_at >= _GOOD_PART * rules.attempt:
                call.failed = lost = True
            raise
        finally:
            shared.slots.release(lost=lost)
        return value
