"""What happened during one request: for the explorer, and for viewers who may see the times.

The explorer's trace tells how each upstream call ended, which must not be known of other members' cards. So it
exists only with the embedded sandbox. `Server-Timing` tells how long they took.

Source: https://www.w3.org/TR/server-timing/
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from graph.context import RequestContext
    from graph.graphql.operation import Document
    from graph.konaplate.client import CallReport

_TRACE: Final[ContextVar[RequestTrace | None]] = ContextVar("trace", default=None)


@dataclass(slots=True)
class RequestTrace:
    """Collects the upstream calls that one request starts. Free of card numbers, keys and personal data."""

    _parse_seconds: float
    _started: float = field(default_factory=time.perf_counter)
    _calls: list[dict[str, Any]] = field(default_factory=list)
    _seconds: dict[str, float] = field(default_factory=dict)
    """By the endpoints' names."""

    @classmethod
    def begin(cls, parsing_began: float) -> RequestTrace:
        """Trace the current request, once its document is parsed.

        The tasks that it starts from now on belong to it.
        """
        trace = cls(time.perf_counter() - parsing_began)
        _TRACE.set(trace)
        return trace

    @staticmethod
    def end() -> None:
        """Stop tracing: a pipelined request inherits the context of the one before it."""
        _TRACE.set(None)

    def add(self, report: CallReport) -> None:
        """An upstream call of the request is over."""
        ended = time.perf_counter() - self._started
        self._seconds[report.endpoint] = self._seconds.get(report.endpoint, 0.0) + report.seconds
        self._calls.append(
            {
                "api": report.api,
                "attempt": report.attempt,
                "outcome": report.outcome,
                "startMs": _ms(ended - report.seconds),
                "durationMs": _ms(report.seconds),
            }
        )

    def figures(self, context: RequestContext, document: Document, *, stored: bool | None) -> dict[str, Any]:
        """`extensions.trace`: times are milliseconds since its document was parsed.

        `stored` is whether the document is one of the manifest; None without a manifest.
        """
        return {
            "durationMs": _ms(time.perf_counter() - self._started),
            "executor": "plan" if context.by_plan else "graphql-core",
            # One that was parsed with card numbers in its text has none.
            "documentSha256": document.sha256,
            "isStored": stored,
            "upstreamCalls": self._calls,
            "savedCalls": context.loader.saved_calls,
        }

    def server_timing(self, seconds: float) -> tuple[bytes, bytes]:
        """The header `Server-Timing` of a request that took so long: milliseconds, and no other values.

        The attempts to call an endpoint are added up, also those at the same time.
        """
        entries = {"total": seconds, "parse": self._parse_seconds, **self._seconds}
        value = ", ".join(f"{name};dur={_ms(seconds)}" for name, seconds in entries.items())
        return b"server-timing", value.encode("ascii")


def on_call(report: CallReport) -> None:
    """Add a call to the trace of the request that started it, if that is traced."""
    trace = _TRACE.get()
    if trace is not None:
        trace.add(report)


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1_000, 2)
