"""Clocks and random numbers under a test's control."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

Ts = TypeVarTuple("Ts")


class Clock:
    """Monotonic seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass and other tasks run."""
        self.now += seconds
        await asyncio.sleep(0)


class HandTimedLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes and whose timers fire when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__()
        self.timers: list[asyncio.TimerHandle] = []
        self._rings: list[Callable[[], object]] = []

    def time(self) -> float:
        """Tell the test's time."""
        return self.now

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Remember a timer."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self.timers.append(timer)
        self._rings.append(lambda: callback(*args))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, and fire each timer at its own moment."""
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.when() <= end and not timer.cancelled()]:
            timer = min(due, key=asyncio.TimerHandle.when)
            ring = self._rings[self.timers.index(timer)]
            self.now = max(self.now, timer.when())
            timer.cancel()
            ring()
        self.now = end

    def ring(self) -> None:
        """Fire every timer that was not cancelled."""
        for timer, ring in zip(self.timers, self._rings, strict=True):
            if not timer.cancelled():
                ring()
