"""What is kept of who read whose personal data, and of what was refused.

The Korean notice on safety measures for personal data (Article 8) wants viewer, time, address, whose data and what
was done. A card appears by its keyed reference only, never by its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from graph.security.errors import ForbiddenError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

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


class CardDisclosure:
    """The personal fields of one card that a request has read in clear, or asked for in vain."""

    __slots__ = ("fields", "withheld")

    def __init__(self) -> None:
        # In the order in which they came. Of most cards nothing personal is read.
        self.fields: dict[str, None] | None = None
        self.withheld: dict[str, None] | None = None

    def note(self, name: str) -> None:
        """Remember that a field was read."""
        if self.fields is None:
            self.fields = {}
        self.fields[name] = None

    def refuse(self, name: str) -> Exception:
        """Remember that a field was asked for without its scope; return the field's error."""
        if self.withheld is None:
            self.withheld = {}
        self.withheld[name] = None
        return ForbiddenError()


class RequestAudit:
    """Collects what one request reads, and reports it when the request is over.

    Args:
        caller: who asks.
        refs: names cards.
        emit: takes each event.
    """

    __slots__ = ("_caller", "_disclosures", "_emit", "_refs", "_refusals")

    def __init__(self, caller: Caller, refs: CardRefs, emit: Callable[[AuditEvent], None]) -> None:
        self._caller = caller
        self._refs = refs
        self._emit = emit
        self._disclosures: dict[CardNo, CardDisclosure] = {}
        self._refusals: set[tuple[str, CardNo | None]] = set()

    def disclosure(self, card_no: CardNo) -> CardDisclosure:
        """Where the reads of a card's personal fields are noted."""
        found = self._disclosures.get(card_no)
        if found is None:
            found = self._disclosures[card_no] = CardDisclosure()
        return found

    def refused(self, code: str, card_no: CardNo | None = None) -> None:
        """Report a refusal, once for each card however many aliases and lists name it."""
        if (code, card_no) not in self._refusals:
            self._refusals.add((code, card_no))
            self._report("refused", card_no, (), code)

    def close(self) -> None:
        """Report what was read and what was withheld: one event each for each card."""
        for card_no, disclosure in self._disclosures.items():
            if disclosure.fields:
                self._report("read", card_no, tuple(disclosure.fields), None)
            if disclosure.withheld:
                self._report("refused", card_no, tuple(disclosure.withheld), ErrorCode.FORBIDDEN.value)
        self._disclosures.clear()

    def _report(
        self,
        action: Literal["read", "refused"],
        card_no: CardNo | None,
        fields: tuple[str, ...],
        code: str | None,
    ) -> None:
        caller = self._caller
        viewer = caller.viewer
        card_ref = None if card_no is None else self._refs.of(card_no)
        self._emit(
            AuditEvent(action, caller.request_id, caller.address, viewer.kind, viewer.id, card_ref, fields, code)
        )
