"""The lines that every request writes, made without a detour.

A line of the process's log usually passes through structlog's processors, a record of the standard library and its
formatter: 35 µs. These few have fields that are known beforehand. They come to the same line in a tenth of that
wherever the log is lines of JSON and nobody but the process's own handler listens; else they go the way of all.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import select
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

import orjson
import structlog

from graph.telemetry.console import FOR_PEOPLE
from graph.telemetry.redaction import is_clean, redact_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from graph.outbox import Outbox

_SECOND: Final = 1_000_000_000
_NOT_FORMATTED: Final = '{"event":"event withheld: it could not be formatted","level":"error"}'
_LEVELS: Final = {level: logging.getLevelName(level).lower() for level in (logging.INFO, logging.WARNING)}


def to_json(event: Mapping[str, Any]) -> bytes:
    """One line of ASCII, whatever is in it, for an event that is clean."""
    try:
        line = orjson.dumps(event)
    except TypeError:
        # Half a surrogate pair, which orjson refuses.
        return _escaped(event)
    # Some readers take more characters than one for the end of a line.
    return line if line.isascii() else _escaped(event)


def _escaped(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def line_of(event: dict[str, Any]) -> bytes:
    """The line of an event whose fields have names of this code base; redacted, or withheld."""
    return to_json(event if is_clean(event) else redact_event(None, "", event)) + b"\n"


class LineStream:
    """Writes whole lines in one piece, so that lines of several threads and processes do not mix.

    Lines that cannot be written are lost without a word: there is nobody left to tell. What begins with the first
    of them is kept, because a part of it may be out already; it is finished before any other begins.

    Args:
        stream: where to.
        outbox: lets the lines of one turn of its event loop go out together; None writes each at once.
    """

    def __init__(self, stream: TextIO, outbox: Outbox | None = None) -> None:
        stream.flush()
        self._write = _unbuffered(stream)
        self._outbox = outbox
        self._held: list[bytes] = []
        self._rest = b""
        # Two threads that both finish the rest would write it twice. Not for one thread alone: an object that is
        # freed in the midst of a write may have something to log.
        self._writes = threading.RLock()

    def write(self, line: bytes) -> None:
        """Write one line of ASCII, or hold it back until the outbox lets it go."""
        outbox = self._outbox
        if outbox is None or not outbox.is_here():
            self._write_now(line)
            return
        if not self._held:
            outbox.hold_lines(self.flush)
        self._held.append(line)

    def flush(self) -> None:
        """Write what is held back."""
        held, self._held = self._held, []
        if len(held) == 1:
            self._write_now(held[0])
            return
        for piece in _pieces(held):
            self._write_now(piece)

    def _write_now(self, piece: bytes) -> None:
        with self._writes:
            if self._rest:
                self._rest = self._put(self._rest)
            if not self._rest:
                self._rest = self._put(piece)

    def _put(self, piece: bytes) -> bytes:
        """Write what can be written, in most cases all of it; what is left."""
        while piece:
            try:
                written = self._write(piece)
            except (OSError, ValueError):
                # The latter is a stream that is closed.
                break
            if not written:
                # A full pipe that nobody waits for.
                break
            piece = piece[written:]
        return piece


def _pieces(lines: list[bytes]) -> Iterator[bytes]:
    """The same lines, as many of them in a piece as a pipe takes whole while others write to it, too."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        size += len(line)
        if size > select.PIPE_BUF and piece:
            yield b"".join(piece)
            piece, size = [], len(line)
        piece.append(line)
    if piece:
        yield b"".join(piece)


def _unbuffered(stream: TextIO) -> Callable[[bytes], int | None]:
    """Writes to what is below the buffers of a stream, or to the stream itself where there is no file."""
    buffer = getattr(stream, "buffer", None)
    raw = buffer.raw if type(buffer) is io.BufferedWriter else buffer
    if type(raw) is io.FileIO:
        return raw.write

    def write(piece: bytes) -> int:
        stream.write(piece.decode("ascii"))
        stream.flush()
        return len(piece)

    return write


class FailClosed(logging.StreamHandler[TextIO]):
    """Writes a fixed line where one cannot be made; the standard library would print the record's arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the standard library's names
        """Stand in for the lost line."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"{_NOT_FORMATTED}\n")


class JsonLines(FailClosed):
    """The handler of a log of lines of JSON. It takes records, and finished lines, too.

    Args:
        stream: where to.
        outbox: see `LineStream`.
    """

    def __init__(self, stream: TextIO, outbox: Outbox | None = None) -> None:
        super().__init__(stream)
        self._lines: Final = LineStream(stream, outbox)
        self.write_line: Final = self._lines.write

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - whatever went wrong, nothing of the record must be written
            line = _NOT_FORMATTED
        self.write_line(line.encode("ascii") + b"\n")

    def flush(self) -> None:
        """Write what is held back; at the end of the process, nobody else would."""
        self._lines.flush()
        super().flush()


class Lines:
    """The lines of one logger.

    Args:
        name: its name.
        clock: nanoseconds since 1970.
    """

    def __init__(self, name: str, clock: Callable[[], int] = time.time_ns) -> None:
        self._name = name
        self._clock = clock
        # The second that was last, and how it is written.
        self._second = (-1, "")
        self._ours: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
        self._logger = logging.getLogger(name)
        self._root = logging.getLogger()
        self.wants: Final = self._logger.isEnabledFor
        """Whether the log takes lines of a level. Asked first, it spares the making of those that nobody sees."""

    def write(self, level: int, fields: dict[str, Any], for_people: str | None = None) -> None:
        """Write one line, which the log must want.

        Args:
            level: `logging.INFO` or `logging.WARNING`.
            fields: what it says, with a new dictionary for each; `event` is one of them.
            for_people: what only a line for people says, too.
        """
        handler = self.handler()
        if handler is None:
            self._ours.log(level, **fields, **{FOR_PEOPLE: for_people})
        else:
            handler.write_line(self.line(level, fields))

    def line(self, level: int, fields: dict[str, Any]) -> bytes:
        """The finished line."""
        fields["logger"] = self._name
        fields["level"] = _LEVELS[level]
        fields["timestamp"] = self._now()
        return line_of(fields)

    def handler(self) -> JsonLines | None:
        """The one that takes finished lines, if nobody else listens."""
        handlers = self._root.handlers
        if len(handlers) == 1 and not self._logger.handlers:
            only = handlers[0]
            return only if type(only) is JsonLines else None
        return None

    def _now(self) -> str:
        second, rest = divmod(self._clock(), _SECOND)
        last, text = self._second
        if second != last:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = second, text
        return f"{text}.{rest // 1000:06d}Z"
