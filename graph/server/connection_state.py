"""What a connection waits for, and how long."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.server.limits import HttpLimits

# For a client to read why it was rejected: closing while it still sends would take the answer back.
_LINGER_SECONDS: Final = 1.0
# From one look whether a client is gone that has ended its side to the next.
_PROBE_SECONDS: Final = 0.05


class RequestPart(Enum):
    """Where in a request the parser is."""

    NONE = auto()
    HEAD = auto()
    BODY = auto()


class ConnectionState(Enum):
    """What a connection waits for."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """The app; its own deadline is elsewhere."""
    WRITE = auto()
    """The client, to read its answer; uvicorn waits for ever, and so does `close` of a transport."""
    FLUSH = auto()
    """As WRITE, for the end of an answer, of which the transport does not tell."""
    IDLE = auto()
    """A further request."""
    LINGER = auto()
    """The client, to end the connection after a rejection."""
    PROBE = auto()
    """As ANSWER, for a client that has ended its side and may be gone."""


def timeouts(limits: HttpLimits) -> Mapping[ConnectionState, float]:
    """How many seconds to wait in each state."""
    flush = min(limits.write_timeout, limits.keepalive)
    return {
        ConnectionState.HEAD: limits.header_timeout,
        ConnectionState.BODY: limits.body_timeout,
        ConnectionState.ANSWER: limits.write_timeout,
        ConnectionState.WRITE: limits.write_timeout,
        ConnectionState.FLUSH: flush,
        ConnectionState.IDLE: limits.keepalive - flush,
        ConnectionState.LINGER: _LINGER_SECONDS,
        ConnectionState.PROBE: _PROBE_SECONDS,
    }
