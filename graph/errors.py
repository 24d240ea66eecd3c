"""From exceptions to what clients see. Messages of exceptions are never shown, only those of `GatewayError`."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate import errors as konaplate
from graph.resilience.breaker import CircuitOpenError
from graph.resilience.deadline import DeadlineExceededError
from graph.resilience.single_flight import AbandonedError
from graph.resilience.slots import AtCapacityError
from graph.security import errors as security
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError


class GatewayError(Exception):
    """An error of the gateway itself, ready to be shown.

    Args:
        code: the value of `extensions.code`.
        message: holds no value of the request; by default the code's constant message.
        extensions: further members of `extensions`, such as the name of a limit.
    """

    def __init__(self, code: ErrorCode, message: str | None = None, **extensions: str | int) -> None:
        super().__init__(code.value)
        self.code = code
        self.message = message or code.message
        self.extensions = extensions


CODES: Final[dict[type[BaseException], ErrorCode]] = {
    DeadlineExceededError: ErrorCode.UPSTREAM_TIMEOUT,
    CircuitOpenError: ErrorCode.UPSTREAM_UNAVAILABLE,
    AtCapacityError: ErrorCode.OVERLOADED,
    AbandonedError: ErrorCode.OVERLOADED,
    security.UnauthenticatedError: ErrorCode.UNAUTHENTICATED,
    security.KeysUnavailableError: ErrorCode.OVERLOADED,
    security.ForbiddenError: ErrorCode.FORBIDDEN,
    security.CardHiddenError: ErrorCode.CARD_NOT_FOUND,
    security.MemberHiddenError: ErrorCode.MEMBER_NOT_FOUND,
    security.AuditUnavailableError: ErrorCode.AUDIT_UNAVAILABLE,
    security.RateLimitedError: ErrorCode.RATE_LIMITED,
    security.BudgetTooSmallError: ErrorCode.QUERY_LIMIT_EXCEEDED,
    konaplate.InvalidInputError: ErrorCode.BAD_USER_INPUT,
    konaplate.CardNotFoundError: ErrorCode.CARD_NOT_FOUND,
    konaplate.MemberNotFoundError: ErrorCode.MEMBER_NOT_FOUND,
    konaplate.RejectedError: ErrorCode.UPSTREAM_REJECTED,
    konaplate.UnavailableError: ErrorCode.UPSTREAM_UNAVAILABLE,
    konaplate.TimedOutError: ErrorCode.UPSTREAM_TIMEOUT,
    konaplate.SystemFaultError: ErrorCode.UPSTREAM_ERROR,
    konaplate.InvalidResponseError: ErrorCode.UPSTREAM_INVALID_RESPONSE,
    konaplate.KonaplateError: ErrorCode.UPSTREAM_ERROR,
}
"""Looked up along the exception's MRO, so that `KonaplateError` is the default of its tree."""

