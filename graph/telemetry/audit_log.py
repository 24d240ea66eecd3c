"""The audit log: one structured line for each read and each refusal.

It has a logger of its own, so that it can be stored separately and for longer. A line is written before the
response that it describes; if it cannot be written, there must be no such response.
"""

from __future__ import annotations

import errno
import functools
import logging
import re
import time
from typing import TYPE_CHECKING, Final

import structlog

from graph.redact import holds_card_number, may_hold_card_number
from graph.security.audit_chain import Chain
from graph.security.group_commit import GroupCommit
from graph.security.refusal_sampler import RefusalSampler
from graph.telemetry.audit_lines import AuditLines
from graph.telemetry.logs import AUDIT_LOGGER, LOGGER, clean, process_log, timestamp, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from structlog.typing import EventDict, FilteringBoundLogger

    from graph.security.audit import AuditEvent
    from graph.security.audit_chain import ChainKey
    from graph.telemetry.logs import ProcessLog

_RETRY_SECONDS: Final = 1.0
_CACHED_VIEWERS: Final = 1_000
# What JSON has as it is.
_PLAIN: Final = re.compile(r"[0-9A-Za-z_.:-]+", re.ASCII)
# What differs between reads of the same fields by one viewer.
_REQUEST, _ADDRESS, _CARD, _MEMBER, _TIME = "qrequestq", "qaddressq", "qcardq", "qmemberq", "qtimeq"
_NAMED: Final = logging.getLogger(AUDIT_LOGGER)


