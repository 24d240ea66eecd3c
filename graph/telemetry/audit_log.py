"""The audit log: one structured line for each read of personal data and each refusal.

A logger of its own, so that it can be kept apart from the others, for longer and for other readers. A line is
written before the answer that it tells of is made; where that cannot be done, there must be no such answer.
"""

from __future__ import annotations

import errno
import functools
import logging
import time
from typing import TYPE_CHECKING, Final

import structlog

from graph.redact import holds_card_number
from graph.security.sampling import RefusalSampler
from graph.telemetry.audit_file import AuditFile
from graph.telemetry.logs import AUDIT_LOGGER, LOGGER, clean, process_log, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from structlog.typing import EventDict, FilteringBoundLogger

    from graph.security.audit import AuditEvent

_SECONDS_BETWEEN_TRIES: Final = 1.0
_VIEWERS: Final = 1_000
_NAMED: Final = logging.getLogger(AUDIT_LOGGER)


class AuditLog:
    """Writes audit events to a file of their own and to the process's log; without a file, to the latter alone.

    Args:
        path: the file, or None.
        viewer_ref: makes the keyed reference of a viewer's id.
        clock: monotonic seconds.
        count: told of each event that is written, and of the refusals that are left out.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(
        self,
        path: Path | None,
        viewer_ref: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[AuditEvent], None] = lambda _event: None,
    ) -> None:
        # Remembered, because a viewer comes again, as in the budgets.
        self._viewer_ref = functools.lru_cache(_VIEWERS)(viewer_ref)
        self._clock = clock
        self._count = count
        self._sampler = RefusalSampler(clock)
        self._about: FilteringBoundLogger = structlog.get_logger(LOGGER)
        # Opened at once, so that a path that cannot be written is found at the start.
        self._file = None if path is None else AuditFile(path)
        self._next_try: float | None = None
        self.unwritten = 0
        """How many events could not be written."""

    @property
    def available(self) -> bool:
        """Whether lines can be written. Where the last one could not, it is tried again, once in a second."""
        if self._next_try is None:
            return True
        if self._clock() < self._next_try:
            return False
        return self._resume()

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Write events; whether all of them are written."""
        written = self.available and self._write([self._fields(event) for event in events])
        if written:
            for event in events:
                self._count(event)
        else:
            self.unwritten += len(events)
        return written

    def on_refused(self, event: AuditEvent) -> None:
        """A caller was refused before anything was executed."""
        if event.viewer_id is None:
            # Nobody knows who that is, and anybody can send as many requests as the network carries.
            left_out = self._sampler.admit(event.address)
            if left_out is None:
                self._count(event)
                return
            event = event._replace(left_out=left_out)
        self.record((event,))

    def reopen(self) -> None:
        """Go on in the file that has the name now."""
        self._sampler.forget()
        if self._file is not None:
            try:
                self._file.reopen()
            except OSError as error:
                self._failed(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, events: list[EventDict]) -> bool:
        # No level is asked: none may silence an audit.
        cleaned = [clean(_NAMED, "info", event) for event in events]
        log = process_log()
        lines = b"".join([to_json(_NAMED, "info", event) + b"\n" for event in cleaned])
        shown = lines if log is None or log.is_json else b"".join([log.line_of(event) for event in cleaned])
        try:
            if self._file is not None:
                if log is not None:
                    log.lines.write(shown)
                self._file.write(lines)
            elif log is None or not log.lines.put(shown):
                raise BlockingIOError(errno.EAGAIN, "nobody takes the lines of the log")
        except OSError as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: OSError) -> None:
        first, self._next_try = self._next_try is None, self._clock() + _SECONDS_BETWEEN_TRIES
        if first:
            reason = errno.errorcode.get(error.errno or 0, "unknown")
            self._about.error("the audit log cannot be written: no personal data is given out", reason=reason)

    def _resume(self) -> bool:
        """Say in the log itself that it goes on, which shows whether it does."""
        if self._file is not None:
            try:
                self._file.reopen()
            except OSError as error:
                self._failed(error)
                return False
        if not self._write([{"action": "resumed", "unwritten": self.unwritten, "event": "audit"}]):
            return False
        self._next_try = None
        self._about.info("the audit log is written again")
        return True

    def _fields(self, event: AuditEvent) -> EventDict:
        fields: EventDict = {name: value for name, value in zip(event._fields, event, strict=True) if value}
        viewer_id = event.viewer_id
        if viewer_id is not None:
            # An id with as many digits as a card number would be masked: then only the reference says who it was.
            fields["viewer_ref"] = self._viewer_ref(viewer_id)
            if holds_card_number(viewer_id):
                del fields["viewer_id"]
        fields["event"] = "audit"
        return fields
