"""Line streams: each line is written atomically, and nothing breaks when writing fails."""

from __future__ import annotations

import asyncio
import fcntl
import io
import itertools
import json
import os
import pty
import resource
import select
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, TextIO

import pytest

from graph.telemetry import line_stream
from graph.telemetry.line_stream import LineStream

if TYPE_CHECKING:
    from pathlib import Path

LINES = [b'{"n":%d,"filling":"%s"}\n' % (number, b"x" * 4_500) for number in range(100)]


def small_pipe() -> tuple[int, int]:
    """A small non-blocking pipe: its read end and its write end."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4_096)
    for end in (reading, writing):
        os.set_blocking(end, False)
    return reading, writing


def drained(reading: int) -> bytes:
    """All data in a non-blocking pipe."""
    read = b""
    while True:
        try:
            chunk = os.read(reading, 65_536)
        except BlockingIOError:
            return read
        read += chunk


def without_notices(read: bytes, lost: int) -> list[bytes]:
    """The lines without the reports of lost lines, whose numbers must add up."""
    lines = read.splitlines(keepends=True)
    notices = [line for line in lines if line.startswith(b'{"lost":')]
    assert lost == sum(json.loads(notice)["lost"] for notice in notices)
    return [line for line in lines if line not in notices]


async def test_unread_lines_are_written_later_without_a_further_line() -> None:
    reading, writing = small_pipe()
    expected = b"".join(LINES[:4])
    read = b""
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        lines = LineStream(stream)
        for line in LINES[:4]:
            lines.write(line)
        async with asyncio.timeout(30):
            while len(read) < len(expected):
                await asyncio.sleep(0)
                read += drained(reading)
    os.close(reading)
    assert (read, lines.lost) == (expected, 0)


def test_a_reader_that_stalls_stops_nobody_and_changes_nothing_for_others_at_the_same_pipe() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        lines = LineStream(stream)
        # More than fits into a pipe, so that a blocking write would never return.
        for _ in range(40):
            lines.write(b"x" * 20_000 + b"\n")
        assert lines.put(b"a line\n") is False
        assert os.get_blocking(writing)
    os.close(reading)


def test_put_writes_after_waiting_lines_or_not_at_all() -> None:
    reading, writing = small_pipe()
    read = b""
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        lines = LineStream(stream)
        lines.write(b"x" * 4_095 + b"\n")
        assert lines.put(b"refused\n") is False
        read += drained(reading)
        assert lines.put(b"taken\n") is True
        read += drained(reading)
    os.close(reading)
    assert read == b"x" * 4_095 + b"\ntaken\n"


def test_each_line_is_written_by_one_call_and_at_once() -> None:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with theirs, os.fdopen(ours.detach(), "w", encoding="utf-8") as stream:
        lines = LineStream(stream)
        theirs.settimeout(30)
        for line in (b"short\n", b'{"a":"%s"}\n' % (b"x" * 20_000)):
            lines.write(line)
            assert line == theirs.recv(65_536)


def both_ends() -> tuple[socket.socket, TextIO]:
    """A read end that returns each write separately, and its write end."""
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.settimeout(30)
    return theirs, os.fdopen(ours.detach(), "w", encoding="utf-8")


def no_space(size: int) -> None:
    """Limit the size of files, like a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def nothing_comes(theirs: socket.socket) -> bool:
    return select.select([theirs], [], [], 0)[0] == []


async def test_lines_of_an_event_loop_go_out_together_after_a_moment() -> None:
    theirs, stream = both_ends()
    with theirs, stream:
        lines = LineStream(stream)
        for _ in range(2):
            lines.write(b"first\n")
            thread = threading.Thread(target=lines.write, args=(b"of a thread\n",))
            thread.start()
            thread.join()
            lines.write(b"third\n")
            assert nothing_comes(theirs)
            await asyncio.sleep(0.05)
            assert theirs.recv(65_536) == b"first\nof a thread\nthird\n"


async def test_no_more_lines_are_held_back_than_go_into_a_pipe_in_one_piece() -> None:
    theirs, stream = both_ends()
    with theirs, stream:
        lines = LineStream(stream)
        written = [b"x" * size + b"\n" for size in (2_000, 2_000, 2_000, 9_000, 1)]
        for line in written:
            lines.write(line)
        assert [written[0] + written[1], written[2], written[3]] == [theirs.recv(65_536) for _ in range(3)]
        assert nothing_comes(theirs)
        lines.release()
        assert written[4] == theirs.recv(65_536)


async def test_put_writes_at_once_with_held_lines() -> None:
    theirs, stream = both_ends()
    with theirs, stream:
        lines = LineStream(stream)
        for held in (b"held back\n", b"x" * 4_000 + b"\n"):
            lines.write(held)
            assert lines.put(b"urgent\n" * 20)
            got = theirs.recv(65_536)
            if len(held) > 1_000:
                # As much as a pipe accepts atomically.
                got += theirs.recv(65_536)
            assert held + b"urgent\n" * 20 == got
            assert nothing_comes(theirs)


