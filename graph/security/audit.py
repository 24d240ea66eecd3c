"""What is kept of who read whose personal data, and of what was refused.

The Korean notice on safety measures for personal data (Article 8) wants viewer, time, address, whose data and what
was done. A card appears by its keyed reference only, never by its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from graph.security.errors import AuditUnavailableError, ForbiddenError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graph.security.card_refs import CardRefs
    from graph.security.viewer import Viewer
    from schema.secrets import CardNo


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


class Recorder(Protocol):
    """Where events are put on record."""

    @property
    def available(self) -> bool:
        """Whether they can be, as far as is known."""
        ...

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Put events on record; whether they are."""
        ...


class CardDisclosure:
    """The personal fields of one card that a request has read in clear, or asked for in vain.

    Args:
        may_disclose: whether what is read can be put on record.
    """

    __slots__ = ("_may_disclose", "fields", "withheld")

    def __init__(self, may_disclose: Callable[[], bool]) -> None:
        self._may_disclose = may_disclose
        # In the order in which they came. Of most cards nothing personal is read.
        self.fields: dict[str, None] | None = None
        self.withheld: dict[str, None] | None = None

    def note(self, name: str) -> Exception | None:
        """Remember that a field was read; or return its error, when that cannot be put on record."""
        if not self._may_disclose():
            return AuditUnavailableError()
        if self.fields is None:
            self.fields = {}
        self.fields[name] = None
        return None

    def refuse(self, name: str) -> Exception:
        """Remember that a field was asked for without its scope; return the field's error."""
        if self.withheld is None:
            self.withheld = {}
        self.withheld[name] = None
        return ForbiddenError()


class RequestAudit:
    """Collects what one request reads, and puts it on record before it is given out.

    Args:
        caller: who asks.
        refs: names cards.
        recorder: takes the events.
    """

    __slots__ = ("_caller", "_disclosures", "_off_record", "_recorder", "_refs", "_refusals")

    def __init__(self, caller: Caller, refs: CardRefs, recorder: Recorder) -> None:
        self._caller = caller
        self._refs = refs
        self._recorder = recorder
        self._off_record = False
        self._disclosures: dict[CardNo, CardDisclosure] = {}
        self._refusals: set[tuple[str, CardNo | None]] = set()

    def disclosure(self, card_no: CardNo) -> CardDisclosure:
        """Where the reads of a card's personal fields are noted."""
        found = self._disclosures.get(card_no)
        if found is None:
            found = self._disclosures[card_no] = CardDisclosure(self._may_disclose)
        return found

    def refused(self, code: str, card_no: CardNo | None = None) -> None:
        """Report a refusal, once for each card however many aliases and lists name it."""
        if (code, card_no) not in self._refusals:
            self._refusals.add((code, card_no))
            self._recorder.record((self._event("refused", card_no, (), code),))

    def settle(self) -> bool:
        """Put on record what was read; where that fails, nothing personal can be read of this request's cards.

        Returns:
            Whether what was read may be given out.
        """
        read = [(card_no, one) for card_no, one in self._disclosures.items() if one.fields]
        if not read:
            return True
        events = [self._event("read", card_no, tuple(one.fields or ()), None) for card_no, one in read]
        self._off_record = not self._recorder.record(events)
        for _, one in read:
            one.fields = None
        return not self._off_record

    def close(self) -> None:
        """Report what was withheld, and what was read and never settled: one event each for each card."""
        self.settle()
        withheld = [(card_no, one.withheld) for card_no, one in self._disclosures.items() if one.withheld]
        if withheld:
            code = ErrorCode.FORBIDDEN.value
            self._recorder.record([self._event("refused", at, tuple(names), code) for at, names in withheld])
        self._disclosures.clear()

    def _may_disclose(self) -> bool:
        return not self._off_record and self._recorder.available

    def _event(
        self,
        action: Literal["read", "refused"],
        card_no: CardNo | None,
        fields: tuple[str, ...],
        code: str | None,
    ) -> AuditEvent:
        caller = self._caller
        viewer = caller.viewer
        card_ref = None if card_no is None else self._refs.of(card_no)
        return AuditEvent(
            action, caller.request_id, caller.address, viewer.kind, viewer.id, card_ref, fields, code
        )
