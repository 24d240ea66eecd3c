"""When exchanges must be over: one timer for all connections of a pool."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from graph.konaplate.transport.connection import Connection

# An event loop may be early by so much: uvloop counts whole milliseconds.
_EARLY: Final = 0.002


class Deadlines:
    """Ends the exchanges that take too long.

    A timer for each exchange would nearly always be cancelled unused. This one stays, looks at the connections
    when the earliest deadline passes that there was, and is set to the next.

    Args:
        connections: those to look at; it may change.
    """

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None
        self._rings = math.inf

    def set(self, connection: Connection, ends: float) -> None:
        """Let the exchange that a connection begins now end at `ends`, by the event loop's clock."""
        connection.ends = ends
        if ends < self._rings:
            self._ring_at(ends)

    def close(self) -> None:
        """End no more exchanges."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring_at(self, ends: float) -> None:
        self.close()
        self._rings = ends
        self._timer = asyncio.get_running_loop().call_at(ends, self._ring)

    def _ring(self) -> None:
        due = asyncio.get_running_loop().time() + _EARLY
        self._timer, self._rings = None, math.inf
        for connection in [each for each in self._connections if each.asked and each.ends <= due]:
            connection.expire()
        following = min((each.ends for each in self._connections if each.asked), default=math.inf)
        if following < math.inf:
            self._ring_at(following)