class AuditLog:
    """Writes audit events to a file and to the process's log; without a file, only to the latter.

    Args:
        path: the file, or None.
        key: seals the lines, so that changes show; None for no seals.
        viewer_ref: makes the keyed reference of a viewer's id.
        clock: monotonic seconds.
        count: called for each event that is written, and for refusals that sampling leaves out.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(
        self,
        path: Path | None,
        viewer_ref: Callable[[str], str],
        key: ChainKey | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[AuditEvent], None] = lambda _event: None,
    ) -> None:
        # Cached, because viewers send many requests. An id that looks like a card number would be masked.
        self._about_viewer = functools.lru_cache(_CACHED_VIEWERS)(
            lambda viewer_id: (viewer_ref(viewer_id), holds_card_number(viewer_id))
        )
        self._template = functools.lru_cache(_CACHED_VIEWERS)(self._render_template)
        self._clock = clock
        self._count = count
        self._sampler = RefusalSampler(clock)
        self._about: FilteringBoundLogger = structlog.get_logger(LOGGER)
        # Opened at once, so that a bad path stops the start.
        self._file = None if path is None else AuditLines(path, key, _line_of)
        # The chain of the process's log, if that is the only place.
        self._key = key if path is None else None
        self._chain = None if self._key is None else Chain(self._key)
        self._next_try: float | None = None
        self.unwritten = 0
        """How many events could not be written."""
        self.commit = GroupCommit(self.record).add

    @property
    def available(self) -> bool:
        """Whether lines can be written. After a failure this retries at most once a second."""
        if self._next_try is None:
            return True
        if self._clock() < self._next_try:
            return False
        return self._resume()

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Write events; whether all of them are written."""
        written = self.available and self._write_events(events)
        if written:
            for event in events:
                self._count(event)
        else:
            self.unwritten += len(events)
        return written

    def on_refused(self, event: AuditEvent) -> None:
        """Record that a caller was refused before anything was executed.

        Sampled, because anybody can send any number of requests.
        """
        admitted = self._sampler.admit(event)
        if admitted is None:
            self._count(event)
        else:
            self.record((admitted,))

    def reopen(self) -> None:
        """Open the path again, as after a log rotation."""
        self._write_left_out()
        self._reopen_file()

    def close(self) -> None:
        """Close the file."""
        self._write_left_out()
        if self._file is not None:
            written, log = self._file.close(), process_log()
            if log is not None and log.is_json:
                log.lines.write(written)

    def _write_left_out(self) -> None:
        """Write how many refusals were left out. They are counted already."""
        events = self._sampler.drain()
        if events and self.available:
            self._write_events(events)

    def _write_events(self, events: Sequence[AuditEvent]) -> bool:
        log = process_log()
        if log is None or log.is_json:
            return self._write([self._line(event) for event in events], log, None)
        # The log level does not apply: it must not silence the audit.
        cleaned = [clean(_NAMED, "info", self._fields(event)) for event in events]
        for_people = b"".join([log.line_of(event) for event in cleaned])
        return self._write([to_json(_NAMED, "info", event) for event in cleaned], log, for_people)

    def _line(self, event: AuditEvent) -> bytes:
        """Render an event. Reads differ in little, so that most of a line is rendered and redacted only once."""
        request_id, address = event.request_id, event.address
        card_ref, member_ref = event.card_ref, event.member_ref
        given = f"{request_id}x{address}"
        if event.action == "read" and _PLAIN.fullmatch(given) and not may_hold_card_number(given):
            shape = event._replace(
                request_id=_REQUEST,
                address=_ADDRESS,
                card_ref=card_ref and _CARD,
                member_ref=member_ref and _MEMBER,
            )
            template = self._template(shape)
            if template is not None:
                refs = [ref for ref in (card_ref, member_ref) if ref]
                return (template % (request_id, address, *refs, timestamp())).encode("ascii")
        return to_json(_NAMED, "info", clean(_NAMED, "info", self._fields(event)))

    def _render_template(self, shape: AuditEvent) -> str | None:
        """Render a read with places for what differs; None if they cannot be told from its values."""
        fields = clean(_NAMED, "info", self._fields(shape))
        line = to_json(_NAMED, "info", {**fields, "timestamp": _TIME}).decode("ascii").replace("%", "%%")
        for place in (_REQUEST, _ADDRESS, _CARD, _MEMBER, _TIME):
            line = line.replace(place, "%s")
        return line if line.count("%s") == 3 + bool(shape.card_ref) + bool(shape.member_ref) else None

    def _write(self, lines: list[bytes], log: ProcessLog | None, for_people: bytes | None) -> bool:
        try:
            if self._file is not None:
                written = self._file.write(lines)
                if log is not None:
                    log.lines.write(written if for_people is None else for_people)
            elif log is None or not log.lines.put(self._sealed(lines) if for_people is None else for_people):
                # What is in the log of these lines is not known.
                self._chain = None if self._key is None else Chain(self._key)
                raise BlockingIOError(errno.EAGAIN, "nobody reads the log")
        except OSError as error:
            self._failed(error)
            return False
        return True

    def _sealed(self, lines: list[bytes]) -> bytes:
        """Return lines for the process's log, if that is their only place."""
        if self._chain is None:
            return b"".join([line + b"\n" for line in lines])
        if not self._chain.seq:
            lines = [_line_of({"action": "opened", "file": 1}), *lines]
        sealed = self._chain.seal(lines)
        self._chain.advance(sealed)
        return b"".join([line for line, _ in sealed])

    def _reopen_file(self) -> bool:
        try:
            if self._file is not None:
                self._file.reopen()
        except OSError as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: OSError) -> None:
        first, self._next_try = self._next_try is None, self._clock() + _RETRY_SECONDS
        if first:
            reason = errno.errorcode.get(error.errno or 0, "unknown")
            self._about.error("the audit log cannot be written: cards and members are withheld", reason=reason)

    def _resume(self) -> bool:
        """Write a line about resuming, which also tests whether that works."""
        event = clean(_NAMED, "info", {"action": "resumed", "unwritten": self.unwritten, "event": "audit"})
        log = process_log()
        for_people = None if log is None or log.is_json else log.line_of({**event})
        if not (self._reopen_file() and self._write([to_json(_NAMED, "info", event)], log, for_people)):
            return False
        self._next_try = None
        self._about.info("the audit log can be written again")
        return True

    def _fields(self, event: AuditEvent) -> EventDict:
        fields: EventDict = {name: value for name, value in zip(event._fields, event, strict=True) if value}
        if event.action == "read":
            fields["fields"] = event.fields
        viewer_id = event.viewer_id
        if viewer_id is not None:
            # The reference identifies a viewer whose id is not shown.
            fields["viewer_ref"], is_hidden = self._about_viewer(viewer_id)
            if is_hidden:
                del fields["viewer_id"]
        fields["event"] = "audit"
        return fields


def _line_of(event: EventDict) -> bytes:
    return to_json(_NAMED, "info", clean(_NAMED, "info", {**event, "event": "audit"}))
