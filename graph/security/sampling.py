"""Keeps those who are not let in from filling the audit log: a few of their refusals each minute are enough.

What is left out is counted, and the next line of that source says how much it was. Metrics count everything.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS: Final = 60.0
_OF_ONE_SOURCE: Final = 10
_OF_ALL: Final = 300
_SOURCES: Final = 1_000
_IPV6_NETWORK: Final = 64


class _Source:
    __slots__ = ("left_out", "since", "written")

    def __init__(self, since: float) -> None:
        self.since = since
        self.written = 0
        self.left_out = 0


class RefusalSampler:
    """Decides which refusals of callers without valid credentials are written.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sources: LRUCache[str, _Source] = LRUCache(_SOURCES)
        self._all = _Source(clock())

    def forget(self) -> None:
        """Begin anew, as in a new file."""
        self._sources.clear()
        self._all = _Source(self._clock())

    def admit(self, address: str) -> int | None:
        """Whether to write the refusal of an address: how many of its source were left out before it, or None."""
        now = self._clock()
        if now - self._all.since >= _SECONDS:
            self._all = _Source(now)
        network = _network_of(address)
        source = self._sources.get(network)
        if source is None:
            source = self._sources[network] = _Source(now)
        elif now - source.since >= _SECONDS:
            source.since, source.written = now, 0
        if source.written >= _OF_ONE_SOURCE or self._all.written >= _OF_ALL:
            source.left_out += 1
            return None
        source.written += 1
        self._all.written += 1
        left_out, source.left_out = source.left_out, 0
        return left_out


def _network_of(address: str) -> str:
    """What one caller has: an address of IPv4, but a whole network of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed.packed, _IPV6_NETWORK), strict=False))
    return address
