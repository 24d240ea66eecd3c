"""What a turn of the event loop has ready goes out at its end: the lines of the logs first, then the answers.

A busy turn ends dozens of requests. Their lines in one write cost little more than a single one. And whoever reads
the answers is woken up once when they go out one right after the other, but anew for each of them when a tenth of
a millisecond of other work lies between them. Both together are a tenth of a request.

The order is kept: no answer to an operation goes out before the lines that were written until then, such as the
one that says who has read what. A process that is killed within a turn has sent neither, or lines without their
answers.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_LOGGER: Final = logging.getLogger(__name__)
_NOBODY: Final = 0


class Outbox:
    """Releases what is held back in a turn of one event loop. Until it is open, nothing is held back."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = _NOBODY
        self._lines: list[Callable[[], None]] = []
        self._answers: list[Callable[[], None]] = []
        self._waits = False

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hold back from now on what comes from this thread, in which the loop runs."""
        self._loop = loop
        self._thread = threading.get_ident()

    def close(self) -> None:
        """Release everything, and hold back nothing more."""
        self._thread = _NOBODY
        self._loop = None
        self.release()

    def is_here(self) -> bool:
        """Whether it holds back what is made here. Threads write lines, too, which cannot wait for its loop."""
        return threading.get_ident() == self._thread

    def hold_lines(self, release: Callable[[], None]) -> None:
        """Call this at the end of the turn, before all answers; at once, where nothing is held back."""
        self._hold(self._lines, release)

    def hold_answer(self, release: Callable[[], None]) -> None:
        """Call this at the end of the turn, after all lines; at once, where nothing is held back."""
        self._hold(self._answers, release)

    def later(self, seconds: float, call: Callable[[], None]) -> bool:
        """Call this in a while; whether that is possible here."""
        if self._loop is None or not self.is_here():
            return False
        self._loop.call_later(seconds, call)
        return True

    def release(self) -> None:
        """Let everything go. An answer that cannot be sent must not keep the others here."""
        self._waits = False
        lines, self._lines = self._lines, []
        answers, self._answers = self._answers, []
        for release in lines:
            # What is lost here is lost as other lines are, without a line about it: that could be lost for ever.
            with contextlib.suppress(Exception):
                release()
        for release in answers:
            try:
                release()
            except Exception:
                _LOGGER.exception("something could not be sent")

    def _hold(self, held: list[Callable[[], None]], release: Callable[[], None]) -> None:
        if self._loop is None or not self.is_here():
            release()
            return
        held.append(release)
        if not self._waits:
            self._waits = True
            self._loop.call_soon(self.release)
