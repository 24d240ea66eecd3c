"""Captures the process's logs, and restores logging afterwards."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import structlog

from graph.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from structlog.typing import FilteringBoundLogger


_LIBRARIES = ("httpx", "httpcore", "uvicorn.error", "asyncio")


@contextmanager
def logs_as(level: str = "debug", *, as_json: bool = True, **form: Any) -> Iterator[io.StringIO]:
    """Configure logging as the command line does, but into the stream that is given."""
    stream = io.StringIO()
    with logs_to(stream, level, as_json=as_json, **form):
        yield stream


@contextmanager
def logs_to(stream: TextIO, level: str, *, as_json: bool = True, **form: Any) -> Iterator[None]:
    """The same for a given stream."""
    root = logging.getLogger()
    handlers, root_level, config = list(root.handlers), root.level, structlog.get_config()
    levels = {name: logging.getLogger(name).level for name in _LIBRARIES}
    try:
        configure_logging(level, as_json=as_json, stream=stream, **form)
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(root_level)
        structlog.configure(**config)
        for name, library_level in levels.items():
            logging.getLogger(name).setLevel(library_level)


class Unredacted(NamedTuple):
    """Log events before redaction; of audit events, the lines."""

    events: list[Any]
    """Our own, but for audits."""
    records: pytest.LogCaptureFixture
    """The libraries'."""
    lines: io.StringIO
    """Of audits and libraries."""

    @property
    def text(self) -> str:
        """All text."""
        return f"{self.events}{self.records.text}{self.lines.getvalue()}"

    def named(self, event: str) -> list[Any]:
        """Our events of a name."""
        return [one for one in self.events if one["event"] == event]


@contextmanager
def unredacted(records: pytest.LogCaptureFixture) -> Iterator[Unredacted]:
    """Capture what is logged at any level."""
    with logs_as() as lines, records.at_level(logging.DEBUG), structlog.testing.capture_logs() as events:
        yield Unredacted(events, records, lines)


def log() -> FilteringBoundLogger:
    """A new structlog logger, because an old one caches its configuration."""
    logger: FilteringBoundLogger = structlog.get_logger("konagraph")
    return logger


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines that were written, each read as strict JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return [json.loads(line, parse_constant=refuse) for line in stream.getvalue().splitlines()]
