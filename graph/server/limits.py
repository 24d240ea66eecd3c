"""The limits of one HTTP connection: bytes, header fields and time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Time for a client to read a rejection: closing while it still sends would discard the response.
_LINGER_SECONDS: Final = 1.0
# Between two probes whether a client that has closed its sending side is gone.
_PROBE_SECONDS: Final = 0.05


class ConnectionState(IntEnum):
    """What a connection waits for. An IntEnum, because other enums are hashed in Python."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """The app, which has a deadline of its own."""
    WRITE = auto()
    """The client, to read its response; uvicorn and a transport's `close` wait forever."""
    FLUSH = auto()
    """Like WRITE, for the end of a response, which the transport does not report."""
    IDLE = auto()
    """Another request."""
    LINGER = auto()
    """The client, to close the connection after a rejection."""
    PROBE = auto()
    """Like ANSWER, for a client that has closed its sending side and may be gone."""


@dataclass(frozen=True)
class HttpLimits:
    """The limits of a connection. Times are in seconds."""

    # Room for cookies and a large token. A usual head and body fit into a few packets, so that 5 s are enough for
    # a phone, and a slow attacker holds no connection for longer.
    header_bytes: int = 32 * 1024
    """All header fields of a request, or all trailer fields, with their separators."""
    headers: int = 100
    url_bytes: int = 4 * 1024
    """A GET by hash or id, with `extensions`, has a few hundred."""
    header_timeout: float = 5.0
    """For a request's head: the first from the accept on, later ones from their first byte."""
    body_timeout: float = 5.0
    """For a request's body, from the end of its head."""
    write_timeout: float = 5.0
    """For a client that has stopped reading its response."""
    keepalive: float = 75.0
    """For a connection without a request."""
    allowed_hosts: frozenset[bytes] = frozenset()
    """In the form of `Authority.text`; one without a port allows every port. Empty: any valid name."""
    fixed_hosts: bool = False
    """Whether to serve only the allowed hosts, IP addresses and localhost. Without credentials, a web page could
    otherwise point its own name at this machine (DNS rebinding)."""

    def timeouts(self) -> Mapping[ConnectionState, float]:
        """Seconds that a connection waits in each state."""
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
