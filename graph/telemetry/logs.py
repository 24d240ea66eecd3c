"""Structured logs. Redaction is the last step before a line is written, and it fails closed."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from graph.telemetry.console import FOR_PEOPLE, ForPeople, Renderer
from graph.telemetry.lines import FailClosed, JsonLines, to_json
from graph.telemetry.redaction import redact_event

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

    from graph.outbox import Outbox

LOGGER: Final = "konagraph"
AUDIT_LOGGER: Final = f"{LOGGER}.audit"

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_TRACEBACK: Final = "Traceback (most recent call last)"

# What every line gets, ours and those of the libraries.
_SHARED: Final[tuple[Any, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def line_formatter(renderer: Any = None) -> logging.Formatter:
    """From an event to a line of text, with redaction as the last step before it.

    Args:
        renderer: makes the line; by default one of JSON.
    """
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_traceback,
            redact_event,
            renderer or _as_json,
        ],
    )


def configure_logging(
    level: str,
    *,
    as_json: bool,
    stream: TextIO = sys.stderr,
    outbox: Outbox | None = None,
    colors: bool = False,
    audit_reads: bool = True,
) -> None:
    """Set up the process's logs, ours and those of the libraries. Called once, by the command line.

    Args:
        level: the least that is written.
        as_json: lines of JSON; else text for a person.
        stream: where to.
        outbox: lets the lines of JSON of a turn of the event loop go out together; None writes each at once.
        colors: whether text for a person is coloured.
        audit_reads: whether that text tells of every read of personal data; see `graph.telemetry.console`.
    """
    structlog.configure(
        processors=[
            # First, so that a line that nobody will see is not made.
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler: FailClosed
    if as_json:
        handler = JsonLines(stream, outbox)
        handler.setFormatter(line_formatter())
    else:
        handler = FailClosed(stream, outbox)
        details = level == "debug"
        handler.setFormatter(line_formatter(Renderer(colors=colors, details=details)))
        if not details:
            handler.addFilter(ForPeople(audit_reads=audit_reads))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # httpx writes every URL at INFO; uvicorn only repeats what the command line says itself.
    for library in ("httpx", "httpcore", "uvicorn.error", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # No level may silence an audit.
    logging.getLogger(AUDIT_LOGGER).setLevel(logging.INFO)


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    event.pop(FOR_PEOPLE, None)
    return to_json(event).decode("ascii")


def _without_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the place of an exception into the event instead of its traceback, whose lines quote values."""
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
        # Starlette hands a failure of the lifespan over as a text, and uvicorn logs it.
        event["event"] = text.partition(_TRACEBACK)[0] + "traceback withheld"
    return event


def frames_of(error: BaseException) -> list[str]:
    """Where an exception came from: file, line and function of each frame; no source lines, no values."""
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{Path(code.co_filename).name}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-10:]
