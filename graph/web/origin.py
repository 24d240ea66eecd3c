"""What other web pages may ask of this gateway: nothing, unless their origin is allowed.

Two things keep foreign pages out. A body must be `application/json` (`graph.web.body`), and before a browser sends
that to another origin it asks for permission. And a browser says where a request comes from, which is judged here;
that covers requests without a body, too.

Starlette's CORSMiddleware does not fit: it does not know `Sec-Fetch-Site`, refuses a preflight in text that says
why, and always allows four headers more.

Sources: https://fetch.spec.whatwg.org/#http-cors-protocol and https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from graph.web.middleware import request_id_of
from graph.web.negotiation import prefers_html
from graph.web.responses import Answer, error_answer
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OWN_PAGES: Final = ("same-origin", "none")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST"),
    (
        b"access-control-allow-headers",
        b"content-type, authorization, x-api-key, x-request-id, x-request-timeout-ms",
    ),
    (b"access-control-max-age", b"600"),
)
_EXPOSE: Final = (b"access-control-expose-headers", b"x-request-id, retry-after")
_VARY: Final = (b"vary", b"Origin")

_ORIGIN: Final = re.compile(
    r"(https?)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def is_origin(text: str) -> bool:
    """Whether a text is an origin exactly as browsers write it, so that it can ever be equal to one."""
    match = _ORIGIN.fullmatch(text)
    return match is not None and match[2] != _DEFAULT_PORTS[match[1]]


class Origins:
    """Refuses what foreign pages ask, and tells browsers what allowed ones may read. Never with credentials.

    Args:
        app: what comes next.
        allowed: origins such as `https://app.example`.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = self._allowed_origin(headers)
        if self._allowed:
            send = _with_headers(send, origin)
        if origin is not None and _is_preflight(scope, headers):
            await Answer(HTTPStatus.OK, b"", list(_PREFLIGHT)).send(send)
        elif origin is None and _is_foreign(headers) and not _is_link(scope, headers):
            answer = error_answer(HTTPStatus.FORBIDDEN, ErrorCode.FORBIDDEN, request_id_of(scope))
            await answer.send(send)
        else:
            await self._app(scope, receive, send)

    def _allowed_origin(self, headers: Headers) -> str | None:
        origins = headers.getlist("origin")
        return origins[0] if len(origins) == 1 and origins[0] in self._allowed else None


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _is_foreign(headers: Headers) -> bool:
    # Programs that are no browsers do not send it, and need no protection from a page.
    return any(site not in _OWN_PAGES for site in headers.getlist("sec-fetch-site"))


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Whether somebody follows a link to a page. What a link shows, the page it is on cannot read."""
    return (
        scope["method"] == "GET"
        and headers.getlist("sec-fetch-mode") == ["navigate"]
        and prefers_html(headers.get("accept"))
    )


def _with_headers(send: Send, origin: str | None) -> Send:
    added = [_VARY]
    if origin is not None:
        added += [(b"access-control-allow-origin", origin.encode("ascii")), _EXPOSE]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return send_with_headers
