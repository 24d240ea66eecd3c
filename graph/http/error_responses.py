"""The one builder of responses to requests that are not executed."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from graph.errors import GatewayError, code_of, present_all, present_cause, retry_after_of
from graph.graphql.errors import DocumentError
from graph.http.accept import JSON
from graph.http.responses import json_response
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

_STATUS: Final = {
    ErrorCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.OVERLOADED: HTTPStatus.SERVICE_UNAVAILABLE,
}


class HttpError(GatewayError):
    """A request that is refused before any GraphQL is looked at.

    Args:
        status: the HTTP status.
        message: constant text.
        headers: headers that the status asks for, such as `Allow`.
        retryable: whether the same request may pass later.
    """

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, *, retryable: bool = False
    ) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, message, retryable=retryable)
        self.status = status
        self.headers = headers or {}


def error_response(error: Exception, request_id: str, media_type: str = JSON) -> Response:
    """The response without `data` to a request that was stopped by `error`, whatever that is."""
    if isinstance(error, DocumentError):
        errors = present_all(error.errors, request_id)
    else:
        errors = [present_cause(error, request_id)]
    return json_response(_status(error, media_type), {"errors": errors}, media_type, _headers(error))


def _status(error: Exception, media_type: str) -> int:
    match error:
        case HttpError():
            return error.status
        case DocumentError() if media_type == JSON:
            # The request is well-formed, its document is not. Before GraphQL had a media type of its own, that was
            # a 200, and clients that ask for application/json expect it.
            return HTTPStatus.OK
        case DocumentError() | GatewayError():
            return HTTPStatus.BAD_REQUEST
        case _:
            # What nobody foresaw comes last, without internals.
            return _STATUS.get(code_of(error), HTTPStatus.INTERNAL_SERVER_ERROR)


def _headers(error: Exception) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, HttpError) else {}
    if code_of(error) is ErrorCode.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    wait = retry_after_of(error)
    if wait is not None:
        headers["retry-after"] = str(max(1, math.ceil(wait / 1000)))
    return headers
