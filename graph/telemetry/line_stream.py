"""Writes lines to the process's log without blocking.

The reader of a pipe may stall: a log collector's disk is full, or a person scrolls in a terminal. The event loop
must not stall with it. Unwritten lines wait in a bounded buffer; when that is full, lines are lost and counted.

A write costs as much CPU time as rendering a line. So lines from an event loop are written a few milliseconds
later, as many at once as a pipe accepts atomically.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import os
import select
import socket
import stat
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[bytes | bytearray], int | None]

_ROOM: Final = 1 << 20
_RETRY_SECONDS: Final = 0.1
_HELD_SECONDS: Final = 0.005
_LOST: Final = b'{"lost":%d,"event":"log lines were lost: their reader stalled","level":"warning"}\n'


class LineStream:
    """Writes whole lines atomically and in order, so that lines of several writers do not mix.

    Lines from an event loop are held for a moment, except on a terminal. A partially written line is finished
    before another begins.

    Args:
        stream: the destination.
        room: maximum bytes of waiting lines.
    """

    def __init__(self, stream: TextIO, room: int = _ROOM) -> None:
        with contextlib.suppress(OSError):
            # The disk behind it may be full.
            stream.flush()
        self.encoding: Final = getattr(stream, "encoding", None) or "utf-8"
        raw = _raw(stream)
        self._write = _as_text(stream) if raw is None else _nonblocking(self, raw)
        self._may_hold = raw is not None and not raw.isatty()
        self._held = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting = bytearray()
        self._room = room
        self._comes_back = False
        # Two threads must not finish the same line. Reentrant, as a finalizer may log in the middle of a write.
        self._writes = threading.RLock()
        self.lost = 0
        """How many lines were lost for want of room."""
        self._told = 0

    def write(self, lines: bytes) -> None:
        """Write lines now or in a moment; if the reader stalls, buffer them, and without room lose them."""
        with self._writes:
            if not self._may_hold or len(lines) > select.PIPE_BUF or not self._is_timed():
                self.release()
                self._write_now(lines)
                return
            if len(self._held) + len(lines) > select.PIPE_BUF:
                self.release()
            self._held += lines

    def put(self, lines: bytes) -> bool:
        """Write lines now, after the held ones, or not at all; whether they were written."""
        with self._writes:
            if len(self._held) + len(lines) > select.PIPE_BUF:
                self.release()
            held = len(self._held)
            piece, self._held = self._held + lines, bytearray()
            free = self._drained()
            written = self._put(piece) if free else 0
            if written == len(piece):
                return True
            # Only a partially written line is finished.
            end = max(held, piece.index(b"\n", written - 1) + 1) if written else held
            self._keep_or_lose(piece[written:end], begun=written > 0)
            return False

    def release(self) -> None:
        """Write what is held."""
        with self._writes:
            # Taken out first, as in `_write_waiting`.
            held, self._held = self._held, bytearray()
            if held:
                self._write_now(held)

    def flush(self) -> None:
        """Do nothing: structlog flushes after each line, but lines are written in time anyway."""

    def _is_timed(self) -> bool:
        """Whether an event loop will release what is held."""
        if self._loop is not None and self._loop.is_running():
            return True
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
            return False
        self._loop.call_later(_HELD_SECONDS, self._release_in_time)
        return True

    def _release_in_time(self) -> None:
        self._loop = None
        self.release()

    def _write_now(self, lines: bytes | bytearray) -> None:
        written = self._put(lines) if self._drained() else 0
        if written < len(lines):
            self._keep_or_lose(lines[written:], begun=written > 0)

    def _keep_or_lose(self, rest: bytes | bytearray, *, begun: bool) -> None:
        if not begun and len(self._waiting) + len(rest) > self._room:
            self.lost += rest.count(b"\n")
        elif rest:
            self._keep(rest)

    def _keep(self, rest: bytes | bytearray) -> None:
        self._waiting += rest
        # No other line may come to trigger a retry. Without an event loop, the next line does.
        if self._waiting and not self._comes_back:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._come_back)
                self._comes_back = True

    def _come_back(self) -> None:
        with self._writes:
            self._comes_back = False
            self._drained()
            self._keep(b"")

    def _drained(self) -> bool:
        """Write as much as possible of what waits; whether everything was written."""
        if self._waiting:
            self._write_waiting()
        if self.lost > self._told and not self._waiting:
            self._waiting += _LOST % (self.lost - self._told)
            self._told = self.lost
            self._write_waiting()
        return not self._waiting

    def _write_waiting(self) -> None:
        # Taken out first: a log call during the write must not write it again.
        waiting, self._waiting = self._waiting, bytearray()
        del waiting[: self._put(waiting)]
        waiting += self._waiting
        self._waiting = waiting

    def _put(self, piece: bytes | bytearray) -> int:
        """Write as much as possible; how many bytes were written."""
        done = 0
        while done < len(piece):
            try:
                written = self._write(piece[done:] if done else piece)
            except (OSError, ValueError):
                # ValueError: the stream is closed.
                break
            if not written:
                break
            done += written
        return done


def widen_pipe(stream: TextIO) -> None:
    """Enlarge a pipe's buffer to the usual maximum, for readers that are slow for a moment."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _ROOM)


def _raw(stream: TextIO) -> io.FileIO | None:
    """The raw file below a stream's buffers, if there is one."""
    buffer = getattr(stream, "buffer", None)
    raw = buffer.raw if type(buffer) is io.BufferedWriter else buffer
    return raw if type(raw) is io.FileIO else None


def _as_text(stream: TextIO) -> Write:
    encoding = getattr(stream, "encoding", None) or "utf-8"

    def write(piece: bytes | bytearray) -> int:
        stream.write(piece.decode(encoding))
        stream.flush()
        return len(piece)

    return write


def _nonblocking(owner: LineStream, raw: io.FileIO) -> Write:
    """Writes to a file without ever blocking."""
    mode = os.fstat(raw.fileno()).st_mode
    if stat.S_ISSOCK(mode):
        sock = socket.socket(fileno=os.dup(raw.fileno()))
        # Not at exit, when the last lines are still to be written.
        weakref.finalize(owner, sock.close).atexit = False
        return lambda piece: sock.send(piece, socket.MSG_DONTWAIT)
    if not stat.S_ISFIFO(mode) and not raw.isatty():
        return raw.write
    try:
        # Opened again, because other processes that inherited the file share its O_NONBLOCK flag.
        reopened = os.open(
            f"/proc/self/fd/{raw.fileno()}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        )
    except OSError:
        return _polled(raw)
    weakref.finalize(owner, os.close, reopened).atexit = False
    return partial(os.write, reopened)


def _polled(raw: io.FileIO) -> Write:
    """For a file that cannot be opened again: polls first, and writes no more than a pipe with room accepts."""
    room = select.poll()
    room.register(raw.fileno(), select.POLLOUT)
    return lambda piece: raw.write(piece[: select.PIPE_BUF]) if room.poll(0) else None
