"""Structured logs. Redaction is the last step before a line is written, and it fails closed."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from graph.redact import redact
from schema.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, WrappedLogger

    from graph.execution.persisted import UntrustedDocument
    from graph.konaplate.client import CallReport
    from graph.web.report import RequestReport

LOGGER: Final = "konagraph"
AUDIT_LOGGER: Final = f"{LOGGER}.audit"

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_MAX_DEPTH: Final = 4
_TRACEBACK: Final = "Traceback (most recent call last)"
# SHA-256 of a document without anything like a card number. One in thirty has thirteen digits in a row.
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# What this gateway makes, of a shape of its own.
_OWN: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        # Twelve digits of time, a dash and seven hexadecimal digits.
        "correlation_id": re.compile(r"[0-9]{12}-[0-9a-f]{7}", re.ASCII),
        "document": _HASH,
        "sha256": _HASH,
    }
)
# A caller's document may have a name of any length.
_LONGEST_NAME: Final = 100
# The smallest number that redaction takes for a card number: 13 digits.
_LARGE: Final = 10**12


class CannotRedactError(Exception):
    """A value of a kind that is not known to be harmless."""


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> Mapping[str, Any]:
    """Clean every value of an event; an event that cannot be cleaned is replaced as a whole."""
    try:
        return {redact(name): value if _is_own(name, value) else _clean(value) for name, value in event.items()}
    except Exception:  # noqa: BLE001 - whatever went wrong, the event must not be written
        return {"event": "event withheld: it could not be redacted", "level": "error"}


def _is_own(name: str, value: object) -> bool:
    return name in _OWN and isinstance(value, str) and _OWN[name].fullmatch(value) is not None


def _clean(value: object, depth: int = 0) -> object:
    if depth > _MAX_DEPTH:
        raise CannotRedactError
    match value:
        case None | bool():
            return value
        case str():
            return redact(value)
        case int() | float():
            return value if abs(value) < _LARGE else redact(str(value))
        case Secret():
            return value.masked
        case list() | tuple():
            return [_clean(item, depth + 1) for item in value]
        case dict():
            return {redact(str(name)): _clean(item, depth + 1) for name, item in value.items()}
        case _:
            # A repr of an unknown object may hold anything.
            raise CannotRedactError


class FailClosed(logging.StreamHandler[TextIO]):
    """Writes a fixed line where one cannot be made; the standard library would print the record's arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the standard library's names
        """Stand in for the lost line."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.write('{"event": "event withheld: it could not be formatted", "level": "error"}\n')


# What every line gets, ours and those of the libraries.
_SHARED: Final[tuple[Any, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def line_formatter(*, as_json: bool, colors: bool = False) -> logging.Formatter:
    """From an event to a line of text, with redaction as the last step before it."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=colors)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_traceback,
            redact_event,
            renderer,
        ],
    )


def configure_logging(level: str, *, as_json: bool, stream: TextIO = sys.stderr) -> None:
    """Set up the process's logs, ours and those of the libraries. Called once, by the command line."""
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
    handler = FailClosed(stream)
    handler.setFormatter(line_formatter(as_json=as_json, colors=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # httpx writes every URL at INFO; uvicorn only repeats what the command line says itself.
    for library in ("httpx", "httpcore", "uvicorn.error", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # No level may silence an audit.
    logging.getLogger(AUDIT_LOGGER).setLevel(logging.INFO)


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


class RequestLog:
    """Writes what the hooks of the lower layers report."""

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(LOGGER)

    def on_request(self, report: RequestReport) -> None:
        """One line for each request; one more for each exception that nobody foresaw."""
        self._log.info(
            "request",
            request_id=report.request_id,
            method=report.method,
            status=report.status,
            viewer=report.viewer,
            operation=None if report.operation is None else report.operation[:_LONGEST_NAME],
            document=report.document,
            duration_ms=round(report.seconds * 1000, 1),
            upstream_calls=report.upstream_calls,
            saved_calls=report.saved_calls,
            deadline_hits=report.deadline_hits,
            codes=report.codes,
        )
        for error in report.unexpected:
            self._log.error(
                "unexpected exception",
                request_id=report.request_id,
                exception=type(error).__name__,
                frames=frames_of(error),
            )

    def on_untrusted_document(self, document: UntrustedDocument) -> None:
        """One line for each document that runs although it is not in the manifest."""
        self._log.warning("untrusted document", operations=list(document.operations), sha256=document.sha256)

    def on_call(self, report: CallReport) -> None:
        """One line for each upstream call; a warning when it failed or drifted from the documentation."""
        odd = (
            report.outcome not in ("ok", "cancelled")
            or report.drift
            or report.echo in ("different", "another call's")
        )
        write = self._log.warning if odd else self._log.info
        write(
            "upstream call",
            api=report.api,
            attempt=report.attempt,
            outcome=report.outcome,
            cause=None if report.cause is None else report.cause.value,
            status=report.details.status,
            code=report.details.code,
            correlation_id=report.details.correlation_id,
            duration_ms=round(report.seconds * 1000, 1),
            echo=report.echo,
            drift=list(report.drift),
        )

    def on_key_failure(self, reason: str) -> None:
        """The keys that verify tokens could not be loaded; the last ones serve while they are not too old."""
        self._log.error("verification keys cannot be loaded", reason=reason)

    def on_limiter_fallback(self) -> None:
        """Budgets are kept by this process alone, because Redis does not answer."""
        self._log.warning("budgets are kept locally: Redis does not answer")

    def on_breaker(self, api: str, state: str) -> None:
        """An API of the upstream is left alone from now on, probed, or used again."""
        write = self._log.info if state == "closed" else self._log.warning
        write("breaker changed", api=api, state=state)

    def on_overload(self, refused: int) -> None:
        """So many requests were refused since the last such line because too many were being answered."""
        self._log.warning("overloaded", refused=refused)

    def on_lost_spans(self) -> None:
        """The collector did not take a batch of spans."""
        self._log.warning("spans are lost: the collector does not take them")
