"""Refuses operations at once while as many are executed as may be.

This is the cheap first look, before anything of a request is read: what a refusal costs is taken from those that
are answered. The second look is where an operation is about to be executed (`graph.web.endpoint`).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.web import negotiation
from graph.web.fields import Fields
from graph.web.heading import REQUEST_ID, FixedFields
from graph.web.memo import Memo
from graph.web.negotiation import accepted_type
from graph.web.report import RequestReport
from graph.web.request_id import accepted_request_id
from graph.web.responses import overloaded
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from graph.resilience.admission import Admission
    from graph.web.exchange import Exchange
    from graph.web.responses import Answer

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
        path: where operations are sent to; other paths are always answered.
        hooks: who is told.
        clock: monotonic seconds.
    """

    def __init__(
        self, admission: Admission, *, path: str, hooks: OverloadHooks, clock: Callable[[], float]
    ) -> None:
        self._admission = admission
        self._path = path
        self._hooks = hooks
        self._clock = clock
        self._accepted_type = Memo(accepted_type)
        self._unsaid = 0
        self._silent_until = float("-inf")

    @property
    def full(self) -> bool:
        """Whether operations are refused right now."""
        return self._admission.full

    def answer(self, exchange: Exchange) -> Answer | None:
        """The refusal of an operation, when there is to be one; a page for people is never refused."""
        if not self._admission.full:
            return None
        accept = exchange.fields.joined(b"accept")
        if exchange.method == "GET" and negotiation.prefers_html((accept or b"").decode("latin-1")):
            return None
        self.note(exchange.request_id, exchange.method)
        return overloaded(exchange.request_id, self._media_type(accept))

    def early_answer(
        self, scope: Mapping[str, Any], server_headers: Iterable[tuple[bytes, bytes]]
    ) -> bytes | None:
        """The refusal as bytes on the wire, without any app having been asked: most of the cost is there.

        None for what is not refused, and for what the app has to look at: pages of other origins.

        Args:
            scope: of the request.
            server_headers: what the server adds to every answer, such as the date.
        """
        if not self._admission.full or scope["path"] != self._path or scope["method"] != "POST":
            return None
        fields = Fields(scope["headers"])
        # What browsers send, whose pages may only read an answer that is made for their origin.
        if b"origin" in fields or b"sec-fetch-site" in fields:
            return None
        request_id = accepted_request_id(fields.get(REQUEST_ID))
        media_type = self._media_type(fields.joined(b"accept"))
        answer = overloaded(request_id, media_type)
        head = [_STATUS_LINE, *(b"%b: %b\r\n" % header for header in server_headers), _HEADS[media_type]]
        head.append(b"x-request-id: %b\r\ncontent-length: %d\r\n\r\n" % (request_id.encode(), len(answer.body)))
        self.note(request_id, "POST")
        return b"".join([*head, answer.body])

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


def _head(media_type: str) -> bytes:
    """The headers that are the same for every refusal, with those that keep it private."""
    return FixedFields(overloaded("", media_type).headers).wire


_STATUS_LINE: Final = b"HTTP/1.1 503 Service Unavailable\r\n"
_HEADS: Final = {media_type: _head(media_type) for media_type in (negotiation.JSON, negotiation.GRAPHQL_RESPONSE)}
