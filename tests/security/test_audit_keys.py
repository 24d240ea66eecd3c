"""The audit log's key can be replaced, and each process's lines verify with the key of its time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from graph.audit_review.verify import verify
from graph.security.audit_chain import ChainKey, link_of
from graph.telemetry.audit_log import AuditLog
from schema.secrets import Credential
from tests.security.audit_writer import event

if TYPE_CHECKING:
    from graph.audit_review.verdict import Verdict

OLD: Final = ChainKey(Credential("the key that was replaced in March"))
NEW: Final = ChainKey(Credential("the key that gateways have since then"))
UNKNOWN: Final = "no line of this process verifies"


def started(path: Path, key: ChainKey) -> AuditLog:
    log = AuditLog(path, str.upper, key)
    log.record([event(1), event(2), event(3)])
    return log


def verdict_of(*files: Path) -> Verdict:
    return verify(files, NEW, [(Path("old-key"), OLD)])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A log that was rotated by SIGHUP after the key was replaced, and before the restart."""
    path, rotated = tmp_path / "audit.log", tmp_path / "audit.log.1"
    log = started(path, OLD)
    path.rename(rotated)
    log.reopen()
    log.record([event(4)])
    log.close()
    started(path, NEW).close()
    return [path, rotated]


def test_a_file_may_have_lines_of_an_old_key_and_of_the_current_one(files: list[Path]) -> None:
    verdict = verdict_of(*files)
    assert (verdict.findings, verdict.chains) == ([], 2)
    ((file, _, text),) = verdict.notes
    assert file == Path("old-key")
    assert text.startswith("this old key sealed lines until 20")
    # Nothing is said of a key that no line needs.
    only_new = files[0].with_name("new")
    started(only_new, NEW).close()
    assert verdict_of(only_new).notes == []


def test_without_the_old_key_its_lines_are_one_finding_for_each_process_and_file(files: list[Path]) -> None:
    findings = verify(files, NEW).findings
    assert [(each.file, each.line) for each in findings] == [(files[0], 1), (files[1], 1)]
    assert all(each.text.startswith(UNKNOWN) for each in findings)


@pytest.mark.parametrize("number", range(8))
def test_a_change_shows_whichever_key_sealed_the_line(number: int, files: list[Path]) -> None:
    lines = files[0].read_bytes().splitlines(keepends=True)
    lines[number] = lines[number].replace(b"audit", b"Audit", 1)
    files[0].write_bytes(b"".join(lines))
    assert verdict_of(*files).findings


def test_the_rest_of_a_chain_cannot_be_sealed_anew_with_an_old_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    started(path, NEW).close()
    lines = path.read_bytes().splitlines(keepends=True)
    links = [link for line in lines if (link := link_of(line.rstrip())) is not None]
    before = links[1].mac
    for number, link in enumerate(links[2:], 2):
        mac = OLD.seal(before, link.body).mac
        lines[number], before = lines[number].replace(link.mac, mac), mac
    path.write_bytes(b"".join(lines))
    assert [each.line for each in verdict_of(path).findings if each.text == "changed"] == [3, 4, 5]


def test_no_process_can_have_started_with_an_old_key_behind_lines_of_the_current_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    started(path, NEW).close()
    started(path, OLD).close()
    (finding,) = verdict_of(path).findings
    assert finding.text == "sealed with an old key, after lines of the current one"


def test_gateways_that_share_a_file_may_be_restarted_one_by_one(tmp_path: Path) -> None:
    path, rotated = tmp_path / "audit.log", tmp_path / "audit.log.1"
    logs = [started(path, OLD), started(path, OLD)]
    for log in logs:
        log.close()
        renewed = started(path, NEW)
        logs[1].record([event(4)])
    path.rename(rotated)
    renewed.reopen()
    renewed.close()
    assert verdict_of(path, rotated).findings == []
