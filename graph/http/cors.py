"""What other web pages may ask of this gateway: nothing, unless their origin is allowed.

Two things keep foreign pages out. A body must be `application/json` (`graph.http.body`), and before a browser
sends that to another origin it asks for permission. And a browser says where a request comes from, which is judged
here; that covers requests without a body, too.

Starlette's CORSMiddleware does not fit: it does not know `Sec-Fetch-Site`, refuses a preflight in text that says
why, and always allows four headers more.

Sources: https://fetch.spec.whatwg.org/#http-cors-protocol and https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from graph.http.accept import prefers_html
from graph.http.headers import Fields
from graph.http.middleware import request_id_of
from graph.http.responses import Answer, error_answer
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from graph.http.response_headers import Field

_FETCH_SITE: Final = b"sec-fetch-site"
_OWN_PAGES: Final = (b"same-origin", b"none")
_READ_HERE: Final = "accept authorization content-type x-api-key x-request-id x-request-timeout-ms"
# What clients of GraphQL and tracing add without their page's doing. Here nothing of it opens anything.
_SENT_BY_CLIENTS: Final = """
apollo-require-preflight apollographql-client-name apollographql-client-version baggage b3 cache-control
elastic-apm-traceparent graphql-client-name graphql-client-version graphql-require-preflight newrelic pragma
sentry-trace traceparent tracestate uber-trace-id x-amzn-trace-id x-apollo-operation-id x-apollo-operation-name
x-apollo-operation-type x-b3-flags x-b3-parentspanid x-b3-sampled x-b3-spanid x-b3-traceid x-cloud-trace-context
x-correlation-id x-datadog-origin x-datadog-parent-id x-datadog-sampled x-datadog-sampling-priority
x-datadog-trace-id x-graphql-client-name x-graphql-client-version x-requested-with
"""
_EXPOSE: Final = (b"access-control-expose-headers", b"x-request-id, retry-after")
_PRIVATE_NETWORK: Final = (b"access-control-allow-private-network", b"true")
_VARY: Final = (b"vary", b"Origin")

# Any scheme: pages of apps and of extensions have their own.
_ORIGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_LOOPBACK: Final = re.compile(
    rb"https?://(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}|\[::1\])(?::[0-9]{1,5})?"
)
_HEADER: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+", re.IGNORECASE)


def is_origin(text: str) -> bool:
    """Whether a text is an origin exactly as browsers write it, so that it can ever be equal to one."""
    match = _ORIGIN.fullmatch(text)
    return match is not None and (match[2] is None or match[2] != _DEFAULT_PORTS.get(match[1]))


def is_header(text: str) -> bool:
    """Whether a text can be the name of a header, and means that one alone."""
    return text != "*" and _HEADER.fullmatch(text) is not None


class OriginRules:
    """Judges requests by where a browser says they come from. Never allows credentials.

    Args:
        allowed: origins such as `https://app.example`.
        headers: names that pages may send beyond those that the gateway reads or clients of the field send.
        loopback: whether every page of this machine is allowed, too.
    """

    def __init__(
        self, allowed: Collection[str] = (), *, headers: Collection[str] = (), loopback: bool = False
    ) -> None:
        self._allowed = frozenset(origin.encode("latin-1") for origin in allowed)
        self._loopback = loopback
        names = dict.fromkeys([*_READ_HERE.split(), *_SENT_BY_CLIENTS.split(), *sorted(headers)])
        self._preflight = (
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", ", ".join(names).encode("ascii")),
            (b"access-control-max-age", b"600"),
        )

    def judge(self, method: str, fields: Fields, request_id: str) -> tuple[Answer | None, Sequence[Field]]:
        """The answer to a request that is not let in, or None; and what any answer to it tells browsers."""
        if not self._allowed and _FETCH_SITE not in fields and not (self._loopback and b"origin" in fields):
            return None, ()
        origin = self._allowed_origin(fields)
        if origin is not None and method == "OPTIONS" and b"access-control-request-method" in fields:
            return Answer(HTTPStatus.OK, b"", self._preflight_of(fields)), self._told(origin)
        if origin is None and _is_foreign(fields) and not _is_link(method, fields):
            return error_answer(HTTPStatus.FORBIDDEN, ErrorCode.FORBIDDEN, request_id), self._told(None)
        return None, self._told(origin)

    def _allowed_origin(self, fields: Fields) -> bytes | None:
        origins = fields.all(b"origin")
        if len(origins) != 1:
            return None
        is_allowed = origins[0] in self._allowed or (self._loopback and _LOOPBACK.fullmatch(origins[0]))
        return origins[0] if is_allowed else None

    def _preflight_of(self, fields: Fields) -> tuple[Field, ...]:
        # https://wicg.github.io/private-network-access/: a page of the internet asks a host of a private network.
        asks = b"access-control-request-private-network" in fields
        return (*self._preflight, _PRIVATE_NETWORK) if asks else self._preflight

    def _told(self, origin: bytes | None) -> Sequence[Field]:
        if not self._allowed and origin is None:
            # No answer is kept in a cache; where no origin is listed, none has to say what it depends on.
            return ()
        return (_VARY,) if origin is None else (_VARY, (b"access-control-allow-origin", origin), _EXPOSE)


class Origins:
    """The rules around an ASGI app.

    Args:
        app: what comes next.
        rules: see there.
    """

    def __init__(self, app: ASGIApp, rules: OriginRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal, told = self._rules.judge(scope["method"], Fields(scope["headers"]), request_id_of(scope))
        if told:
            send = _with_fields(send, told)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal.send(send)


def _is_foreign(fields: Fields) -> bool:
    # Programs that are no browsers do not send it, and need no protection from a page.
    return any(site not in _OWN_PAGES for site in fields.all(_FETCH_SITE))


def _is_link(method: str, fields: Fields) -> bool:
    """Whether somebody follows a link to a page. What a link shows, the page it is on cannot read."""
    if method != "GET" or list(fields.all(b"sec-fetch-mode")) != [b"navigate"]:
        return False
    return prefers_html((fields.get(b"accept") or b"").decode("latin-1"))


def _with_fields(send: Send, told: Sequence[Field]) -> Send:
    async def send_with_fields(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *told]
        await send(message)

    return send_with_fields
