"""However writes fail, and whatever comes then, an untouched audit log verifies, and a changed one does not."""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.audit_review.verify import verify
from graph.security.audit_chain import link_of
from graph.telemetry.audit_lines import AuditLines
from graph.telemetry.audit_log import AuditLog
from tests.security.audit_writer import KEY, event
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graph.security.audit_chain import ChainKey

# How many bytes a disk has room for; of the last one, all of the next write but for its line break.
ROOMS: Final = (0, 1, 40, 700, -1)
# What happens after the failures, in words of `Gateways`.
ENDINGS: Final = (
    "end",
    "kill",
    "rotate end",
    "rotate kill",
    "free end",
    "free write end",
    "free write kill",
    "free rotate write end",
    "rotate free write end",
    "rotate rotate free write rotate kill",
    "end free write end",
    "kill free write rotate write kill",
    "kill scarce write kill scarce write kill free write end",
)


class Disk:
    """A disk that becomes full."""

    room: int | None = None
    """How many bytes it takes; all if this is None. If it is negative, all of the next write but so many."""

    def __init__(self) -> None:
        self._write = os.write

    def write(self, file: int, data: bytes) -> int:
        """Take the place of `os.write`."""
        if self.room is None:
            return self._write(file, data)
        size = min(self.room, len(data)) if self.room >= 0 else max(0, len(data) + self.room)
        self.room = max(0, self.room - size)
        if not size:
            raise OSError(errno.ENOSPC, "full")
        return self._write(file, data[:size])


class Gateways:
    """Gateways that write to one file, and start again when they were ended or killed."""

    def __init__(self, folder: Path, disk: Disk, count: int = 1, key: ChainKey | None = KEY) -> None:
        self.path = folder / "audit.log"
        self._disk = disk
        self._key = key
        self._lines: list[AuditLines | None] = [None] * count
        self._fails: set[int] = set()
        self._events = itertools.count(1)
        self._rotations = itertools.count(1)
        for which in range(count):
            self.at(which)

    @property
    def files(self) -> list[Path]:
        """The record."""
        return sorted(self.path.parent.glob("audit.log*"))

    def at(self, which: int) -> AuditLines:
        """Return one that runs."""
        lines = self._lines[which]
        if lines is None:
            lines = self._lines[which] = AuditLines(self.path, self._key, rendered)
        return lines

    def do(self, step: str, which: int = 0, count: int = 3) -> None:
        """Do one thing."""
        match step:
            case "free":
                self._disk.room = None
            case "scarce":
                self._disk.room = 30
            case "write":
                self._write(which, count)
            case "rotate":
                with suppress(FileNotFoundError):
                    self.path.rename(f"{self.path}.{next(self._rotations)}")
                for each, lines in enumerate(self._lines):
                    if lines is not None:
                        self._reopen(each)
            case "end":
                self.at(which).close()
                self._lines[which] = None
            case "kill":
                self.kill(which)

    def kill(self, which: int) -> None:
        """Leave everything as it is."""
        lines = self.at(which)
        lines._file.close()
        if lines._head is not None:
            os.close(lines._head[0])
        self._lines[which] = None

    def _reopen(self, which: int) -> bool:
        try:
            self.at(which).reopen()
        except OSError:
            self._fails.add(which)
        else:
            self._fails.discard(which)
        return which not in self._fails

    def _write(self, which: int, count: int) -> None:
        # As the audit log does, which opens the file anew after a failure.
        lines = self.at(which)
        events = [rendered({"action": "read", "number": next(self._events), "x": "x" * 300}) for _ in range(count)]
        if which not in self._fails or self._reopen(which):
            try:
                lines.write(events)
            except OSError:
                self._fails.add(which)


