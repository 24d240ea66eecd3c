"""Audits which viewer read whose personal data, and what was refused.

The Korean notice on safety measures for personal data (Article 8) requires the viewer, time, address, data subject
and action. Cards and members appear by keyed reference only, never by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from cachetools import LRUCache

from graph.security.errors import AuditUnavailableError, ForbiddenError
from schema.errors import ErrorCode
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from graph.security.authorization import Viewer
    from graph.security.card_refs import CardRefs, Subject

# Sampling of refusals, per minute.
_SECONDS: Final = 60.0
_PER_SOURCE: Final = 10
_IN_TOTAL: Final = 300
_SOURCES: Final = 1_000
_IPV6_NETWORK: Final = 64


class Caller(NamedTuple):
    """Who sends a request, and how it is told from others."""

    viewer: Viewer
    address: str
    request_id: str
    clients: tuple[str, ...] = ()
    """The clients that have its document in their manifests."""


class AuditEvent(NamedTuple):
    """One line of the audit log."""

    action: Literal["read", "refused"]
    request_id: str
    address: str
    viewer_kind: str | None = None
    viewer_id: str | None = None
    card_ref: str | None = None
    fields: tuple[str, ...] = ()
    """The schema's names of the personal fields that were read or refused."""
    code: str | None = None
    """Of a refusal: the code that the client saw."""
    reason: str | None = None
    """Of a refusal: the exact reason, a constant of this code base."""
    left_out: int = 0
    """How many events like it were omitted before it."""
    member_ref: str | None = None
    """The member whose data it was, unless a card led there."""
    clients: tuple[str, ...] = ()
    """The clients that have the document in their manifests."""


class Recorder(Protocol):
    """Records audit events."""

    @property
    def available(self) -> bool:
        """Whether events can be recorded, as far as is known."""
        ...

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Record events; returns whether they were."""
        ...


class RequestAudit:
    """Collects what one request reads, and records it before the response is sent."""

    __slots__ = ("_caller", "_known", "_off_record", "_read", "_recorder", "_refs", "_refusals", "_withheld")

    def __init__(self, caller: Caller, refs: CardRefs, recorder: Recorder) -> None:
        self._caller = caller
        self._refs = refs
        self._known: dict[Subject, str] = {}
        self._recorder = recorder
        self._off_record = False
        # Dictionaries, to keep subjects and fields in order.
        self._read: dict[Subject | None, dict[str, None]] = {}
        self._withheld: dict[Subject | None, dict[str, None]] = {}
        self._refusals: set[tuple[str, Subject | None]] = set()

    def ref_of(self, subject: Subject) -> str:
        """The reference of a card or member, computed once in a request."""
        ref = self._known.get(subject)
        if ref is None:
            ref = self._known[subject] = self._refs.of(subject)
        return ref

    def note(self, subject: Subject | None, name: str) -> Exception | None:
        """Note that a personal field was read; returns the field's error if that cannot be recorded.

        Args:
            subject: the card that led to it, or the member if none did.
            name: the field's name.
        """
        if self._off_record or not self._recorder.available:
            return AuditUnavailableError()
        self._read.setdefault(subject, {})[name] = None
        return None

    def withhold(self, subject: Subject | None, name: str, scope: str) -> Exception:
        """Note that a personal field was requested without its scope; returns the field's error."""
        self._withheld.setdefault(subject, {})[name] = None
        return ForbiddenError(scope)

    def record_refusal(self, code: str, subject: Subject | None) -> None:
        """Record a refusal, once per subject however many aliases and lists name it."""
        if (code, subject) not in self._refusals:
            self._refusals.add((code, subject))
            self._recorder.record((self._event("refused", subject, (), code),))

    def withdraw(self) -> None:
        """Forget what was read: nothing of it is returned."""
        self._read.clear()

    def settle(self) -> bool:
        """Record what was read. If that fails, the request can read no personal data.

        Returns:
            Whether the response may contain what was read.
        """
        if not self._read:
            return True
        events = [self._event("read", subject, fields) for subject, fields in self._read.items()]
        self._read.clear()
        self._off_record = not self._recorder.record(events)
        return not self._off_record

    def close(self) -> None:
        """Record what was withheld, and what was read but never settled: one event each per subject."""
        self.settle()
        if self._withheld:
            code = ErrorCode.FORBIDDEN.value
            events = [self._event("refused", subject, fields, code) for subject, fields in self._withheld.items()]
            self._withheld.clear()
            self._recorder.record(events)

    def _event(
        self,
        action: Literal["read", "refused"],
        subject: Subject | None,
        fields: Iterable[str],
        code: str | None = None,
    ) -> AuditEvent:
        viewer, address, request_id, clients = self._caller
        ref = None if subject is None else self.ref_of(subject)
        is_card = type(subject) is CardNo
        return AuditEvent(
            action,
            request_id,
            address,
            viewer.kind,
            viewer.id,
            card_ref=ref if is_card else None,
            fields=tuple(fields),
            code=code,
            member_ref=None if is_card else ref,
            clients=clients,
        )


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
