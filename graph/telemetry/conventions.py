"""Values that OpenTelemetry's semantic conventions prescribe for attributes of spans and labels of metrics.

Sources: https://opentelemetry.io/docs/specs/semconv/http/ and https://opentelemetry.io/docs/specs/semconv/graphql/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

METHOD: Final = "POST"
"""The method of every call to Konaplate."""
FAULTS: Final = frozenset(
    code.value
    for code in (
        ErrorCode.INTERNAL_SERVER_ERROR,
        ErrorCode.OVERLOADED,
        ErrorCode.AUDIT_UNAVAILABLE,
        *(code for code in ErrorCode if code.name.startswith("UPSTREAM_")),
    )
)
"""Codes of errors that are not the caller's fault."""
_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
_OTHER_METHOD: Final = "_OTHER"
_NO_ERRORS: Final = ("ok", "cancelled")
_PORTS: Final = {"http": 80, "https": 443}


def known_method(method: str) -> str:
    """`http.request.method`: a method can be any word, and only known ones are shown."""
    return method if method in _METHODS else _OTHER_METHOD


def error_of_request(codes: Sequence[str]) -> str | None:
    """`error.type` of a request: the first code of its errors that is not the caller's fault."""
    for code in codes:
        if code in FAULTS:
            return code
    return None


def error_of_call(outcome: str) -> str | None:
    """`error.type` of a call to Konaplate: the class of its error. A cancelled call is no error."""
    return None if outcome in _NO_ERRORS else outcome


def server_of(base_url: str) -> tuple[str, int]:
    """`server.address` and `server.port` of a URL."""
    url = httpx.URL(base_url)
    return url.host, url.port or _PORTS[url.scheme]
