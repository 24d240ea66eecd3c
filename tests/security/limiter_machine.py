"""Random uses of a limiter, each compared with the model. All limiters run the same machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from graph.security.limiter import Bucket, Window
from tests.security.limiter_model import LimiterModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.limiter import Limiter

UNIT_MS = 64_000
"""Time passes in this step, so that a whole example on a real clock takes much less than one. A power of two of
seconds, so that a bucket's numbers are exact."""

machine_settings = settings(stateful_step_count=40)

# Mostly one key, because much happens only after repeated use of the same key.
_KEYS = st.sampled_from(["a", "a", "a", "b"])
_ITEMS = st.lists(st.sampled_from("pqrstu"), max_size=4)


class LimiterMachine(RuleBasedStateMachine):
    """Takes from buckets and gives back, adds to windows, lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = LimiterModel()
        self.limiter: Limiter = self.new_limiter()

    def new_limiter(self) -> Limiter:
        """The limiter under test, empty."""
        raise NotImplementedError

    def let_pass(self, milliseconds: int) -> None:
        """Let time pass for the limiter under test."""
        raise NotImplementedError

    def late_by(self) -> int:
        """At most so many milliseconds have passed that the model knows nothing of."""
        return 0

    def teardown(self) -> None:
        self.runner.close()

    @initialize(
        rate=st.integers(1, 2),
        burst=st.integers(1, 8),
        lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True),
        limits=st.tuples(*[st.integers(1, 4)] * 3),
    )
    def choose(self, rate: int, burst: int, lengths: list[int], limits: tuple[int, int, int]) -> None:
        self.bucket = Bucket(rate * 1000 / UNIT_MS, burst)
        self.windows: Sequence[Window] = [
            Window(length * UNIT_MS / 1000, limit) for length, limit in zip(lengths, limits, strict=False)
        ]

    @rule(key=_KEYS, amount=st.integers(1, 9) | st.integers(-9, -1))
    def take(self, key: str, amount: int) -> None:
        taken = self.runner.run(self.limiter.take(key, self.bucket, amount))
        expected = self.model.take(key, self.bucket, amount)
        late = self.late_by()
        assert taken.allowed == expected.allowed
        assert taken.remaining <= self.bucket.burst
        assert 0 <= taken.remaining - expected.remaining <= late * self.bucket.rate / 1000
        assert_wait(taken.retry_after_ms, expected.retry_after_ms, late)

    @rule(key=_KEYS, items=_ITEMS)
    def add(self, key: str, items: list[str]) -> None:
        waits = self.runner.run(self.limiter.add(key, self.windows, items))
        expected = self.model.add(key, self.windows, items)
        assert len(waits) == len(expected)
        late = self.late_by()
        for wait, expected_wait in zip(waits, expected, strict=True):
            assert_wait(wait, expected_wait, late)

    @rule(units=st.integers(1, 4))
    def wait(self, units: int) -> None:
        self.let_pass(units * UNIT_MS)
        self.model.now += units * UNIT_MS


def assert_wait(wait: int, expected: int, late: int) -> None:
    """A wait equals the model's, minus the time passed since, and is 0 only if the model's is."""
    if expected == 0:
        assert wait == 0
    else:
        assert max(1, expected - late) <= wait <= expected
