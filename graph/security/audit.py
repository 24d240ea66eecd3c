"""Audits what is shown to which viewer, and what was refused.

PCI DSS 4.0.1 (10.2) asks for all access to card data, and the Korean notice on safety measures for personal data
(Article 8) for the viewer, time, address, data subject and action. Cards and members appear by keyed reference
only, never by number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeAlias, get_args

from graph.security.errors import AuditUnavailableError, ForbiddenError
from schema.errors import ErrorCode
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping, Sequence

    from graph.security.authorization import Viewer
    from graph.security.card_refs import CardRefs, Subject

AccessOrigin: TypeAlias = Literal["number", "id", "member"]
"""How a caller came to what is shown: by a card's number, by an id of this gateway, or by the member."""
_WAYS: Final[tuple[AccessOrigin, ...]] = get_args(AccessOrigin)
"""In order: the one that takes the most knowledge first."""


class Caller(NamedTuple):
    """Who sends a request, from where, and with which id."""

    viewer: Viewer
    address: str
    request_id: str
    clients: tuple[str, ...] = ()
    """The client, if it is known, or several that have the document in their manifests."""


class AuditEvent(NamedTuple):
    """One line of the audit log."""

    action: Literal["read", "refused"]
    request_id: str
    address: str
    viewer_kind: str | None = None
    viewer_id: str | None = None
    card_ref: str | None = None
    fields: tuple[str, ...] = ()
    """The schema's names of the fields that were shown, or that were refused for want of a scope."""
    code: str | None = None
    """The code that the client saw, if this is a refusal."""
    reason: str | None = None
    """The exact reason of a refusal, a constant of this code base."""
    left_out: int = 0
    """How many events like it were omitted before it."""
    member_ref: str | None = None
    """The member whose data it is, as far as that is known."""
    clients: tuple[str, ...] = ()
    """The client, if it is known, or several that have the document in their manifests."""
    what: str | None = None
    """What was read: `card`, `member`, `wallet` (a member's list of cards) or `transactions` (a card's page)."""
    clear: tuple[str, ...] = ()
    """The `fields` that showed a secret in clear: a number, a name, an address."""
    masked: tuple[str, ...] = ()
    """The `fields` that showed only a secret's mask."""
    origin: str | None = None
    """How the viewer came to what was read: see `AccessOrigin`."""
    own: bool = False
    """Whether the viewer is the member whose data it is."""


class Recorder(Protocol):
    """Records audit events."""

    @property
    def available(self) -> bool:
        """Whether events can be recorded, as far as is known."""
        ...

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Record events now; returns whether they were."""
        ...

    def commit(self, events: Iterable[AuditEvent]) -> Awaitable[bool]:
        """Record events together with those of other requests; returns whether they were."""
        ...


class Access:
    """An event in the making: what of something is shown."""

    __slots__ = ("forms", "is_shown", "origin", "owner", "subject", "what")

    def __init__(self, what: str, subject: Subject, owner: object, origin: AccessOrigin) -> None:
        self.what = what
        self.subject = subject
        self.owner = owner
        self.origin = origin
        self.is_shown = False
        self.forms: dict[str, str | None] = {}
        """How each field shows a secret, by the fields' names, in order."""

    def reach_again(self, owner: object, origin: AccessOrigin) -> None:
        """Note another path to the same subject.

        The event keeps the path that takes the most knowledge, and an owner if any record names one, so it does
        not depend on the order.
        """
        self.origin = min(self.origin, origin, key=_WAYS.index)
        owners = [each for each in (self.owner, owner) if isinstance(each, MemberId)]
        if owners:
            self.owner = min(owners, key=MemberId.reveal)

    def add(self, leaves: Iterable[tuple[str, str, str | None]], data: Mapping[str, Any]) -> None:
        """Note that an object of it is shown.

        Args:
            leaves: what is selected of the object: its key in the answer, the field's name, and how it shows a
                secret: `clear`, `masked`, or None if it shows none.
            data: the object's members in the answer; null is nothing that is shown.
        """
        self.is_shown = True
        forms = self.forms
        for key, name, form in leaves:
            # What is clear in one place is clear.
            if data[key] is not None and (name not in forms or form == "clear" or (form and not forms[name])):
                forms[name] = form


