"""What one HTTP connection may take: bytes, header fields and time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# For a client to read why it was rejected: closing while it still sends would take the answer back.
_LINGER_SECONDS: Final = 1.0
# From one look whether a client is gone that has ended its side to the next.
_PROBE_SECONDS: Final = 0.05


class ConnectionState(IntEnum):
    """What a connection waits for. Numbers: the hash of another Enum is a function of Python's."""

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


@dataclass(frozen=True)
class HttpLimits:
    """Bounds of a connection; the defaults are those of the settings. Times are seconds."""

    header_bytes: int = 32 * 1024
    """All header fields of a request, or all trailer fields, with their separators."""
    headers: int = 100
    url_bytes: int = 4 * 1024
    header_timeout: float = 5.0
    """For a request's head: the first one from the accept on, a further one from its first byte."""
    body_timeout: float = 5.0
    """For a request's body, from the end of its head."""
    write_timeout: float = 5.0
    """For a client that has stopped to read its answer."""
    keepalive: float = 75.0
    """For a connection without a request."""
    allowed_hosts: frozenset[bytes] = frozenset()
    """As `Authority.text` writes them; one without a port stands for every port. Empty: any valid name."""
    fixed_hosts: bool = False
    """Whether only the allowed hosts, addresses and names of this machine are served. Where nobody is asked for
    credentials, a page could else make its own name mean this machine (DNS rebinding)."""

    def timeouts(self) -> Mapping[ConnectionState, float]:
        """How many seconds a connection waits in each state."""
        flush = min(self.write_timeout, self.keepalive)
        return {
            **dict.fromkeys(ConnectionState, self.write_timeout),
            ConnectionState.HEAD: self.header_timeout,
            ConnectionState.BODY: self.body_timeout,
            ConnectionState.FLUSH: flush,
            ConnectionState.IDLE: self.keepalive - flush,
            ConnectionState.LINGER: _LINGER_SECONDS,
            ConnectionState.PROBE: _PROBE_SECONDS,
        }
