"""Responses, and what every one of them carries to stay private."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

from graph.http.accept import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Headers = list[tuple[bytes, bytes]]

_PRIVATE: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OWN: Final = frozenset(name for name, _ in _PRIVATE)
_POLICY: Final = b"content-security-policy"
_NOTHING_TO_LOAD: Final = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")


def json_response(
    status: int, payload: Any, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """A response of a JSON media type."""
    return Response(orjson.dumps(payload), status, headers, f"{media_type}; charset=utf-8")


def private_headers(given: Iterable[tuple[bytes, bytes]], request_id: str) -> Headers:
    """A response's headers, with the request's id and with those that keep it private, whatever was given."""
    headers: Headers = []
    policy = [_NOTHING_TO_LOAD]
    for header in given:
        if header[0] not in _OWN:
            headers.append(header)
            if header[0] == _POLICY:
                policy = []
    return [*headers, *policy, *_PRIVATE, (b"x-request-id", request_id.encode("ascii"))]
