"""Lines that a process did not finish, and what only looks like them."""

from __future__ import annotations

import resource
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from graph.audit_review.verify import verify
from graph.telemetry.audit_log import AuditLog
from tests.security.audit_writer import KEY, event
from tests.security.audited import texts, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_line_that_a_killed_process_did_not_finish_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 10)
    whole = path.read_bytes()
    line = whole.splitlines(keepends=True)[-1]
    for torn in (line[:1], line[:40], line[:-1][:-20], line[:-1]):
        path.write_bytes(whole + torn)
        verdict = verify([path], KEY)
        assert (verdict.findings, len(verdict.notes)) == ([], 1)
        assert "torn" in verdict.notes[0].text
    # The next process goes on in the same file.
    written(path, 4).close()
    verdict = verify([path], KEY)
    assert (verdict.findings, len(verdict.notes), verdict.chains) == ([], 1, 2)


def test_a_cut_within_the_last_line_is_a_finding_because_the_head_tells_that_it_was_finished(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.log"
    written(path, 9)
    whole = path.read_bytes()
    for left_out in (1, 2, 20, len(whole.splitlines(keepends=True)[-1]) - 1):
        path.write_bytes(whole[:-left_out])
        assert "its end was cut off: line 10 is missing" in texts([path])


def test_a_line_that_a_killed_process_did_not_finish_before_another_ones_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 10)
    other = AuditLog(path, str.upper, KEY)
    torn = path.read_bytes().splitlines()[5][:60]
    with path.open("ab") as file:
        file.write(torn)
    assert other.record([event(1), event(2)])
    other.close()
    verdict = verify([path], KEY)
    assert (verdict.findings, len(verdict.notes), verdict.chains) == ([], 1, 2)


def test_a_line_that_is_torn_where_the_process_ended_well_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 10).close()
    whole = path.read_bytes()
    line = whole.splitlines()[5]
    for changed in (whole[:-20], whole + line[:40]):
        path.write_bytes(changed)
        assert texts([path]) != []


@pytest.mark.slow
def test_a_full_disk_in_the_middle_of_a_line_breaks_no_chain(tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    log = written(path, 6)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 500, before[1]))
    try:
        assert not log.record([event(1), event(2), event(3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    path.rename(old)
    log.reopen()
    time.sleep(1)
    assert log.record([event(4)])
    log.close()
    assert texts([path, old]) == []


@pytest.mark.parametrize(
    "filler",
    [
        lambda lines: lines.replace(b"\n", b" "),
        lambda lines: b"{" * len(lines),
        lambda lines: b'{"action":"read'.ljust(len(lines)),
        lambda lines: b'{"action":"opened"'.ljust(len(lines)),
    ],
    ids=["unbroken", "braces", "a read", "an opened line"],
)
def test_a_filler_in_the_place_of_lines_is_no_torn_line(filler: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    sizes = [0]
    for _ in range(3):
        written(path, 5).close()
        sizes.append(path.stat().st_size)
    lines = path.read_bytes()
    for start, end in pairwise(sizes):
        path.write_bytes(lines[:start] + filler(lines[start:end]) + lines[end:])
        assert texts([path]) != []
