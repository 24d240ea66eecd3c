"""CORS: web pages of other origins may not use this gateway, unless their origin is allowed.

Two things keep foreign pages out. A body must be `application/json` (`graph.http.body`), for which a browser needs
a preflight. And browsers send the origin of a request, which is checked here, also for requests without a body.

Starlette's CORSMiddleware ignores `Sec-Fetch-Site`, tells what of a preflight it refuses, and always allows four
more headers.

Sources: https://fetch.spec.whatwg.org/#http-cors-protocol and https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.responses import Response

from graph.http.accept import prefers_html
from graph.http.responses import HttpError, error_response
from graph.redact import HIDDEN
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection

    from graph.header_values import HeaderValues
    from graph.http.exchange import Exchange

OnForeignPage: TypeAlias = Callable[[str, str, str | None], object]
"""Called with the id of a refused request, a constant reason, and the origin as it may be logged."""

_REASON: Final = "A page of another site may call only if KONAGRAPH_ALLOWED_ORIGINS has its origin."
_OWN_PAGES: Final = ("same-origin", "none")
_READ_HERE: Final = "accept authorization content-type if-none-match x-api-key x-request-id x-request-timeout-ms"
# Headers that GraphQL clients and tracing libraries add by themselves. They change nothing here.
_SENT_BY_CLIENTS: Final = """
apollo-require-preflight apollographql-client-name apollographql-client-version baggage b3 cache-control
elastic-apm-traceparent graphql-client-name graphql-client-version graphql-require-preflight newrelic pragma
request-context request-id sentry-trace traceparent tracestate uber-trace-id x-amzn-trace-id x-apollo-operation-id
x-apollo-operation-name x-apollo-operation-type x-b3-flags x-b3-parentspanid x-b3-sampled x-b3-spanid x-b3-traceid
x-cloud-trace-context x-correlation-id x-datadog-origin x-datadog-parent-id x-datadog-sampled
x-datadog-sampling-priority x-datadog-trace-id x-graphql-client-name x-graphql-client-version x-instana-l
x-instana-s x-instana-t x-requested-with
"""
_EXPOSE: Final = (b"access-control-expose-headers", b"x-request-id, retry-after, server-timing, etag")
_ALLOW_ORIGIN: Final = b"access-control-allow-origin"
_VARY: Final = (b"vary", b"Origin")

# Any scheme: pages of apps and browser extensions have their own.
_ORIGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?"
)
_MAX_PORT: Final = 65_535
_MAX_SHOWN: Final = 100
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_LOOPBACK: Final = re.compile(
    r"https?://(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}|\[::1\])(?::[0-9]{1,5})?"
)
_HEADER: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+", re.IGNORECASE)


def is_origin(text: str) -> bool:
    """Whether a string is an origin exactly as browsers write it; any other could never match."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return False
    scheme, port = match.groups()
    return port is None or (port != _DEFAULT_PORTS.get(scheme) and int(port) <= _MAX_PORT)


def is_header(text: str) -> bool:
    """Whether a string is the name of one header."""
    return text != "*" and _HEADER.fullmatch(text) is not None


def is_loopback_host(host: str) -> bool:
    """Whether the `Host` of a request is a name of this machine: a page cannot rebind those to another address."""
    return _LOOPBACK.fullmatch(f"http://{host}") is not None


class OriginRules:
    """Decides about cross-origin requests. Never allows credentials.

    Args:
        allowed: origins such as `https://app.example`.
        headers: further headers that pages may send, besides those that the gateway reads or common clients add.
        loopback: whether to allow every page of this machine as well.
        on_foreign_page: called for each page that is refused.
    """

    def __init__(
        self,
        allowed: Collection[str] = (),
        *,
        headers: Collection[str] = (),
        loopback: bool = False,
        on_foreign_page: OnForeignPage = lambda _request_id, _reason, _origin: None,
    ) -> None:
        self._allowed = frozenset(allowed)
        self._loopback = loopback
        self._on_foreign_page = on_foreign_page
        names = dict.fromkeys([*_READ_HERE.split(), *_SENT_BY_CLIENTS.split(), *sorted(headers)])
        self._preflight = {
            "access-control-allow-methods": "GET, POST, QUERY",
            "access-control-allow-headers": ", ".join(names),
            "access-control-max-age": "600",
        }

    def check(self, exchange: Exchange) -> Response | None:
        """The response to a preflight or a forbidden page; None for a request that may proceed.

        Sets the CORS headers of the exchange.
        """
        headers = exchange.headers
        if not self._allowed and "origin" not in headers and "sec-fetch-site" not in headers:
            # Not a browser, or an old one.
            return None
        origin = self._allowed_origin(headers)
        exchange.cors = self._cors_headers(origin)
        is_preflight = exchange.method == "OPTIONS" and "access-control-request-method" in headers
        if origin is not None:
            return Response(headers=self._preflight_headers(headers)) if is_preflight else None
        # Browsers send a preflight only to another origin, and old ones send it without Sec-Fetch-Site.
        if (is_preflight and "origin" in headers) or (_is_foreign(headers) and not _is_link(exchange)):
            self._on_foreign_page(exchange.request_id, _REASON, _shown(headers.get("origin", ())))
            error = HttpError(HTTPStatus.FORBIDDEN, _REASON, code=ErrorCode.FORBIDDEN)
            return error_response(error, exchange.request_id)
        return None

    def _allowed_origin(self, headers: HeaderValues) -> str | None:
        origins = headers.get("origin", ())
        if len(origins) != 1:
            return None
        is_allowed = origins[0] in self._allowed or (self._loopback and _LOOPBACK.fullmatch(origins[0]))
        return origins[0] if is_allowed else None

    def _preflight_headers(self, headers: HeaderValues) -> dict[str, str]:
        # https://wicg.github.io/private-network-access/: a public page requests a host of a private network.
        asks = "access-control-request-private-network" in headers
        return {**self._preflight, "access-control-allow-private-network": "true"} if asks else self._preflight

    def _cors_headers(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        if not self._allowed and origin is None:
            # Without allowed origins, no response depends on the origin.
            return []
        return [_VARY] if origin is None else [_VARY, (_ALLOW_ORIGIN, origin.encode("latin-1")), _EXPOSE]


def _is_foreign(headers: HeaderValues) -> bool:
    # Only browsers send it.
    return any(site not in _OWN_PAGES for site in headers.get("sec-fetch-site", ()))


def _shown(origins: Collection[str]) -> str | None:
    """The origin for the log, where it is an origin: the header may hold anything."""
    if len(origins) != 1:
        return HIDDEN if origins else None
    (origin,) = origins
    return origin if len(origin) <= _MAX_SHOWN and (origin == "null" or is_origin(origin)) else HIDDEN


def _is_link(exchange: Exchange) -> bool:
    """Whether a person follows a link to the page for browsers; the linking page cannot read it."""
    if exchange.method != "GET" or exchange.headers.get("sec-fetch-mode") != ["navigate"]:
        return False
    return prefers_html(exchange.headers.get("accept", ("",))[0])
