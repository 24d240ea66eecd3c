"""A process that writes an audit log until it is stopped; SIGHUP opens the file anew."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graph.security.audit import AuditEvent
from graph.security.audit_chain import ChainKey
from graph.telemetry.audit_log import AuditLog
from schema.secrets import Credential

if TYPE_CHECKING:
    from types import FrameType

KEY: Final = ChainKey(Credential("the key of the audit log's chains"))


def event(number: int) -> AuditEvent:
    """An event whose line has a length of its own."""
    fields = ("idNo", "balance", "maskedCardNo")[: number % 3 + 1]
    viewer = f"viewer-{number * number % 977}"
    return AuditEvent("read", f"request-{number}", "192.0.2.1", "service", viewer, "r" * 30, fields, what="card")


def main(path: Path) -> None:
    """Write to a file."""
    asked: set[int] = set()

    def note(number: int, _frame: FrameType | None) -> None:
        asked.add(number)

    signal.signal(signal.SIGHUP, note)
    signal.signal(signal.SIGTERM, note)
    log = AuditLog(path, lambda viewer: f"ref-of-{viewer}", KEY)
    # From now on, signals are waited for.
    print(flush=True)  # noqa: T201
    number = 0
    while signal.SIGTERM not in asked:
        if signal.SIGHUP in asked:
            asked.remove(signal.SIGHUP)
            log.reopen()
        log.record([event(number + each) for each in range(number % 4 + 1)])
        number += 4
    log.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
