"""Decides which refusals of unauthenticated callers the audit log has."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable

# Per minute.
_SECONDS: Final = 60.0
_PER_SOURCE: Final = 10
_IN_TOTAL: Final = 300
_SOURCES: Final = 1_000
_IPV6_NETWORK: Final = 64


@dataclass(slots=True)
class _Source:
    since: float
    written: int = 0
    left_out: int = 0


class RefusalSampler:
    """Decides which refusals of unauthenticated callers are written, so that they cannot fill the log.

    Per minute, 10 of each source and 300 in total are written. Omitted refusals are counted, and the next line of
    the same source states their number. Metrics count everything.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sources: LRUCache[str, _Source] = LRUCache(_SOURCES)
        self._all = _Source(clock())

    def forget(self) -> None:
        """Start over, as for a new file."""
        self._sources.clear()
        self._all = _Source(self._clock())

    def admit(self, address: str) -> int | None:
        """Decide about a refusal of an address.

        Returns:
            None to omit it; otherwise the number of refusals of its source that were omitted before it.
        """
        now = self._clock()
        if now - self._all.since >= _SECONDS:
            self._all = _Source(now)
        network = _network_of(address)
        source = self._sources.get(network)
        if source is None:
            source = self._sources[network] = _Source(now)
        elif now - source.since >= _SECONDS:
            source.since, source.written = now, 0
        if source.written >= _PER_SOURCE or self._all.written >= _IN_TOTAL:
            source.left_out += 1
            return None
        source.written += 1
        self._all.written += 1
        left_out, source.left_out = source.left_out, 0
        return left_out


def _network_of(address: str) -> str:
    """What one caller usually controls: a single IPv4 address, or a whole IPv6 network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed.packed, _IPV6_NETWORK), strict=False))
    return address
