"""The audit log: one structured line for each read and each refusal.

It has a logger of its own, so that it can be stored separately and for longer. A line is written before the
response that it describes; if it cannot be written, there must be no such response.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import stat
import time
from typing import TYPE_CHECKING, Final

import structlog

from graph.redact import holds_card_number
from graph.security.refusal_sampler import RefusalSampler
from graph.telemetry.logs import AUDIT_LOGGER, LOGGER, clean, process_log, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from structlog.typing import EventDict, FilteringBoundLogger

    from graph.security.audit import AuditEvent

_OWNER_ONLY: Final = 0o600
_CLOSED: Final = -1
# Non-blocking for a pipe whose reader stalls; no terminal may become the controlling one.
_OPEN_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_RETRY_SECONDS: Final = 1.0
_CACHED_VIEWERS: Final = 1_000
_NAMED: Final = logging.getLogger(AUDIT_LOGGER)


class AuditLog:
    """Writes audit events to a file and to the process's log; without a file, only to the latter.

    Args:
        path: the file, or None.
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
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[AuditEvent], None] = lambda _event: None,
    ) -> None:
        # Cached, because viewers send many requests. An id that looks like a card number would be masked.
        self._about_viewer = functools.lru_cache(_CACHED_VIEWERS)(
            lambda viewer_id: (viewer_ref(viewer_id), holds_card_number(viewer_id))
        )
        self._clock = clock
        self._count = count
        self._sampler = RefusalSampler(clock)
        self._about: FilteringBoundLogger = structlog.get_logger(LOGGER)
        # Opened at once, so that a bad path stops the start.
        self._file = None if path is None else AuditFile(path)
        self._next_try: float | None = None
        self.unwritten = 0
        """How many events could not be written."""

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
        written = self.available and self._write([self._fields(event) for event in events])
        if written:
            for event in events:
                self._count(event)
        else:
            self.unwritten += len(events)
        return written

    def on_refused(self, event: AuditEvent) -> None:
        """Record that a caller was refused before anything was executed."""
        if event.viewer_id is None:
            # Sampled, because an anonymous caller can send any number of requests.
            left_out = self._sampler.admit(event.address)
            if left_out is None:
                self._count(event)
                return
            event = event._replace(left_out=left_out)
        self.record((event,))

    def reopen(self) -> None:
        """Open the path again, as after a log rotation."""
        self._sampler.forget()
        self._reopen_file()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, events: list[EventDict]) -> bool:
        # The log level does not apply: it must not silence the audit.
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
                raise BlockingIOError(errno.EAGAIN, "nobody reads the log")
        except OSError as error:
            self._failed(error)
            return False
        return True

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
        event: EventDict = {"action": "resumed", "unwritten": self.unwritten, "event": "audit"}
        if not (self._reopen_file() and self._write([event])):
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


class AuditFile:
    """Appends whole lines to a file, pipe or device; a new file is readable by its owner only.

    Raises:
        OSError: when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._is_regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        # The rest of a partially written line, which must be finished first.
        self._rest = b""

    def write(self, lines: bytes) -> None:
        """Append whole lines.

        Raises:
            OSError: when not all of them were written.
        """
        self._write(lines)
        if self._is_regular and os.fstat(self._file).st_nlink == 0:
            # The file was deleted, and the lines with it.
            self.reopen()
            self._write(lines)

    def reopen(self) -> None:
        """Open the path again, as after `logrotate` has renamed the file.

        Raises:
            OSError: when it cannot be opened; the old file stays in use.
        """
        opened = _open(self._path)
        if not os.path.sameopenfile(opened, self._file):
            self._rest = b""
        self.close()
        self._file = opened
        self._is_regular = stat.S_ISREG(os.fstat(opened).st_mode)

    def close(self) -> None:
        """Close the file."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _write(self, lines: bytes) -> None:
        left = self._rest + lines
        while left:
            try:
                written = os.write(self._file, left)
            except OSError:
                # Lines that have not begun are not written later: their requests were refused.
                done = len(lines) - len(left)
                begun = done < 0 or (done > 0 and not lines[:done].endswith(b"\n"))
                self._rest = left[: left.index(b"\n") + 1] if begun else b""
                raise
            left = left[written:]
        self._rest = b""


def _open(path: Path) -> int:
    return os.open(path, _OPEN_FLAGS, _OWNER_ONLY)
