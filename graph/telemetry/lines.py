"""The lines that every request writes, made without a detour.

A line of the process's log usually passes through structlog's processors, a record of the standard library and its
formatter: 35 µs. These few have fields that are known beforehand. They come to the same line in a tenth of that
wherever the log is lines of JSON and nobody but the process's own handler listens; else they go the way of all.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

import orjson
import structlog

from graph.telemetry.console import FOR_PEOPLE
from graph.telemetry.line_stream import LineStream
from graph.telemetry.redaction import is_clean, redact_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class FailClosed(logging.Handler):
    """The handler of a log. It writes a fixed line where one cannot be made, and none waits for a reader.

    Args:
        stream: where to.
        outbox: see `LineStream`.
    """

    def __init__(self, stream: TextIO, outbox: Outbox | None = None) -> None:
        super().__init__()
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.stream: Final = LineStream(stream, outbox)
        """Where the lines go; it takes finished lines, too."""
        self.write_line: Final = self.stream.write

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self.write_line(self.line_of(record))

    def line_of(self, record: logging.LogRecord) -> bytes:
        """The line of a record."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - whatever went wrong, nothing of the record must be written
            line = _NOT_FORMATTED
        return f"{line}\n".encode(self._encoding, "backslashreplace")

    def flush(self) -> None:
        """Write what is held back; at the end of the process, nobody else would."""
        self.stream.flush()


class JsonLines(FailClosed):
    """The handler of a log of lines of JSON, which need no record."""


def lost_lines() -> int:
    """How many lines of the process's log were lost because nobody took them."""
    return sum(one.stream.lost for one in logging.getLogger().handlers if isinstance(one, FailClosed))


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
