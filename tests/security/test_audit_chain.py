"""A changed audit log shows, and an untouched one does not, however its processes ended."""

from __future__ import annotations

import gzip
import os
import random
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from graph.audit_review.verify import verify
from graph.security.audit_chain import ChainKey, head_of, head_offset, link_of
from graph.telemetry.audit_log import AuditLog
from schema.secrets import Credential
from tests.security.audit_writer import KEY, event
from tests.tables import table
from tests.tools import examples

if TYPE_CHECKING:
    from collections.abc import Callable
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


Mutilate = "Callable[[random.Random, list[bytes]], None]"


def edit(dice: random.Random, lines: list[bytes]) -> None:
    at = dice.randrange(len(lines))
    line = bytearray(lines[at])
    place = dice.randrange(len(line) - 1)
    line[place] = dice.choice([byte for byte in b'abc0189"}{ ' if byte != line[place]])
    lines[at] = bytes(line)


def delete(dice: random.Random, lines: list[bytes]) -> None:
    # Not the last one of a file without an end: that is a cut tail.
    del lines[dice.randrange(len(lines))]


def swap(dice: random.Random, lines: list[bytes]) -> None:
    first = dice.randrange(len(lines) - 1)
    second = dice.choice([first + 1, dice.randrange(first + 1, len(lines))])
    lines[first], lines[second] = lines[second], lines[first]


def duplicate(dice: random.Random, lines: list[bytes]) -> None:
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))


def append(dice: random.Random, lines: list[bytes]) -> None:
    forged = dice.choice(lines).replace(b"192.0.2.1", b"192.0.2.2").replace(b"opened", b"read")
    lines.append(dice.choice([forged, b"{}\n", b'{"action":"read"}\n', lines[-1], b"\n"]))


def cut(dice: random.Random, lines: list[bytes]) -> None:
    del lines[-dice.choice([1, 2, dice.randrange(1, len(lines))]) :]


def cut_within_a_line(dice: random.Random, lines: list[bytes]) -> None:
    cut(dice, lines)
    lines[-1] = lines[-1][: dice.randrange(1, len(lines[-1]))]


def forge(dice: random.Random, lines: list[bytes]) -> None:
    """Seal a line anew with another key."""
    guess = ChainKey(Credential(f"a guess at the key {dice.random()}"))
    at = dice.randrange(1, len(lines))
    lines[at] = lines[at][:-36] + guess.seal(b"", lines[at]).mac + b'"}\n'


KINDS: Final = (edit, delete, swap, duplicate, append, cut, cut_within_a_line, forge)


# A tracer doubles the time of the long ones.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("ended", "count", "mutilations"),
    [
        pytest.param(True, 100, 80, id="short"),
        pytest.param(False, 100, 80, id="short and killed"),
        pytest.param(True, 500, 160, id="ended", marks=pytest.mark.no_cover),
        pytest.param(False, 10_000, 40, id="killed", marks=pytest.mark.no_cover),
    ],
)
def test_every_mutilation_of_a_record_is_found_and_nothing_of_an_untouched_one(
    tmp_path: Path, count: int, mutilations: int, *, ended: bool
) -> None:
    files = record(tmp_path, count, ended=ended)
    verdict = verify(files, KEY)
    assert (verdict.findings, verdict.notes, verdict.chains) == ([], [], 2)
    assert verdict.lines >= count
    missed = []
    dice = random.Random(20_261_127)  # noqa: S311 - to repeat a failure
    for number in range(max(len(KINDS), examples(mutilations))):
        mutilate, file = KINDS[number % len(KINDS)], dice.choice(files)
        before = file.read_bytes()
        lines = before.splitlines(keepends=True)
        mutilate(dice, lines)
        after = b"".join(lines)
        file.write_bytes(after)
        if not verify(files, KEY).findings and after != before:
            missed.append((number, mutilate.__name__, file.name, len(before) - len(after)))
        file.write_bytes(before)
    assert missed == []
    for file in files:
        assert texts([file])


