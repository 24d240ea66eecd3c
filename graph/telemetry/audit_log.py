"""The audit log: one structured line for each read of personal data and each refusal.

A logger of its own, so that it can be kept apart from the others, for longer and for other readers.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Final

import structlog

from graph.redact import holds_card_number
from graph.security.audit import AuditEvent
from graph.telemetry.logs import AUDIT_LOGGER, FailClosed, line_formatter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


_FIELDS: Final = tuple(field.name for field in dataclasses.fields(AuditEvent))


class AuditLog:
    """Writes audit events to the process's log, and to a file of their own where one is named.

    Args:
        path: the file, or None.
        viewer_ref: makes the keyed reference of a viewer's id.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(self, path: Path | None, viewer_ref: Callable[[str], str]) -> None:
        self._viewer_ref = viewer_ref
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(AUDIT_LOGGER)
        self._handler: FailClosed | None = None
        if path is not None:
            # Opened at once, so that a path that cannot be written is found at the start.
            self._handler = FailClosed(path.open("a", encoding="utf-8"))
            self._handler.setFormatter(line_formatter(as_json=True))
            logging.getLogger(AUDIT_LOGGER).addHandler(self._handler)

    def emit(self, event: AuditEvent) -> None:
        """Write one event."""
        # Not `asdict`, which copies every value.
        values = ((name, getattr(event, name)) for name in _FIELDS)
        fields = {name: value for name, value in values if value not in (None, ())}
        if event.viewer_id is not None:
            # An id with as many digits as a card number would be masked: then only the reference says who it was.
            fields["viewer_ref"] = self._viewer_ref(event.viewer_id)
            if holds_card_number(event.viewer_id):
                del fields["viewer_id"]
        self._log.info("audit", **fields)

    def close(self) -> None:
        """Close the file."""
        if self._handler is not None:
            logging.getLogger(AUDIT_LOGGER).removeHandler(self._handler)
            self._handler.stream.close()