class RequestAudit:
    """Collects what one answer shows, and records it before the response is sent.

    Args:
        caller: who asks.
        refs: of cards and members.
        recorder: of the events.
        own_reads: whether a member's reads of their own data are recorded.
    """

    __slots__ = (
        "_accesses",
        "_caller",
        "_known",
        "_off_record",
        "_own_reads",
        "_recorder",
        "_refs",
        "_refusals",
        "_withheld",
    )

    def __init__(self, caller: Caller, refs: CardRefs, recorder: Recorder, *, own_reads: bool = True) -> None:
        self._caller = caller
        self._refs = refs
        self._known: dict[Subject, str] = {}
        self._recorder = recorder
        self._own_reads = own_reads
        self._off_record = False
        # Dictionaries, to keep subjects and fields in order.
        self._accesses: dict[tuple[str, Subject, object], Access] = {}
        self._withheld: dict[Subject | None, dict[str, None]] = {}
        self._refusals: set[tuple[str, Subject | None]] = set()

    def ref_of(self, subject: Subject) -> str:
        """The reference of a card or member, computed once in a request."""
        ref = self._known.get(subject)
        if ref is None:
            ref = self._known[subject] = self._refs.of(subject)
        return ref

    def access(
        self, what: str, subject: Subject, owner: object, origin: AccessOrigin, part: object = None
    ) -> Access:
        """Return the event that tells of something, if it is shown.

        Args:
            what: kind of subject: `card`, `member`, `wallet` or `transactions`.
            subject: the card that led to it, or the member if none did.
            owner: whose data it is; anything but a member's id is nobody.
            origin: how the caller came to it.
            part: tells several events about one subject apart.

        Raises:
            AuditUnavailableError: no event can be recorded.
        """
        if not self._own_reads and self._is_own(owner):
            # It is never recorded.
            return Access(what, subject, owner, origin)
        key = (what, subject, part)
        access = self._accesses.get(key)
        if access is None:
            if self._off_record or not self._recorder.available:
                raise AuditUnavailableError
            access = self._accesses[key] = Access(what, subject, owner, origin)
        elif access.owner is not owner or access.origin != origin:
            access.reach_again(owner, origin)
        return access

    def withhold(self, subject: Subject | None, name: str, scope: str) -> Exception:
        """Note that a field was requested without its scope; returns the field's error."""
        self._withheld.setdefault(subject, {})[name] = None
        return ForbiddenError(scope)

    def record_refusal(self, code: str, subject: Subject | None) -> None:
        """Record a refusal, once per subject however many aliases and lists name it."""
        if (code, subject) not in self._refusals:
            self._refusals.add((code, subject))
            self._recorder.record((self._refused(subject, (), code),))

    async def settle(self) -> bool:
        """Record what is shown. If that fails, nothing that must be recorded may be shown.

        Returns:
            Whether the response may be sent.
        """
        shown = [access for access in self._accesses.values() if access.is_shown]
        self._accesses.clear()
        if not shown:
            return True
        recorded = await self._recorder.commit(map(self._read, shown))
        self._off_record = not recorded
        return recorded

    def close(self) -> None:
        """Record what was withheld: one event per subject."""
        if self._withheld:
            code = ErrorCode.FORBIDDEN.value
            events = [self._refused(subject, fields, code) for subject, fields in self._withheld.items()]
            self._withheld.clear()
            self._recorder.record(events)

    def _is_own(self, owner: object) -> bool:
        member_id = self._caller.viewer.member_id
        return member_id is not None and owner == member_id

    def _read(self, access: Access) -> AuditEvent:
        viewer, address, request_id, clients = self._caller
        subject, owner, forms = access.subject, access.owner, access.forms
        clear: list[str] = []
        masked: list[str] = []
        for name, form in forms.items():
            if form is not None:
                (clear if form == "clear" else masked).append(name)
        if not isinstance(owner, MemberId):
            owner = subject if isinstance(subject, MemberId) else None
        return AuditEvent(
            "read",
            request_id,
            address,
            viewer.kind,
            viewer.id,
            self.ref_of(subject) if isinstance(subject, CardNo) else None,
            tuple(forms),
            member_ref=None if owner is None else self.ref_of(owner),
            clients=clients,
            what=access.what,
            clear=tuple(clear),
            masked=tuple(masked),
            origin=access.origin,
            own=self._is_own(owner),
        )

    def _refused(self, subject: Subject | None, fields: Iterable[str], code: str) -> AuditEvent:
        viewer, address, request_id, clients = self._caller
        ref = None if subject is None else self.ref_of(subject)
        is_card = isinstance(subject, CardNo)
        return AuditEvent(
            "refused",
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
