"""One timer for all deadlines of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# uvloop counts milliseconds, so that a timer may ring a little before its time.
_TICK: Final = 0.001


class Alarm:
    """Rings once, at the time that was set last.

    A deadline moves with every request, and mostly to a later time. Instead of a new timer each time, the one that
    runs rings at its old time, sees that it is too early, and is set anew.

    Args:
        loop: the event loop.
        ring: called when the time has come.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_rings = 0.0

    def set(self, seconds: float) -> None:
        """Ring in so many seconds, and not at the time that was set before."""
        self._due = self._loop.time() + seconds
        if self._timer is None or self._due < self._timer_rings:
            self._start()

    def cancel(self) -> None:
        """Never ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self.cancel()
        self._timer_rings = self._due
        self._timer = self._loop.call_at(self._due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._loop.time() + _TICK < self._due:
            self._start()
        else:
            self._ring()
