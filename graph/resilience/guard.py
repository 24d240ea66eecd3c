"""Guards the calls to one API of the upstream, in this order.

1. Single flight: concurrent look-ups of the same key share one call and one slot.
2. Breaker: a failing API gets no calls for a while.
3. Retries: transient failures are retried within a budget.
4. Slot and time limit, for each attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from graph.resilience.breaker import BreakerRules, State
from graph.resilience.retry_budget import RetryRules
from graph.resilience.single_flight import SingleFlight
from graph.resilience.slots import NoSlotError, SlotRules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graph.resilience.breaker import Breaker
    from graph.resilience.retry_budget import RetryBudget
    from graph.resilience.slots import Slots

# The part of an attempt's time limit after which a cancelled attempt counts as failed.
_FAILED_AFTER_SHARE: Final = 0.5
ATTEMPT_SHARE: Final = 0.6
"""The share of a look-up's time that one attempt may take. A second attempt still gets a third of it."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """How to treat the failure of one attempt."""

    cause: str
    """Its label in logs and metrics."""
    failed: bool
    """Whether the breaker counts it as a failure of the upstream."""
    lost: bool = False
    """Whether it may be a sign of overload."""
    retry: bool = False
    backoff: bool = True
    """Whether to wait before the retry. A stale connection needs no pause."""
    retry_after: float | None = None
    """The pause that the upstream asked for, in seconds."""


@dataclass(frozen=True, slots=True)
class CallRules:
    """Time limits of one call. Seconds."""

    total: float = 2.5
    """For all attempts, pauses and waits together."""
    attempt: float = 1.5
    slot_wait: float = 0.25


@dataclass(frozen=True, slots=True)
class GuardRules:
    """What protects an upstream and its callers from each other. `slots.most` comes from the settings."""

    retries: RetryRules = field(default_factory=RetryRules)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    slots: SlotRules = field(default_factory=SlotRules)


@dataclass(slots=True)
class CallStats:
    """The upstream calls of one request."""

    attempts: int = 0
    """Calls made."""
    joined: int = 0
    """Calls of other requests that were shared."""


class GuardObserver:
    """Receives a guard's events, for logs and metrics. `api` names the guarded API."""

    def joined(self, api: str) -> None:
        """A look-up joined a call in progress."""

    def retried(self, api: str, cause: str) -> None:
        """A call is retried."""

    def retry_refused(self, api: str) -> None:
        """A call was not retried because the retry budget is spent."""

    def shed(self, api: str) -> None:
        """A call was rejected because no slot became free in time."""

    def breaker_changed(self, api: str, state: str) -> None:
        """The breaker is now `closed`, `open` or `half_open`."""

    def limit_changed(self, limit: int) -> None:
        """The limit of concurrent calls has changed."""


@dataclass(frozen=True)
class Shared:
    """What the guards of one upstream share."""

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
    """The state of one call."""

    ends: float
    attempts: int = 0
    failed: bool | None = None
    """Whether the latest attempt failed through the upstream's fault; None if unknown."""


class Guard(Generic[K, V]):
    """Calls one API of an upstream.

    Args:
        api: its name, for logs and metrics.
        fetch: makes one attempt, given the key, a time limit in seconds, and the attempt's number from 1.
        policy_of: the policy for the failure of an attempt.
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
        """Look a key up; returns a future of the caller's own.

        Cancelling the future leaves the look-up, which ends when nobody waits for it. It fails with
        `CircuitOpenError` when the breaker is open, with `NoSlotError` when there are too many calls, with
        `AbandonedError` when the process shuts down, and otherwise with what the last attempt raised.

        Args:
            key: what to look up.
            stats: counts the calls.
        """
        waiter = self._flights.join(key)
        if waiter is None:
            return self._flights.begin(key, self._call(key, stats))
        stats.joined += 1
        self._shared.observer.joined(self._api)
        return waiter

    async def aclose(self) -> None:
        """Cancel the calls in progress."""
        await self._flights.aclose()

    async def _call(self, key: K, stats: CallStats) -> V:
        """Make the shared call: one attempt, or more while the failures are transient."""
        shared, generation = self._shared, self._breaker.admit()
        shared.budget.deposit()
        # A probe is not retried.
        attempts = 1 if self._breaker.state is State.HALF_OPEN else shared.retries.attempts
        call = _Call(shared.clock() + shared.rules.total)
        failure: Exception | None = None
        try:
            while True:
                try:
                    return await self._attempt(key, stats, call)
                except NoSlotError:
                    # If a retry gets no slot, the upstream's failure is the one to report.
                    raise failure or NoSlotError from None
                except Exception as error:
                    backoff = self._backoff(call, error) if call.attempts < attempts else None
                    if backoff is None:
                        raise
                    failure = error
                await shared.sleep(backoff)
        finally:
            self._breaker.settle(generation, failed=call.failed)

    def _backoff(self, call: _Call, error: Exception) -> float | None:
        """Seconds to wait before retrying a failed attempt; None for no retry."""
        shared, rules, policy = self._shared, self._shared.retries, self._policy_of(error)
        if not policy.retry:
            return None
        # Full jitter, so that gateways do not all retry at the same moment.
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
            # Nobody waits any more. Short client timeouts must not mask an unresponsive upstream.
            if shared.clock() - asked_at >= _FAILED_AFTER_SHARE * rules.attempt:
                call.failed = lost = True
            raise
        finally:
            shared.slots.release(lost=lost)
        return value