HTTP_STATUS: Final = {
    ErrorCode.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    ErrorCode.GRAPHQL_PARSE_FAILED: HTTPStatus.BAD_REQUEST,
    ErrorCode.GRAPHQL_VALIDATION_FAILED: HTTPStatus.BAD_REQUEST,
    ErrorCode.BAD_USER_INPUT: HTTPStatus.BAD_REQUEST,
    ErrorCode.QUERY_LIMIT_EXCEEDED: HTTPStatus.BAD_REQUEST,
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: HTTPStatus.BAD_REQUEST,
    ErrorCode.DOCUMENT_NOT_ALLOWED: HTTPStatus.BAD_REQUEST,
    ErrorCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.OVERLOADED: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.INTERNAL_SERVER_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of a response to a request that is refused as a whole; other codes are only errors of fields."""

_RETRY_MAY_HELP: Final = (
    konaplate.RetryMayHelpError,
    DeadlineExceededError,
    CircuitOpenError,
    AtCapacityError,
    AbandonedError,
    security.KeysUnavailableError,
    security.AuditUnavailableError,
    security.RateLimitedError,
)
_RETRY_SOON: Final = (
    AtCapacityError,
    AbandonedError,
    security.KeysUnavailableError,
    security.AuditUnavailableError,
)
RETRY_AFTER_MS: Final = 1_000
"""How long clients should wait if nothing better is known."""
MAX_RETRY_AFTER_MS: Final = 24 * 3600 * 1_000
"""Caps Konaplate's `Retry-After`, which may name any date until the year 9999."""


def code_of(error: BaseException | None) -> ErrorCode:
    """Return the code that clients see for an exception; anything unknown is an internal error."""
    if isinstance(error, GatewayError):
        return error.code
    return code_of_kind(type(error))


def code_of_kind(kind: type[Any]) -> ErrorCode:
    """Return the code that clients see for exceptions of a class, other than `GatewayError`."""
    return next((CODES[each] for each in kind.__mro__ if each in CODES), ErrorCode.INTERNAL_SERVER_ERROR)


def retry_may_help(kind: type[Any]) -> bool:
    """Whether the same request may succeed after an exception of this class."""
    return issubclass(kind, _RETRY_MAY_HELP)


def message_of(error: BaseException | None) -> str:
    """Return the message that clients see for an exception."""
    return error.message if isinstance(error, GatewayError) else code_of(error).message


def retry_after_of(error: BaseException | None) -> int | None:
    """Return the milliseconds until the same request may pass; None if unknown."""
    if isinstance(error, security.RateLimitedError):
        return error.retry_after_ms
    seconds = error.retry_after if isinstance(error, CircuitOpenError) else None
    if isinstance(error, konaplate.RetryMayHelpError):
        seconds = error.details.retry_after
    if seconds is not None:
        return min(math.ceil(seconds * 1000), MAX_RETRY_AFTER_MS)
    return RETRY_AFTER_MS if isinstance(error, _RETRY_SOON) else None


def present_all(errors: Sequence[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """Format the errors of an answer, in the order of the document.

    graphql-core orders errors by time of failure, which would reveal which card failed first.
    """
    return [_present(error, request_id) for error in sorted(errors, key=_place)]


def present_cause(cause: BaseException | None, request_id: str, **place: Any) -> dict[str, Any]:
    """Format one entry of `errors`; `place` are its `locations` and `path`, if it has them."""
    extensions: dict[str, Any] = {
        "code": code_of(cause).value,
        "retryable": retry_may_help(type(cause)),
        "requestId": request_id,
    }
    if isinstance(cause, GatewayError):
        extensions.update(cause.extensions)
    retry_after_ms = retry_after_of(cause)
    if retry_after_ms is not None:
        extensions["retryAfterMs"] = retry_after_ms
    if isinstance(cause, security.RateLimitedError) and cause.budget == "cost":
        extensions["limit"] = cause.budget
    if isinstance(cause, security.BudgetTooSmallError):
        extensions |= {"limit": cause.budget, "maximum": cause.maximum}
    if isinstance(cause, security.ForbiddenError):
        extensions["requiredScope"] = cause.scope
    if isinstance(cause, konaplate.KonaplateError):
        details = cause.details
        extensions["upstream"] = {
            "api": details.api,
            "code": details.code,
            "status": details.status,
            "correlationId": details.correlation_id or None,
        }
    return {"message": message_of(cause), **place, "extensions": extensions}


def _present(error: GraphQLError, request_id: str) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if error.locations:
        place["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path is not None:
        place["path"] = error.path
    return present_cause(error.original_error, request_id, **place)


def _place(error: GraphQLError) -> tuple[list[tuple[int, int]], list[tuple[bool, int, str]]]:
    locations = [(location.line, location.column) for location in error.locations or ()]
    # List indexes sort by value, names by letters.
    path = [(isinstance(step, str), step if isinstance(step, int) else 0, str(step)) for step in error.path or ()]
    return locations, path
