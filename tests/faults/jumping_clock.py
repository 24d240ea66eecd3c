"""An event loop on real sockets whose clock jumps over waiting.

Time stands still while anything runs, and jumps to the next timer once all sockets are quiet. So a test
waits a minute in a moment, and measures only what the code waited for, even on a busy machine.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from typing import TYPE_CHECKING, Any, Final, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

P = ParamSpec("P")

_QUIET: Final = 0.01
"""Real seconds without an event after which nothing is in transit; the loopback device takes far less."""
_HANGS: Final = 30.0
"""Real seconds after which a test without a timer is stuck."""


class _Patient(selectors.DefaultSelector):
    """Waits for events without letting time pass; lets it pass if there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            events = super().select(_HANGS)
            if not events:
                raise TimeoutError("nothing will ever happen")
            return events
        events = super().select(_QUIET if timeout > 0 else 0)
        if not events:
            self.now += timeout
        return events


class JumpingLoop(asyncio.SelectorEventLoop):
    """The event loop. Nothing in it may wait for another thread or process."""

    def __init__(self) -> None:
        self._patient = _Patient()
        super().__init__(self._patient)

    def time(self) -> float:
        """Seconds that were waited for since the loop was made."""
        return self._patient.now


def jumping(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on such a loop."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
