"""Single flight as a state machine: random waiters of three keys join, leave and are answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from graph.resilience.single_flight import AbandonedError, SingleFlight
from tests.tools import settle

KEYS = st.sampled_from("abc")


@dataclass
class Call:
    """One call, and who should be waiting for it."""

    result: asyncio.Future[str]
    waiters: list[asyncio.Future[str]] = field(default_factory=list)
    cancelled: bool = False


class FlightMachine(RuleBasedStateMachine):
    """At any time there is at most one call for a key, and it lives as long as somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.flights: SingleFlight[str, str] = SingleFlight()
        self.started: list[Call] = []
        self.expected: dict[str, Call] = {}
        self.joins = self.expected_joins = 0

    def teardown(self) -> None:
        self.runner.run(self.flights.aclose())
        self.runner.run(settle())
        left = [waiter for call in self.expected.values() for waiter in call.waiters]
        assert all(isinstance(waiter.exception(), AbandonedError) for waiter in left)
        assert all(call.cancelled for call in self.expected.values())
        self.runner.close()

    async def call(self) -> str:
        call = Call(asyncio.get_running_loop().create_future())
        self.started.append(call)
        try:
            return await call.result
        except asyncio.CancelledError:
            call.cancelled = True
            raise

    def ask(self, key: str) -> asyncio.Future[str]:
        waiter = self.flights.join(key)
        if waiter is None:
            return self.flights.begin(key, self.call())
        self.joins += 1
        return waiter

    @rule(key=KEYS)
    def come(self, key: str) -> None:
        async def come() -> asyncio.Future[str]:
            waiter = self.ask(key)
            await settle()
            return waiter

        before = len(self.started)
        waiter = self.runner.run(come())
        if key in self.expected:
            assert before == len(self.started)
            self.expected_joins += 1
        else:
            assert before + 1 == len(self.started)
            self.expected[key] = self.started[-1]
        self.expected[key].waiters.append(waiter)

    @rule(key=KEYS, which=st.integers(0, 100))
    def leave(self, key: str, which: int) -> None:
        call = self.expected.get(key)
        if call is None:
            return
        waiter = call.waiters.pop(which % len(call.waiters))
        waiter.cancel()
        self.runner.run(settle())
        assert waiter.cancelled()
        if not call.waiters:
            assert call.cancelled
            del self.expected[key]

    @rule(key=KEYS, fails=st.booleans())
    def end(self, key: str, *, fails: bool) -> None:
        call = self.expected.pop(key, None)
        if call is None:
            return
        if fails:
            call.result.set_exception(LookupError(key))
        else:
            call.result.set_result(key)
        self.runner.run(settle())
        assert all(waiter.done() and not waiter.cancelled() for waiter in call.waiters)
        assert [fails] * len(call.waiters) == [waiter.exception() is not None for waiter in call.waiters]

    @invariant()
    def agrees(self) -> None:
        assert len(self.expected) == len(self.flights)
        assert self.expected_joins == self.joins
        assert not any(call.cancelled for call in self.expected.values())


TestFlightStates = FlightMachine.TestCase
TestFlightStates.settings = settings(stateful_step_count=40)
