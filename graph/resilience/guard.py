"""What stands between a request and one API of the upstream, in this order.

1. Single flight: those who ask for the same thing at the same time share one call. They take no slot.
2. Breaker: an API that fails is left alone for a while.
3. Retries: once more, for what may pass, within a budget.
4. Slot and time limit: for each attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from graph.resilience.breaker import Outcome
from graph.resilience.retries import RetryRules
from graph.resilience.single_flight import SingleFlight
from graph.resilience.slots import NoSlotError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graph.resilience.breaker import Breaker
    from graph.resilience.retries import RetryBudget
    from graph.resilience.slots import Slots

# How much of an attempt's time must have passed for nothing.
_GOOD_PART: Final = 0.5

K = TypeVar("K")
V = TypeVar("V")


class GuardObserver(Protocol):
    """Told of what the guard does; made for logs and metrics, free of secrets. `api` names the guarded API."""

    def joined(self, api: str) -> None:
        """A look-up shares a call that was under way."""
        ...

    def retried(self, api: str, cause: str) -> None:
        """A call is tried again."""
        ...

    def retry_refused(self, api: str) -> None:
        """A call would have been tried again, but the budget is spent."""
        ...

    def breaker_changed(self, api: str, state: str) -> None:
        """The breaker is `closed`, `open` or `half_open` now."""
        ...

    def limit_changed(self, limit: int) -> None:
        """So many calls may be under way now."""
        ...

    def shed(self, api: str) -> None:
        """A call was given up because no slot became free in time."""
        ...


class SilentObserver:
    """An observer that does nothing."""

    def joined(self, api: str) -> None:
        """Do nothing."""

    def retried(self, api: str, cause: str) -> None:
        """Do nothing."""

    def retry_refused(self, api: str) -> None:
        """Do nothing."""

    def breaker_changed(self, api: str, state: str) -> None:
        """Do nothing."""

    def limit_changed(self, limit: int) -> None:
        """Do nothing."""

    def shed(self, api: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
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
class Tally:
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
    tally: Tally
    ends: float
    asked_at: float | None = None
    """When its latest attempt reached the upstream."""


class Guard(Generic[K, V]):
    """Calls one API of an upstream.

    Args:
        api: its name, for logs and metrics.
        fetch: one attempt: what is asked for, the seconds that it may take, and which attempt it is, from 1.
        judge: says what the failure of an attempt means.
        breaker: the API's breaker.
        shared: see `Shared`.
    """

    def __init__(
        self,
        api: str,
        fetch: Callable[[K, float, int], Awaitable[V]],
        judge: Callable[[Exception], Verdict],
        breaker: Breaker,
        shared: Shared,
    ) -> None:
        self._api = api
        self._fetch = fetch
        self._judge = judge
        self._breaker = breaker
        self._shared = shared
        self._flights: SingleFlight[K, V] = SingleFlight()

    async def call(self, key: K, tally: Tally) -> V:
        """Look one thing up.

        Args:
            key: what to look up.
            tally: counts what it cost.

        Raises:
            CircuitOpenError: when the API is left alone for now.
            NoSlotError: when there are too many calls.
            Exception: what the last attempt raised.
        """

        def join() -> None:
            tally.joined += 1
            self._shared.observer.joined(self._api)

        return await self._flights.run(key, lambda: self._through_breaker(key, tally), join)

    async def aclose(self) -> None:
        """Cancel the calls that are under way."""
        await self._flights.aclose()

    async def _through_breaker(self, key: K, tally: Tally) -> V:
        permit = self._breaker.admit()
        outcome = Outcome.NOTHING
        call = _Call(key, tally, self._shared.clock() + self._shared.rules.total)
        try:
            # A probe asks whether the upstream is well, and asks once.
            value = await self._with_retries(call, 1 if permit.probe else self._shared.retries.attempts)
            outcome = Outcome.ANSWERED
        except NoSlotError:
            raise
        except Exception as error:
            outcome = Outcome.FAILED if self._judge(error).failed else Outcome.ANSWERED
            raise
        except asyncio.CancelledError:
            if self._asked_in_vain(call):
                outcome = Outcome.FAILED
            raise
        finally:
            self._breaker.settle(permit, outcome)
        return value

    def _asked_in_vain(self, call: _Call[K]) -> bool:
        """Whether everybody left a call whose attempt had had its time to be answered, or a good part of it.

        Else callers with little patience would hide from breaker and slots that an upstream is silent. Those with
        next to none tell nothing about it.
        """
        waited = 0.0 if call.asked_at is None else self._shared.clock() - call.asked_at
        return waited >= _GOOD_PART * self._shared.rules.attempt

    async def _with_retries(self, call: _Call[K], attempts: int) -> V:
        self._shared.budget.deposit()
        failure: Exception | None = None
        number = 0
        while True:
            number += 1
            try:
                return await self._attempt(call, number)
            except NoSlotError:
                if failure is None:
                    raise
                # What failed is the upstream, not the place in the queue.
                raise failure from None
            except Exception as error:
                pause = self._pause(self._judge(error), call.ends) if number < attempts else None
                if pause is None:
                    raise
                failure = error
            await self._shared.sleep(pause)

    def _pause(self, verdict: Verdict, ends: float) -> float | None:
        """How long to wait before the next attempt; None when there shall be none."""
        if not verdict.retry:
            return None
        shared, rules = self._shared, self._shared.retries
        pause = rules.pause_from + (rules.pause_to - rules.pause_from) * shared.random() if verdict.pause else 0.0
        pause = max(pause, verdict.retry_after or 0.0)
        if shared.clock() + pause >= ends:
            return None
        if not shared.budget.withdraw():
            shared.observer.retry_refused(self._api)
            return None
        shared.observer.retried(self._api, verdict.cause)
        return pause

    async def _attempt(self, call: _Call[K], number: int) -> V:
        shared, rules = self._shared, self._shared.rules
        try:
            await shared.slots.take(min(rules.slot_wait, call.ends - shared.clock()))
        except NoSlotError:
            shared.observer.shed(self._api)
            raise
        lost: bool | None = None
        try:
            call.tally.attempts += 1
            call.asked_at = shared.clock()
            value = await self._fetch(call.key, min(rules.attempt, call.ends - call.asked_at), number)
            lost = False
        except Exception as error:
            lost = self._judge(error).lost
            raise
        except asyncio.CancelledError:
            lost = self._asked_in_vain(call) or None
            raise
        finally:
            shared.slots.release(lost=lost)
        return value
