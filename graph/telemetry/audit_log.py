"""The audit log: one structured line for each read of personal data and each refusal.

A logger of its own, so that it can be kept apart from the others, for longer and for other readers. A line is
written before the answer that it tells of is made; where that cannot be done, there must be no such answer.
"""

from __future__ import annotations

import errno
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import structlog

from graph.redact import holds_card_number
from graph.telemetry.audit_file import AuditFile
from graph.telemetry.lines import FailClosed, Lines
from graph.telemetry.logs import AUDIT_LOGGER, LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from graph.security.audit import AuditEvent

_SECONDS_BETWEEN_TRIES: Final = 1.0


class AuditLog:
    """Writes audit events to a file of their own and to the process's log; without a file, to the latter alone.

    Args:
        path: the file, or None.
        viewer_ref: makes the keyed reference of a viewer's id.
        clock: monotonic seconds.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(
        self,
        path: Path | None,
        viewer_ref: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._viewer_ref = viewer_ref
        self._clock = clock
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(AUDIT_LOGGER)
        self._about: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(LOGGER)
        self._lines = Lines(AUDIT_LOGGER)
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

    def emit(self, event: AuditEvent) -> bool:
        """Write one event; whether it is written."""
        return self.record((event,))

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Write events; whether all of them are written."""
        written = self.available and self._record([self._fields(event) for event in events])
        if not written:
            self.unwritten += len(events)
        return written

    def reopen(self) -> None:
        """Go on in the file that has the name now."""
        if self._file is not None:
            try:
                self._file.reopen()
            except OSError as error:
                self._failed(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _record(self, events: list[dict[str, Any]]) -> bool:
        try:
            if self._file is None:
                self._to_log(events)
            else:
                self._to_both(self._file, events)
        except OSError as error:
            self._failed(error)
            return False
        return True

    def _to_both(self, file: AuditFile, events: list[dict[str, Any]]) -> None:
        handler = self._lines.handler()
        if handler is None:
            for event in events:
                self._log.info(**event)
        # No level is asked: none may silence an audit.
        lines = b"".join([self._lines.line(logging.INFO, event) for event in events])
        if handler is not None:
            handler.write_line(lines)
        file.write(lines)

    def _to_log(self, events: list[dict[str, Any]]) -> None:
        handler = self._lines.handler()
        if handler is None:
            for event in events:
                self._log.info(**event)
            out = all(one.stream.is_out() for one in logging.getLogger().handlers if isinstance(one, FailClosed))
        else:
            out = handler.stream.put(b"".join([self._lines.line(logging.INFO, event) for event in events]))
        if not out:
            raise BlockingIOError(errno.EAGAIN, "nobody takes the lines of the log")

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
        if not self._record([{"action": "resumed", "unwritten": self.unwritten, "event": "audit"}]):
            return False
        self._next_try = None
        self._about.info("the audit log is written again")
        return True

    def _fields(self, event: AuditEvent) -> dict[str, Any]:
        fields: dict[str, Any] = {name: value for name, value in event._asdict().items() if value}
        viewer_id = event.viewer_id
        if viewer_id is not None:
            # An id with as many digits as a card number would be masked: then only the reference says who it was.
            fields["viewer_ref"] = self._viewer_ref(viewer_id)
            if holds_card_number(viewer_id):
                del fields["viewer_id"]
        fields["event"] = "audit"
        return fields
