"""Decides which refusals made before execution are written to the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.security.audit import AuditEvent

# Per minute.
_SECONDS: Final = 60.0
_PER_SOURCE: Final = 10
_IN_TOTAL: Final = 300
_SOURCES: Final = 1_000
_IPV6_NETWORK: Final = 64

_SourceKey: TypeAlias = "tuple[str, str | None, str | None]"
"""A network, and the viewer's kind and id, if there are valid credentials."""


@dataclass(slots=True)
class _Source:
    since: float
    written: int = 0
    left_out: int = 0
    last: AuditEvent | None = None
    """The last one that was left out."""


class RefusalSampler:
    """Decides which refusals are written, so that they cannot fill the log.

    Per minute, 10 of each viewer at each address are written; of callers without valid credentials, 10 of each
    address and 300 in total. Omitted refusals are counted, and the next line of the same source, or a last one,
    states their number. Metrics count everything.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Apart, so that callers without credentials cannot displace viewers.
        self._viewers: LRUCache[_SourceKey, _Source] = LRUCache(_SOURCES)
        self._strangers: LRUCache[_SourceKey, _Source] = LRUCache(_SOURCES)
        self._all = _Source(clock())

    def drain(self) -> list[AuditEvent]:
        """Start over, as for a new file.

        Returns:
            The last omitted refusal of each source, with the number of those that were omitted before it.
        """
        rest = [
            source.last._replace(left_out=source.left_out - 1)
            for sources in (self._viewers, self._strangers)
            for source in sources.values()
            if source.left_out and source.last is not None
        ]
        self._viewers.clear()
        self._strangers.clear()
        self._all = _Source(self._clock())
        return rest

    def admit(self, event: AuditEvent) -> AuditEvent | None:
        """Decide about a refusal.

        Returns:
            None to omit it; otherwise the event, with the number of those of its source that were omitted before.
        """
        now = self._clock()
        is_stranger = event.viewer_id is None
        if now - self._all.since >= _SECONDS:
            self._all = _Source(now)
        key = (_network_of(event.address), event.viewer_kind, event.viewer_id)
        sources = self._strangers if is_stranger else self._viewers
        source = sources.get(key)
        if source is None:
            source = sources[key] = _Source(now)
        elif now - source.since >= _SECONDS:
            source.since, source.written = now, 0
        if source.written >= _PER_SOURCE or (is_stranger and self._all.written >= _IN_TOTAL):
            source.left_out += 1
            source.last = event
            return None
        source.written += 1
        self._all.written += is_stranger
        left_out, source.left_out = source.left_out, 0
        return event._replace(left_out=left_out)


def _network_of(address: str) -> str:
    """What one caller usually controls: a single IPv4 address, or a whole IPv6 network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed.packed, _IPV6_NETWORK), strict=False))
    return address
