"""What happened during one request, for the explorer. Only with the embedded sandbox.

It tells how each upstream call ended, which must not be known of other members' cards.
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

    _started: float = field(default_factory=time.perf_counter)
    _calls: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begin(cls) -> RequestTrace:
        """Trace the current request: the tasks that it starts from now on belong to it."""
        trace = cls()
        _TRACE.set(trace)
        return trace

    def add(self, report: CallReport) -> None:
        """An upstream call of the request is over."""
        ended = time.perf_counter() - self._started
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
        """`extensions.trace`: times are milliseconds since the request's body was read.

        `stored` is whether the document is one of the manifest; None without a manifest.
        """
        return {
            "durationMs": _ms(time.perf_counter() - self._started),
            "executor": "plan" if context.by_plan else "graphql-core",
            # One that was parsed from a text with card numbers has none.
            "documentSha256": document.sha256,
            "isStored": stored,
            "upstreamCalls": self._calls,
            "savedCalls": context.saved_calls,
        }


def on_call(report: CallReport) -> None:
    """Add a call to the trace of the request that started it, if that is traced."""
    trace = _TRACE.get()
    if trace is not None:
        trace.add(report)


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1_000, 2)
