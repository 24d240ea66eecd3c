"""The answers to requests that are not executed, and the presentation of errors."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from graph.errors import GatewayError, code_of, present_all, retry_after_of
from graph.graphql.errors import DocumentError
from graph.http import accept as negotiation
from graph.http.responses import Answer, Headers, HttpError, json_answer
from graph.resilience.admission import AtCapacityError
from graph.resilience.deadline import DeadlineExceededError
from graph.security.errors import SecurityError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.http.report import RequestReport

_STATUS: Final = {
    ErrorCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.OVERLOADED: HTTPStatus.SERVICE_UNAVAILABLE,
}


def refusal(error: Exception, media_type: str, report: RequestReport) -> Answer:
    """The answer without `data` to a request that was stopped by `error`, whatever that is."""
    match error:
        case HttpError():
            cause = GatewayError(ErrorCode.BAD_REQUEST, error.message)
            return _answer(error.status, [_shown(cause)], media_type, report, error.headers)
        case GatewayError():
            return _answer(HTTPStatus.BAD_REQUEST, [_shown(error)], media_type, report)
        case SecurityError() | AtCapacityError():
            headers = _headers(error)
            return _answer(_STATUS[code_of(error)], [_hidden(error)], media_type, report, headers)
        case DocumentError():
            # A well-formed request whose document is refused: before the media type of its own, such an answer
            # was a 200, and clients that ask for application/json expect that.
            status = HTTPStatus.OK if media_type == negotiation.JSON else HTTPStatus.BAD_REQUEST
            return _answer(status, error.errors, media_type, report)
        case _:
            # The last resort: an answer without internals.
            return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, [_hidden(error)], media_type, report)


def not_acceptable(report: RequestReport) -> Answer:
    """The answer to a client that accepts neither form of answers."""
    message = f"Answers are {negotiation.GRAPHQL_RESPONSE} or {negotiation.JSON}."
    return refusal(HttpError(HTTPStatus.NOT_ACCEPTABLE, message), negotiation.JSON, report)


def presented(errors: Sequence[GraphQLError], report: RequestReport) -> list[dict[str, Any]]:
    """The `errors` of an answer; what they were is noted in the report."""
    for error in errors:
        code = code_of(error.original_error)
        report.codes.append(code.value)
        report.deadline_hits += isinstance(error.original_error, DeadlineExceededError)
        if code is ErrorCode.INTERNAL_SERVER_ERROR:
            report.unexpected.append(error.original_error or error)
    return present_all(errors, report.request_id)


def _answer(
    status: int,
    errors: Sequence[GraphQLError],
    media_type: str,
    report: RequestReport,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Answer:
    return json_answer(status, {"errors": presented(errors, report)}, media_type=media_type, headers=headers)


def _shown(error: GatewayError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _hidden(error: Exception) -> GraphQLError:
    return GraphQLError("", original_error=error)


def _headers(error: Exception) -> Headers:
    headers: Headers = []
    if code_of(error) is ErrorCode.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    wait = retry_after_of(error)
    if wait is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(wait / 1000))).encode("ascii")))
    return headers
