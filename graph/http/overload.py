"""Refuses operations at once while as many are executed as may be.

This is the cheap first look, before anything of a request is read: what a refusal costs is taken from those that
are answered. The second look is where an operation is about to be executed (`graph.http.endpoint`).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from graph.http import accept as negotiation
from graph.http.accept import accepted_type
from graph.http.header_cache import Memo
from graph.http.report import RequestReport
from graph.http.responses import overloaded
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.http.exchange import Exchange
    from graph.http.responses import Answer
    from graph.resilience.admission import Admission

_QUIET_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class OverloadHooks:
    """Who is told of refusals."""

    on_refused: Callable[[RequestReport], None] = lambda _report: None
    """Told of each; for numbers."""
    on_overload: Callable[[int], None] = lambda _refused: None
    """Told at most once a second, of how many since the last time; for people."""


class Overload:
    """Knows when operations are refused, and tells of it. One for the whole process.

    Args:
        admission: counts the operations that are executed.
        hooks: who is told.
        clock: monotonic seconds.
    """

    def __init__(self, admission: Admission, *, hooks: OverloadHooks, clock: Callable[[], float]) -> None:
        self._admission = admission
        self._hooks = hooks
        self._clock = clock
        self._accepted_type = Memo(accepted_type)
        self._unsaid = 0
        self._silent_until = float("-inf")

    def answer(self, exchange: Exchange) -> Answer | None:
        """The refusal of an operation, when there is to be one; a page for people is never refused."""
        if not self._admission.full:
            return None
        accept = exchange.fields.joined(b"accept")
        if exchange.method == "GET" and negotiation.prefers_html((accept or b"").decode("latin-1")):
            return None
        self.note(exchange.request_id, exchange.method)
        return overloaded(exchange.request_id, self._media_type(accept))

    def note(self, request_id: str, method: str) -> None:
        """A request was refused."""
        report = RequestReport(request_id, method, HTTPStatus.SERVICE_UNAVAILABLE.value)
        report.codes.append(ErrorCode.OVERLOADED.value)
        self._hooks.on_refused(report)
        self._unsaid += 1
        if self._clock() >= self._silent_until:
            self._hooks.on_overload(self._unsaid)
            self._unsaid = 0
            self._silent_until = self._clock() + _QUIET_SECONDS

    def _media_type(self, accept: bytes | None) -> str:
        return self._accepted_type(accept or b"") or negotiation.JSON
