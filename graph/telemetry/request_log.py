"""The lines about requests, calls, and what befalls the gateway."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import structlog

from graph.telemetry.logs import LOGGER, frames_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from graph.graphql.operation import Document, Operation
    from graph.graphql.persisted import UntrustedDocument
    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport

# A caller's document may have a name of any length.
_LONGEST_NAME: Final = 100
_QUIET_SECONDS: Final = 1.0
_AS_EXPECTED: Final = ("ok", "cancelled")
# None of a call without an answer. Whether answers repeat our ids at all is not documented.
_QUIET_ECHOES: Final = (None, "same", "missing")


class RequestLog:
    """Writes what the hooks of the lower layers report.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused = 0
        self._silent_until = -math.inf
        self._log: FilteringBoundLogger = structlog.get_logger(LOGGER)

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
            for_people=report.roots,
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

    def on_unplanned(self, document: Document, operation: Operation) -> None:
        """One line for each operation that no plan takes."""
        self._log.info("operation without plan", operation=operation.shown_name, sha256=document.sha256)

    def on_call(self, report: CallReport) -> None:
        """One line for each upstream call; a warning when it failed or drifted from the documentation."""
        odd = report.outcome not in _AS_EXPECTED or report.drift or report.echo not in _QUIET_ECHOES
        write = self._log.warning if odd else self._log.info
        details = report.details
        write(
            "upstream call",
            api=report.api,
            attempt=report.attempt,
            outcome=report.outcome,
            cause=None if report.cause is None else report.cause.value,
            status=details.status,
            code=details.code,
            correlation_id=details.correlation_id,
            duration_ms=round(report.seconds * 1000, 1),
            echo=report.echo,
            drift=report.drift,
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

    def on_refused(self) -> None:
        """A request was refused because as many were executed as may be.

        One line a second tells of how many: a line for each would cost more than the refusal.
        """
        self._refused += 1
        now = self._clock()
        if now >= self._silent_until:
            self._log.warning("overloaded", refused=self._refused)
            self._refused = 0
            self._silent_until = now + _QUIET_SECONDS

    def on_lost_spans(self) -> None:
        """The collector did not take a batch of spans."""
        self._log.warning("spans are lost: the collector does not take them")
