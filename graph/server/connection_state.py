"""What a connection waits for, and how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from graph.server.limits import HttpLimits

# For a client to read why it was refused: closing while it still sends would take the answer back.
_LINGER_SECONDS: Final = 1.0
# From one look whether a client is gone that has ended its side to the next.
_PROBE_SECONDS: Final = 0.05


# Plain numbers: with Python 3.11, to name a member of an Enum costs as much as to call a function.
class Part:
    """Where in a request the parser is."""

    NOTHING: Final = 0
    HEAD: Final = 1
    BODY: Final = 2


class Phase:
    """What a connection waits for."""

    NEW: Final = 0
    """Not known yet."""
    HEAD: Final = 1
    BODY: Final = 2
    ANSWER: Final = 3
    """The app; its own deadline is elsewhere."""
    WRITE: Final = 4
    """The client, to read its answer; uvicorn waits for ever, and so does `close` of a transport."""
    FLUSH: Final = 5
    """As WRITE, for the end of an answer, of which the transport does not tell."""
    IDLE: Final = 6
    """A further request."""
    LINGER: Final = 7
    """The client, to end the connection after a refusal."""
    PROBE: Final = 8
    """As ANSWER, for a client that has ended its side and may be gone."""


def patience(limits: HttpLimits) -> tuple[float, ...]:
    """How many seconds to wait in each phase."""
    flush = min(limits.write_timeout, limits.keepalive)
    seconds = {
        Phase.HEAD: limits.header_timeout,
        Phase.BODY: limits.body_timeout,
        Phase.FLUSH: flush,
        Phase.IDLE: limits.keepalive - flush,
        Phase.LINGER: _LINGER_SECONDS,
        Phase.PROBE: _PROBE_SECONDS,
    }
    return tuple(seconds.get(phase, limits.write_timeout) for phase in range(Phase.PROBE + 1))
