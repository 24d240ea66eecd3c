"""Refuses operations at once while as many are executed as may be.

This is the cheap first look, before anything of a request is read: what a refusal costs is taken from those that
are answered. The second look is where an operation is about to be executed (`graph.http.endpoint`).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.http import accept as negotiation
from graph.http.accept import accepted_type
from graph.http.header_cache import Memo
from graph.http.headers import Fields
from graph.http.report import RequestReport
from graph.http.request_id import accepted_request_id
from graph.http.response_headers import REQUEST_ID, FixedFields
from graph.http.responses import OVERLOADED_FIELDS, overloaded
from schema.errors import ErrorCode

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

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
        """Whether operations that come now are refused."""
        return self._admission.booked_up

    def expect(self, scope: Mapping[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        """A request was let in and is going to begin; see `Admission.expect`."""
        if scope["path"] == self._path and scope["method"] == "POST":
            self._admission.expect(loop)

    def answer(self, exchange: Exchange) -> Answer | None:
        """The refusal of an operation, when there is to be one; a page for people is never refused."""
        if not self._admission.full:
            return None
        accept = exchange.fields.joined(b"accept")
        if exchange.method == "GET" and negotiation.prefers_html((accept or b"").decode("latin-1")):
            return None
        self.note(exchange.request_id, exchange.method)
        return overloaded(exchange.request_id, self._media_type(accept))

    def early_refusal(self, scope: Mapping[str, Any]) -> EarlyRefusal | None:
        """The refusal of a request without any app having been asked: most of the cost is there.

        None for what is not refused, and for what the app has to look at: pages of other origins.

        Args:
            scope: of the request.
        """
        if not self.full or scope["path"] != self._path or scope["method"] != "POST":
            return None
        fields = Fields(scope["headers"])
        # What browsers send, whose pages may only read an answer that is made for their origin.
        if b"origin" in fields or b"sec-fetch-site" in fields:
            return None
        offered = fields.get(REQUEST_ID)
        return EarlyRefusal(self, self._media_type(fields.joined(b"accept")), offered)

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


class EarlyRefusal:
    """How requests with one and the same head are refused.

    Args:
        overload: is told of each.
        media_type: of the answers.
        offered: the id that the head names for its request.
    """

    __slots__ = ("_head", "_media_type", "_offered", "_overload")

    def __init__(self, overload: Overload, media_type: str, offered: bytes | None) -> None:
        self._overload = overload
        self._media_type = media_type
        self._head = _HEADS[media_type]
        self._offered = offered

    def wire(self, server_wire: bytes) -> bytes:
        """One whole answer as it is sent.

        Args:
            server_wire: the fields that the server adds to every answer, such as the date.
        """
        request_id = accepted_request_id(self._offered)
        body = overloaded(request_id, self._media_type).body
        self._overload.note(request_id, "POST")
        return b"%b%b%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            _STATUS_LINE,
            server_wire,
            self._head,
            request_id.encode("ascii"),
            len(body),
            body,
        )


_STATUS_LINE: Final = b"HTTP/1.1 503 Service Unavailable\r\n"
# The headers that are the same for every refusal, with those that keep it private.
_HEADS: Final = {media_type: FixedFields(fields).wire for media_type, fields in OVERLOADED_FIELDS.items()}