@pytest.mark.process
def test_processes_that_are_rotated_killed_and_ended_leave_an_untouched_record(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.security.audit_writer", str(tmp_path / "audit.log")]
    for rotations in range(3):
        path = tmp_path / "audit.log"
        writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.read(1)
            writer.stdout.close()
        for rotation in range(rotations + 1):
            waited_for = time.monotonic() + 30
            while not path.exists() or path.read_bytes().count(b"\n") < 300:
                assert time.monotonic() < waited_for
                time.sleep(0.01)
            if rotation < rotations:
                path.rename(tmp_path / f"audit.log.{rotations}{rotation}")
                for writer in writers:
                    writer.send_signal(signal.SIGHUP)
        for writer in writers[:2]:
            writer.kill()
        writers[2].terminate()
        for writer in writers:
            writer.wait(timeout=30)
        files = list(tmp_path.iterdir())
        assert texts(files) == []
        killed = path.read_bytes()
        # A process may be killed between its last write and the head that tells of it.
        path.write_bytes(b"".join(killed.splitlines(keepends=True)[:-20]))
        assert texts(files) != []
        path.write_bytes(killed)


def test_a_head_cannot_be_moved_back_to_an_earlier_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 30)
    lines = path.read_bytes().splitlines(keepends=True)
    kept = lines[:10]
    last = link_of(kept[-1].rstrip())
    assert last is not None
    head = head_offset(lines[0])
    assert head is not None
    size = len(b"".join(kept))
    text = (b"%d %d open %s" % (last.seq, size, last.mac)).ljust(66)
    path.write_bytes(b"".join([kept[0][:head] + text + kept[0][head + 66 :], *kept[1:]]))
    assert texts([path]) == ["changed: its head"]


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


def test_a_process_that_is_killed_behind_its_first_line_has_a_head_and_a_blank_one_is_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"
    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", lambda *_: 0)
        written(path, 0)
    assert texts([path]) == []
    line = path.read_bytes()
    head = head_offset(line)
    assert head is not None
    path.write_bytes(line[:head] + b" " * 66 + line[head + 66 :])
    assert texts([path]) == ["changed: its head"]


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


def test_a_deleted_file_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    log = written(path, 6)
    path.unlink()
    assert log.record([event(1)])
    log.close()
    assert texts([path]) == ["the file before it: missing"]
    assert texts([path], older_deleted=True) == []


def test_compressed_files_are_read(tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1.gz"
    log = written(path, 30)
    path.rename(tmp_path / "old")
    log.reopen()
    log.close()
    old.write_bytes(gzip.compress((tmp_path / "old").read_bytes()))
    assert texts([old, path]) == []


def test_a_line_that_is_too_long_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 9).close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"action":"' + b"x" * (3 << 20) + b"\n")
    assert texts([path]) == ["a line without a seal"]


def test_a_record_of_any_length_is_verified_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 3_000).close()
    tracemalloc.start()
    try:
        assert texts([path]) == []
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < path.stat().st_size / 4


def test_a_compressed_file_that_is_cut_or_none_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "audit.log.1.gz"
    whole = gzip.compress(b"x" * 1_000)
    for content in (whole[:-9], whole[:12], b"nothing", whole[:20] + b"xxxx" + whole[24:]):
        path.write_bytes(content)
        with pytest.raises(OSError, match="cut, or not compressed") as caught:
            verify([path], KEY)
        assert caught.value.filename == str(path)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 6).close()
    assert verify([path], ChainKey(Credential("another key, as long as it has to be"))).findings


SEALED: Final = b',"chain":"abcdefghijkl","seq":1,"mac":"' + b"a" * 32 + b'"}\n'


@table(
    "text",
    [
        b"",
        b"\n",
        b"nothing\n",
        b'{"action":"read"}\n',
        b'{"action":"' + b"x" * (3 << 20),
        b'{"action":' + b"[" * 100_000 + SEALED,
        b'{"action":"opened","file":1,"previous":"\\ud800"' + SEALED,
        b'{"action":"opened","file":' + b"1" * 5_000 + SEALED,
        b'{"action":"opened","viewer_id":"\xff"' + SEALED,
    ],
)
def test_what_is_no_record_is_a_finding(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(text)
    assert texts([tmp_path / "x"]) != []


def test_a_file_that_cannot_be_changed_in_its_middle_has_no_head_which_is_said(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    written(path, 6).close()
    (tmp_path / "copy").write_bytes(os.read(reader, 65_536))
    os.close(reader)
    verdict = verify([tmp_path / "copy"], KEY)
    assert verdict.findings == []
    assert "no head" in verdict.notes[0].text


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


def test_a_head_cannot_be_made_to_say_that_the_chain_goes_on(tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    log = written(path, 5)
    path.rename(old)
    log.reopen()
    log.record([event(9)])
    log.close()
    path.unlink()
    lines = old.read_bytes()
    assert texts([old]) == ["the file that follows it is missing"]
    old.write_bytes(lines.replace(b" ended ", b" open ", 1).replace(b' "', b'  "', 1))
    link = link_of(old.read_bytes().partition(b"\n")[0])
    head = None if link is None else head_of(link)
    assert head is not None
    assert not head.is_ended
    assert texts([old]) == ["changed: its head"]


def test_the_end_that_a_head_tells_of_cannot_be_moved(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, 5).close()
    lines = path.read_bytes()
    size = b" %d ended " % len(lines)
    assert lines.count(size) == 1
    path.write_bytes(lines.replace(size, b" %d ended " % (len(lines) - 1)))
    assert "changed: its head" in texts([path])
