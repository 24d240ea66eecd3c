"""Audit logs as files, and what verifying them finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.audit_review.verify import verify
from graph.telemetry.audit_log import AuditLog
from tests.security.audit_writer import KEY, event

if TYPE_CHECKING:
    from pathlib import Path


def texts(files: list[Path], *, older_deleted: bool = False) -> list[str]:
    return [finding.text for finding in verify(files, KEY, older_deleted=older_deleted).findings]


def written(path: Path, count: int) -> AuditLog:
    """An open log of at least so many lines."""
    log = AuditLog(path, str.upper, KEY)
    for number in range(0, count, 3):
        log.record([event(number), event(number + 1), event(number + 2)])
    return log


def record(folder: Path, count: int, *, ended: bool) -> list[Path]:
    """A rotated record of two gateways that write to the same file."""
    path, old = folder / "audit.log", folder / "audit.log.1"
    logs = [AuditLog(path, str.upper, KEY) for _ in range(2)]
    for number in range(count // 2):
        logs[number % 3 % 2].record([event(number + each) for each in range(number % 4 + 1)])
        if number == count // 5:
            path.rename(old)
            for log in logs:
                log.reopen()
    if ended:
        for log in logs:
            log.close()
    return [path, old]
