"""Responses: of JSON, to requests that are not executed, and the headers that keep every one of them private."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

from graph.errors import GatewayError, present_all, present_cause, retry_after_of
from graph.graphql.errors import DocumentError
from graph.http.accept import JSON
from graph.http.status import StatusCodes
from graph.security.errors import UnauthenticatedError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PRIVATE: Final = (
    (b"cache-control", b"private, no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OWN: Final = frozenset(name for name, _ in _PRIVATE)
_POLICY: Final = b"content-security-policy"
_USUAL_STATUSES: Final = StatusCodes()
_NOTHING_TO_LOAD: Final = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")


class HttpError(GatewayError):
    """A request that is refused before any GraphQL is looked at.

    Args:
        status: the HTTP status.
        message: constant text.
        headers: headers that the status requires, such as `Allow`.
        retryable: whether the same request may succeed later.
        code: the value of `extensions.code`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        retryable: bool = False,
        code: ErrorCode = ErrorCode.BAD_REQUEST,
    ) -> None:
        super().__init__(code, message, retryable=retryable)
        self.status = status
        self.headers = headers or {}


def json_response(
    status: int, payload: Any, media_type: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """A response of a JSON media type."""
    return Response(orjson.dumps(payload), status, headers, f"{media_type}; charset=utf-8")


def error_response(
    error: Exception, request_id: str, media_type: str = JSON, statuses: StatusCodes = _USUAL_STATUSES
) -> Response:
    """The response, without `data`, to a request that failed with any exception."""
    if isinstance(error, DocumentError):
        errors = present_all(error.errors, request_id)
    else:
        errors = [present_cause(error, request_id)]
    status = error.status if isinstance(error, HttpError) else statuses.of_error(error, media_type)
    return json_response(status, {"errors": errors}, media_type, _headers(error))


def private_headers(given: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of a response, with the request's id and those that keep it private."""
    headers = [header for header in given if header[0] not in _OWN]
    if _POLICY not in dict(headers):
        headers.append(_NOTHING_TO_LOAD)
    return [*headers, *_PRIVATE, (b"x-request-id", request_id.encode("ascii"))]


def _headers(error: Exception) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, HttpError) else {}
    if isinstance(error, UnauthenticatedError):
        headers["www-authenticate"] = error.challenge
    wait = retry_after_of(error)
    if wait is not None:
        headers["retry-after"] = str(max(1, math.ceil(wait / 1000)))
    return headers