@pytest.mark.parametrize("taken", [0, 5, 10, 12, 17, 20])
async def test_lines_that_put_could_not_write_are_not_written_later(taken: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        lines = LineStream(stream)
        lines.write(b"held back\n")
        no_space(taken)
        assert not lines.put(b"first\nsecond\n")
        no_space(resource.RLIM_INFINITY)
        lines.release()
        lines.write(b"later\n")
        lines.release()
    begun = b"" if taken <= 10 else b"first\n" if taken <= 16 else b"first\nsecond\n"
    assert b"held back\n" + begun + b"later\n" == path.read_bytes()


def test_lines_of_an_ended_event_loop_are_written_with_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    # However long the loops take to end.
    monkeypatch.setattr(line_stream, "_HELD_SECONDS", 60)
    theirs, stream = both_ends()

    async def leave(line: bytes) -> None:
        lines.write(line)

    with theirs, stream:
        lines = LineStream(stream)
        asyncio.run(leave(b"first\n"))
        asyncio.run(leave(b"second\n"))
        assert nothing_comes(theirs)
        lines.write(b"third\n")
        assert [theirs.recv(65_536) for _ in range(2)] == [b"first\nsecond\n", b"third\n"]


async def test_at_a_terminal_nothing_is_held_back() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        LineStream(stream).write(b"a line\n")
        os.set_blocking(ours, False)
        assert os.read(ours, 65_536) == b"a line\r\n"
    os.close(ours)


ENDING = """
import asyncio, sys
import structlog
from graph.telemetry.logs import configure_logging
configure_logging("info", as_json=True)
async def main():
    structlog.get_logger("konagraph").info("last words")
asyncio.run(main())
"""


@pytest.mark.process
def test_the_last_lines_of_a_process_are_written() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, check=False, timeout=60)
    assert (done.returncode, [json.loads(one)["event"] for one in done.stderr.splitlines()]) == (0, ["last words"])


def test_lines_come_after_what_was_printed_before(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("first\n")
        lines = LineStream(stream)
        lines.write(b"second\n")
        stream.write("third\n")
        stream.flush()
        lines.write(b"fourth\n")
    assert path.read_bytes() == b"first\nsecond\nthird\nfourth\n"


def test_a_stream_without_a_file_gets_lines_as_text() -> None:
    stream = io.StringIO()
    LineStream(stream).write(b"a line\n")
    assert stream.getvalue() == "a line\n"


def test_a_stream_over_bytes_gets_lines_at_once() -> None:
    kept = io.BytesIO()
    stream = io.TextIOWrapper(kept, encoding="utf-8")
    LineStream(stream).write(b"a line\n")
    assert kept.getvalue() == b"a line\n"


def test_a_stream_that_is_closed_loses_the_line_without_a_word(tmp_path: Path) -> None:
    for stream in (io.StringIO(), (tmp_path / "log").open("w", encoding="utf-8")):
        lines = LineStream(stream)
        stream.close()
        lines.write(b"a line\n")


def test_a_full_disk_loses_the_line_without_a_word() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123 - it is no path of ours
        LineStream(stream).write(b"a line\n")


def test_a_reader_that_is_gone_loses_the_line_without_a_word() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        lines = LineStream(stream)
        os.close(reading)
        lines.write(b"a line\n")


def test_a_full_pipe_that_nobody_waits_for_loses_whole_lines_and_tears_none() -> None:
    reading, writing = small_pipe()
    read = b""
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        lines = LineStream(stream, room=0)
        for number, line in enumerate(LINES):
            lines.write(line)
            if number % 3 == 2:
                read += drained(reading)
        for last in (b"", b"", b"{}\n"):
            read += drained(reading)
            lines.write(last)
        read += drained(reading)
    os.close(reading)
    found = without_notices(read, lines.lost)
    # Partially written lines are finished in order; lines without room are absent.
    assert [*(line for line in LINES if line in found), b"{}\n"] == found
    assert 10 < len(found) < len(LINES)
    assert len(LINES) + 1 == len(found) + lines.lost


WRITER = """
import sys
from graph.telemetry.line_stream import LineStream
lines = LineStream(sys.stderr)
print("printed", file=sys.stderr)
lines.write(b'{"a":1}\\n')
print("printed", file=sys.stderr)
"""


@pytest.mark.process
@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_standard_error_is_written_without_a_buffer_and_in_order(options: list[str]) -> None:
    done = subprocess.run([sys.executable, *options, "-c", WRITER], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b'printed\n{"a":1}\nprinted\n')


@pytest.mark.slow
def test_threads_that_meet_at_a_full_pipe_write_nothing_twice() -> None:
    reading, writing = small_pipe()
    read = b""
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        lines = LineStream(stream)

        enough = threading.Event()

        def write(name: str) -> None:
            for number in itertools.count():
                if enough.is_set():
                    break
                lines.write(f"{name} {number} {'x' * 1_500}\n".encode())

        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        while len(read) < 500_000:
            read += drained(reading)
        enough.set()
        for thread in threads:
            thread.join()
        read += drained(reading)
    os.close(reading)
    found = [tuple(line.split()[:2]) for line in read.splitlines()]
    assert len(set(found)) == len(found)


def test_a_line_in_the_midst_of_another_one_s_writing_hangs_nothing() -> None:
    class Reentrant(io.StringIO):
        def write(self, text: str) -> int:
            if text == "outer\n":
                lines.write(b"inner\n")
            return super().write(text)

    stream = Reentrant()
    lines = LineStream(stream)
    thread = threading.Thread(target=lines.write, args=(b"outer\n",), daemon=True)
    thread.start()
    thread.join(10)
    assert stream.getvalue() == "inner\nouter\n"
