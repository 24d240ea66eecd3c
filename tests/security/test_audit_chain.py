"""A changed audit log shows, and an untouched one does not, however its processes ended."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest

from graph.audit_review.verify import verify
from graph.security.audit_chain import ChainKey, head_of, head_offset, link_of
from schema.secrets import Credential
from tests.security.audit_writer import KEY, event
from tests.security.audited import texts, written
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_compressed_file_that_is_truncated_or_none_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "audit.log.1.gz"
    whole = gzip.compress(b"x" * 1_000)
    for content in (whole[:-9], whole[:12], b"nothing", whole[:20] + b"xxxx" + whole[24:]):
        path.write_bytes(content)
        with pytest.raises(OSError, match="is truncated, or is not a gzip file") as caught:
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
