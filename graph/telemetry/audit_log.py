"""The audit log: one structured line for each read of personal data and each refusal.

A logger of its own, so that it can be kept apart from the others, for longer and for other readers.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import structlog

from graph.redact import holds_card_number
from graph.telemetry.lines import Lines, LineStream
from graph.telemetry.logs import AUDIT_LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from graph.outbox import Outbox
    from graph.security.audit import AuditEvent


class AuditLog:
    """Writes audit events to the process's log, and to a file of their own where one is named.

    Args:
        path: the file, or None.
        viewer_ref: makes the keyed reference of a viewer's id.
        outbox: lets the file's lines of a turn of the event loop go out together; None writes each at once.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(self, path: Path | None, viewer_ref: Callable[[str], str], outbox: Outbox | None = None) -> None:
        self._viewer_ref = viewer_ref
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(AUDIT_LOGGER)
        self._lines = Lines(AUDIT_LOGGER)
        # Opened at once, so that a path that cannot be written is found at the start.
        self._file = None if path is None else path.open("a", encoding="utf-8")
        self._to_file = None if self._file is None else LineStream(self._file, outbox)

    def emit(self, event: AuditEvent) -> None:
        """Write one event."""
        fields = self._fields(event)
        handler = self._lines.handler()
        if handler is None:
            self._log.info(**fields)
            if self._to_file is None:
                return
        # No level is asked: none may silence an audit.
        line = self._lines.line(logging.INFO, fields)
        if handler is not None:
            handler.write_line(line)
        if self._to_file is not None:
            self._to_file.write(line)

    def close(self) -> None:
        """Close the file."""
        if self._to_file is not None:
            self._to_file.flush()
        if self._file is not None:
            self._file.close()

    def _fields(self, event: AuditEvent) -> dict[str, Any]:
        # Cheaper than to ask of every field whether it is there: nearly every request writes such a line.
        action, request_id, address, viewer_kind, viewer_id, card_ref, personal, code, reason = event
        fields: dict[str, Any] = {"action": action, "request_id": request_id, "address": address}
        if viewer_kind is not None:
            fields["viewer_kind"] = viewer_kind
        if viewer_id is not None:
            fields["viewer_id"] = viewer_id
        if card_ref is not None:
            fields["card_ref"] = card_ref
        if personal:
            fields["fields"] = personal
        if code is not None:
            fields["code"] = code
        if reason is not None:
            fields["reason"] = reason
        if viewer_id is not None:
            # An id with as many digits as a card number would be masked: then only the reference says who it was.
            fields["viewer_ref"] = self._viewer_ref(viewer_id)
            if holds_card_number(viewer_id):
                del fields["viewer_id"]
        fields["event"] = "audit"
        return fields
