"""What one HTTP connection may take: bytes, header fields and time."""

from __future__ import annotations

from dataclasses import dataclass


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
