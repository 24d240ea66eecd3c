"""What is kept of who read whose personal data, and of what was refused.

The Korean notice on safety measures for personal data (Article 8) wants viewer, time, address, whose data and what
was done. A card or a member appears by its keyed reference only, never by its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from graph.security.errors import AuditUnavailableError, ForbiddenError
from schema.errors import ErrorCode
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graph.security.card_refs import CardRefs, Subject
    from graph.security.viewer import Viewer


class Caller(NamedTuple):
    """Who makes a request, from where, and the request's id."""

    viewer: Viewer
    address: str
    request_id: str


class AuditEvent(NamedTuple):
    """One line of the audit log."""

    action: Literal["read", "refused"]
    request_id: str
    address: str
    viewer_kind: str | None = None
    viewer_id: str | None = None
    card_ref: str | None = None
    fields: tuple[str, ...] = ()
    """The schema's names of the personal fields that were read in clear, or were refused."""
    code: str | None = None
    """Why it was refused: the code that the client saw."""
    reason: str | None = None
    """Why exactly, in words of this code base."""
    left_out: int = 0
    """How many like it were not written before it."""
    member_ref: str | None = None
    """The member whose data it was, where no card led there."""


class Recorder(Protocol):
    """Where events are put on record."""

    @property
    def available(self) -> bool:
        """Whether they can be, as far as is known."""
        ...

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Put events on record; whether they are."""
        ...


class SubjectDisclosure:
    """The personal fields of one card or member that a request has read in clear, or asked for in vain.

    Args:
        may_disclose: whether what is read can be put on record.
    """

    __slots__ = ("_may_disclose", "read", "withheld")

    def __init__(self, may_disclose: Callable[[], bool]) -> None:
        self._may_disclose = may_disclose
        # Dictionaries keep the order in which the fields came.
        self.read: dict[str, None] = {}
        self.withheld: dict[str, None] = {}

    def note(self, name: str) -> Exception | None:
        """Remember that a field was read; or return its error, when that cannot be put on record."""
        if not self._may_disclose():
            return AuditUnavailableError()
        self.read[name] = None
        return None

    def refuse(self, name: str) -> Exception:
        """Remember that a field was asked for without its scope; return the field's error."""
        self.withheld[name] = None
        return ForbiddenError()


class RequestAudit:
    """Collects what one request reads, and puts it on record before it is given out.

    Args:
        caller: who asks.
        refs: names cards and members.
        recorder: takes the events.
    """

    __slots__ = ("_caller", "_disclosures", "_off_record", "_recorder", "_refs", "_refusals")

    def __init__(self, caller: Caller, refs: CardRefs, recorder: Recorder) -> None:
        self._caller = caller
        self._refs = refs
        self._recorder = recorder
        self._off_record = False
        self._disclosures: dict[Subject, SubjectDisclosure] = {}
        self._refusals: set[tuple[str, Subject]] = set()

    def disclosure(self, subject: Subject) -> SubjectDisclosure:
        """Where the reads of a card's personal fields are noted, or a member's where no card led to it."""
        found = self._disclosures.get(subject)
        if found is None:
            found = self._disclosures[subject] = SubjectDisclosure(self._may_disclose)
        return found

    def refused(self, code: str, subject: Subject) -> None:
        """Report a refusal, once for each subject however many aliases and lists name it."""
        if (code, subject) not in self._refusals:
            self._refusals.add((code, subject))
            self._recorder.record((self._event("refused", subject, (), code),))

    def settle(self) -> bool:
        """Put on record what was read; where that fails, nothing personal can be read in this request.

        Returns:
            Whether what was read may be given out.
        """
        read = [(subject, one) for subject, one in self._disclosures.items() if one.read]
        if not read:
            return True
        events = [self._event("read", subject, tuple(one.read)) for subject, one in read]
        self._off_record = not self._recorder.record(events)
        for _, one in read:
            one.read.clear()
        return not self._off_record

    def close(self) -> None:
        """Report what was withheld, and what was read and never settled: one event each for each subject."""
        self.settle()
        withheld = [
            self._event("refused", subject, tuple(one.withheld), ErrorCode.FORBIDDEN.value)
            for subject, one in self._disclosures.items()
            if one.withheld
        ]
        if withheld:
            self._recorder.record(withheld)
        self._disclosures.clear()

    def _may_disclose(self) -> bool:
        return not self._off_record and self._recorder.available

    def _event(
        self,
        action: Literal["read", "refused"],
        subject: Subject,
        fields: tuple[str, ...],
        code: str | None = None,
    ) -> AuditEvent:
        (viewer, address, request_id), ref = self._caller, self._refs.of(subject)
        event = AuditEvent(action, request_id, address, viewer.kind, viewer.id, fields=fields, code=code)
        return event._replace(card_ref=ref) if isinstance(subject, CardNo) else event._replace(member_ref=ref)