def rendered(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


@contextmanager
def full_disk() -> Iterator[Disk]:
    disk = Disk()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.write", disk.write)
        yield disk


def findings(files: Sequence[Path]) -> list[str]:
    return [str(finding) for finding in verify(files, KEY).findings]


def missed(files: Sequence[Path]) -> list[str]:
    """Edit and delete each line; return what `verify` does not find."""
    found = []
    whole = [line for file in files for line in lines_of(file) if link_of(line[:-1])]
    for file in files:
        before, lines = file.read_bytes(), lines_of(file)
        for at, line in enumerate(lines):
            link = link_of(line[:-1])
            if link is None or not line.endswith(b"\n"):
                continue
            edited = line.replace(b'"action":"', b'"action":"x', 1)
            # A process that has written nothing else is lost with its line, as with its file.
            is_lost = len([other for other in whole if f'"{link.chain}"'.encode() in other]) == 1
            for name, changed in (("edited", edited), ("deleted", line if is_lost else b"")):
                file.write_bytes(b"".join([*lines[:at], changed, *lines[at + 1 :]]))
                if changed != line and not findings(files):
                    found.append(f"{name}: {line.decode()}")
        file.write_bytes(before)
    return found


def lines_of(file: Path) -> list[bytes]:
    """The lines of a file, and what is torn before them by itself."""
    lines = []
    for line in file.read_bytes().splitlines(keepends=True):
        start = max(0, line.rfind(b'{"action":"'))
        lines += [part for part in (line[:start], line[start:]) if part]
    return lines


def emptied(folder: Path) -> Path:
    for file in folder.glob("audit.log*"):
        file.unlink()
    return folder


@pytest.mark.slow
@table("room", ROOMS)
@table("failures", [1, 2, 3])
@table("ending", ENDINGS)
def test_a_disk_that_was_full_leaves_an_untouched_record(
    room: int, failures: int, ending: str, tmp_path: Path
) -> None:
    with full_disk() as disk:
        gateways = Gateways(emptied(tmp_path), disk)
        gateways.do("write")
        for _ in range(failures):
            disk.room = room
            gateways.do("write")
        for step in ending.split():
            gateways.do(step)
    assert findings(gateways.files) == []
    assert missed(gateways.files) == []


def test_a_disk_that_stays_full_for_more_than_one_retry_breaks_no_chain(tmp_path: Path) -> None:
    now = [0.0]
    with full_disk() as disk:
        log = AuditLog(tmp_path / "audit.log", str.upper, KEY, clock=lambda: now[0])
        assert log.record([event(1)])
        disk.room = 389
        for _ in range(3):
            assert not log.record([event(2)])
            now[0] += 1.2
        disk.room = None
        assert log.record([event(3)])
        log.close()
    verdict = verify([tmp_path / "audit.log"], KEY)
    assert (verdict.findings, verdict.notes) == ([], [])
    actions = [json.loads(line)["action"] for line in lines_of(tmp_path / "audit.log")]
    assert actions == ["opened", "read", "read", "resumed", "read", "closed"]


@table("room", [0, 40, -1])
def test_a_gateway_that_is_ended_on_a_full_disk_leaves_what_a_killed_one_leaves(room: int, tmp_path: Path) -> None:
    path = emptied(tmp_path) / "audit.log"
    with full_disk() as disk:
        log = AuditLog(path, str.upper, KEY)
        assert log.record([event(1), event(2)])
        disk.room = room
        log.close()
    verdict = verify([path], KEY)
    assert (verdict.findings, verdict.lines, len(verdict.notes)) == ([], 3, int(room != 0))
    # What was written before is still protected.
    path.write_bytes(b"".join(lines_of(path)[:2]))
    assert findings([path]) == [f"{path}: its end was cut off: line 3 is missing"]


STEPS: Final = st.tuples(
    st.sampled_from(["write", "write", "write", "full", "full", "free", "rotate", "end", "kill"]),
    st.integers(0, 1),
    st.integers(1, 3),
    st.sampled_from(ROOMS) | st.integers(0, 1_200),
)


@given(st.integers(1, 2), st.lists(STEPS, max_size=12))
def test_no_sequence_of_failures_rotations_and_ends_is_taken_for_a_change(
    tmp_path_factory: pytest.TempPathFactory, count: int, steps: list[tuple[str, int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("record")
    with full_disk() as disk:
        gateways = Gateways(folder, disk, count)
        for step, which, number, room in steps:
            if step == "full":
                disk.room = room
            gateways.do(step, which % count, number)
        for which in range(count):
            gateways.kill(which)
    assert findings(gateways.files) == []
    assert missed(gateways.files) == []


def test_a_full_disk_at_the_start_leaves_no_file_that_was_not_begun(tmp_path: Path) -> None:
    with full_disk() as disk:
        disk.room = 40
        gateways = Gateways(tmp_path, disk)
        assert gateways.files == []
        gateways.do("write")
        gateways.do("free")
        gateways.do("write")
        gateways.do("end")
    assert [findings(gateways.files), verify(gateways.files, KEY).lines] == [[], 5]


def test_an_empty_file_of_somebody_elses_is_left_there_when_it_cannot_be_begun(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.touch(0o640)
    with full_disk() as disk:
        disk.room = 0
        Gateways(tmp_path, disk).do("end")
    assert path.read_bytes() == b""


def test_a_full_disk_uses_up_no_open_files(tmp_path: Path) -> None:
    with full_disk() as disk:
        gateways = Gateways(tmp_path, disk)
        gateways.do("write")
        disk.room = 0
        gateways.do("rotate")
        counts = set()
        for _ in range(5):
            gateways.do("write")
            counts.add(len([*Path("/proc/self/fd").iterdir()]))
    assert len(counts) == 1


@table("room", [1, 5, 40, 700, -1])
def test_a_line_that_is_torn_before_those_of_another_gateway_is_given_up(room: int, tmp_path: Path) -> None:
    with full_disk() as disk:
        gateways = Gateways(emptied(tmp_path), disk, 2)
        gateways.do("write")
        for which in (0, 1):
            disk.room = room
            gateways.do("write", which)
        gateways.do("free")
        for which in (1, 0, 1):
            gateways.do("write", which)
        for which in (0, 1):
            gateways.do("end", which)
    assert findings(gateways.files) == []
    assert missed(gateways.files) == []
    assert verify(gateways.files, KEY).notes


@table("room", [1, 40, 700, -1])
def test_without_a_key_a_torn_line_is_finished_too(room: int, tmp_path: Path) -> None:
    with full_disk() as disk:
        gateways = Gateways(emptied(tmp_path), disk, key=None)
        for _ in range(3):
            disk.room = room
            gateways.do("write")
        gateways.do("free")
        gateways.do("write")
        gateways.do("end")
    (file,) = gateways.files
    assert all(json.loads(line)["action"] == "read" for line in file.read_text("utf-8").splitlines())


def test_a_line_that_a_full_pipe_tore_is_finished_once_somebody_reads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 8192)
    lines = AuditLines(tmp_path / "pipe", KEY, rendered)
    event = rendered({"action": "read", "x": "x" * 10_000})
    read = b""
    for number in range(1, 3):
        with pytest.raises(BlockingIOError):
            lines.write([event])
        read += os.read(reader, 65_536)
        lines.reopen()
        lines.write([rendered({"action": "read", "number": number})])
        read += os.read(reader, 65_536)
    lines.close()
    (tmp_path / "copy").write_bytes(read + os.read(reader, 65_536))
    os.close(reader)
    verdict = verify([tmp_path / "copy"], KEY)
    assert (verdict.findings, verdict.lines) == ([], 6)


def test_a_device_that_is_full_is_tried_again() -> None:
    lines = AuditLines(Path("/dev/full"), KEY, rendered)
    for _ in range(2):
        with pytest.raises(OSError, match="space"):
            lines.write([rendered({"action": "read"})])
    lines.close()


def test_braces_without_end_are_judged_at_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"{" * 1_000_000)
    assert findings([path]) == [f"{path}:1: a line without a seal"]
