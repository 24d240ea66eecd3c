"""Structured logs: one chain of processors for every line. Redaction is the last step, and it fails closed."""

from __future__ import annotations

import functools
import json
import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO, cast

import orjson
import structlog

from graph.telemetry.console import FOR_PEOPLE, ConsoleRenderer
from graph.telemetry.line_stream import LineStream
from graph.telemetry.redaction import redact_event

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

LOGGER: Final = "konagraph"
AUDIT_LOGGER: Final = f"{LOGGER}.audit"

_TRACEBACK: Final = "Traceback (most recent call last)"
_NOT_FORMATTED: Final = b'{"event":"event withheld: it could not be formatted","level":"error"}\n'
_MAX_FRAMES: Final = 10
_SECOND: Final = 1_000_000_000
_ROOT: Final = logging.getLogger()
_add_extra: Final = structlog.stdlib.ExtraAdder()


def configure_logging(
    level: str,
    *,
    as_json: bool,
    stream: TextIO = sys.stderr,
    colors: bool = False,
    audit_reads: bool = True,
) -> None:
    """Set up the logs of the process, our own and those of libraries. Called once, by the command line.

    Args:
        level: the lowest level that is written.
        as_json: JSON lines; otherwise text for people.
        stream: the destination.
        colors: whether to colour text for people.
        audit_reads: see `graph.telemetry.console`.
    """
    lines = LineStream(stream)
    people = ConsoleRenderer(lines.encoding, colors=colors, details=level == "debug", audit_reads=audit_reads)
    render: Processor = to_json if as_json else people
    structlog.configure(
        processors=[clean, render],
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", lines)),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [ProcessLog(lines, render)]
    root.setLevel(level.upper())
    # httpx logs every URL at INFO; uvicorn repeats what the command line prints.
    for library in ("httpx", "httpcore", "uvicorn.error", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)


class ProcessLog(logging.Handler):
    """The handler for log records of libraries; the audit log also writes through it.

    Args:
        lines: the destination.
        render: renders a redacted event, as configured in structlog.
    """

    def __init__(self, lines: LineStream, render: Processor) -> None:
        super().__init__()
        self.lines: Final = lines
        self._render = render
        self.is_json: Final = render is to_json

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or a fixed line if it cannot be formatted."""
        try:
            event: EventDict = {"event": record.getMessage(), "exc_info": record.exc_info, "_record": record}
            line = self.line_of(clean(record, record.levelname.lower(), event))
        except Exception:  # noqa: BLE001 - nothing of a record that fails may be written
            line = _NOT_FORMATTED
        self.lines.write(line)

    def flush(self) -> None:
        """Write what is held; `logging.shutdown` calls this when the process ends."""
        self.lines.release()

    def line_of(self, event: EventDict) -> bytes:
        """The line of a redacted event; empty if the event is not to be shown."""
        try:
            return cast("bytes", self._render(None, "", event)) + b"\n"
        except structlog.DropEvent:
            return b""


def process_log() -> ProcessLog | None:
    """The handler of the process's log, if logging is configured."""
    for handler in _ROOT.handlers:
        if isinstance(handler, ProcessLog):
            return handler
    return None


def clean(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """An event with all its fields, redacted.

    Args:
        logger: its name goes into the line.
        method: the name of the level.
        event: the fields.
    """
    # In one step: structlog's processors for name, level and time take three times as long.
    event["logger"] = logger.name
    event["level"] = method
    if "_record" in event:
        event = _add_extra(_ROOT, method, event)
        del event["_record"]
    event["timestamp"] = timestamp()
    text = event.get("event")
    # Most lines have no exception.
    if "exc_info" in event or "stack_info" in event or type(text) is not str or _TRACEBACK in text:
        event = _without_traceback(event)
    return redact_event(logger, method, event)


def timestamp() -> str:
    """The time as lines have it, in UTC with microseconds."""
    seconds, rest = divmod(time.time_ns(), _SECOND)
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


@functools.lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """An ASCII line of JSON of a redacted event."""
    event.pop(FOR_PEOPLE, None)
    try:
        line = orjson.dumps(event)
    except TypeError:
        # A lone surrogate, which orjson refuses.
        return _escaped(event)
    # Some readers take other characters than LF for the end of a line.
    return line if line.isascii() else _escaped(event)


def _escaped(event: EventDict) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def _without_traceback(event: EventDict) -> EventDict:
    """Replace a traceback, whose lines may quote values, by the type and frames of the exception."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["frames"] = frames_of(error)
    event.pop("stack_info", None)
    text = event.get("event")
    if isinstance(text, str) and _TRACEBACK in text:
        # Starlette passes a lifespan failure as text, and uvicorn logs it.
        event["event"] = text.partition(_TRACEBACK)[0] + "traceback withheld"
    return event


def frames_of(error: BaseException) -> list[str]:
    """File, line and function of each frame of an exception, without source lines and values."""
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)][-_MAX_FRAMES:]
    return [f"{Path(code.co_filename).name}:{line} {code.co_name}" for code, line in frames]
