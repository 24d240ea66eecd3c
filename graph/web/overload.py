"""Refuses operations at once while as many are executed as may be.

This is the cheap first look, before anything of a request is read: what a refusal costs is taken from those that
are answered. The second look is where an operation is about to be executed (`graph.web.endpoint`).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.web import negotiation
from graph.web.middleware import REQUEST_ID, accepted_request_id, private_headers, request_id_of
from graph.web.report import RequestReport
from graph.web.responses import overloaded
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from graph.resilience.admission import Admission

_QUIET_SECONDS: Final = 1.0
# What browsers send, whose pages may only read an answer that is made for their origin.
_BROWSERS: Final = frozenset({b"origin", b"sec-fetch-site"})


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
        self._unsaid = 0
        self._silent_until = float("-inf")

    def refuses(self, scope: Scope) -> bool:
        """Whether a request comes at a bad time."""
        return self._admission.full and scope["type"] == "http" and scope["path"] == self._path

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
        accept: list[bytes] = []
        offered_id = None
        for name, value in scope["headers"]:
            if name in _BROWSERS:
                return None
            if name == b"accept":
                accept.append(value)
            elif name == b"x-request-id":
                offered_id = value.decode("latin-1")
        request_id = accepted_request_id(offered_id)
        media_type = negotiation.answer_type(b", ".join(accept).decode("latin-1")) or negotiation.JSON
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


class ShedLoad:
    """Pure ASGI, behind the middleware that gives answers their headers.

    Args:
        app: what comes next.
        overload: when to refuse.
    """

    def __init__(self, app: ASGIApp, overload: Overload) -> None:
        self._app = app
        self._overload = overload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if not self._overload.refuses(scope):
            await self._app(scope, receive, send)
            return
        accept = b", ".join([value for name, value in scope["headers"] if name == b"accept"]).decode("latin-1")
        if scope["method"] == "GET" and negotiation.prefers_html(accept):
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        await overloaded(request_id, negotiation.answer_type(accept) or negotiation.JSON).send(send)
        self._overload.note(request_id, scope["method"])


def _head(media_type: str) -> bytes:
    """The headers that are the same for every refusal, with those that keep it private."""
    fields = private_headers(overloaded("", media_type).headers, "")
    return b"".join(b"%b: %b\r\n" % field for field in fields if field[0] != REQUEST_ID)


_STATUS_LINE: Final = b"HTTP/1.1 503 Service Unavailable\r\n"
_HEADS: Final = {media_type: _head(media_type) for media_type in (negotiation.JSON, negotiation.GRAPHQL_RESPONSE)}
