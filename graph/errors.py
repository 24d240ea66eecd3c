"""From exceptions to what a client sees: one table, one function. No message of an exception is ever shown."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate import errors as konaplate
from graph.resilience.breaker import CircuitOpenError
from graph.resilience.deadline import DeadlineExceededError
from graph.resilience.single_flight import AbandonedError
from graph.resilience.slots import AtCapacityError
from graph.security import errors as security
from schema.errors import MESSAGES, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError


class GatewayError(Exception):
    """An error of this gateway's own making, ready to be shown.

    Args:
        code: what the client may branch on.
        message: a text made of schema names only; by default the code's constant message.
        extensions: further members of `extensions`, such as the name of a limit.
    """

    def __init__(self, code: ErrorCode, message: str | None = None, **extensions: str | int) -> None:
        super().__init__(code.value)
        self.code = code
        self.message = message or MESSAGES[code]
        self.extensions = extensions


CODES: Final[Mapping[type[BaseException], ErrorCode]] = MappingProxyType(
    {
        DeadlineExceededError: ErrorCode.UPSTREAM_TIMEOUT,
        CircuitOpenError: ErrorCode.UPSTREAM_UNAVAILABLE,
        AtCapacityError: ErrorCode.OVERLOADED,
        AbandonedError: ErrorCode.OVERLOADED,
        security.UnauthenticatedError: ErrorCode.UNAUTHENTICATED,
        security.KeysUnavailableError: ErrorCode.OVERLOADED,
        security.ForbiddenError: ErrorCode.FORBIDDEN,
        security.CardHiddenError: ErrorCode.CARD_NOT_FOUND,
        security.AuditUnavailableError: ErrorCode.AUDIT_UNAVAILABLE,
        security.RateLimitedError: ErrorCode.RATE_LIMITED,
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
)
"""Looked up along the exception's class order, so that the last row is the default of the tree."""

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
"""What a client should wait where nothing better is known."""
MAX_RETRY_AFTER_MS: Final = 24 * 3600 * 1_000
"""However long Konaplate asks to be left alone; it may ask until the year 9999."""


def code_of(error: BaseException | None) -> ErrorCode:
    """The code that a client sees for an exception; anything unknown is an internal error."""
    if isinstance(error, GatewayError):
        return error.code
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return ErrorCode.INTERNAL_SERVER_ERROR


def retry_after_of(error: BaseException | None) -> int | None:
    """Milliseconds until the same request may pass; None where nothing is known of that."""
    if isinstance(error, security.RateLimitedError):
        return error.retry_after_ms
    seconds = error.retry_after if isinstance(error, CircuitOpenError) else None
    if isinstance(error, konaplate.RetryMayHelpError):
        seconds = error.details.retry_after
    if seconds is not None:
        return min(math.ceil(seconds * 1000), MAX_RETRY_AFTER_MS)
    return RETRY_AFTER_MS if isinstance(error, _RETRY_SOON) else None


def present(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """One entry of the answer's `errors`: message, locations, path and extensions, none of them from outside."""
    cause = error.original_error
    presented: dict[str, Any] = {"message": _message(cause)}
    if error.locations:
        presented["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        presented["path"] = error.path
    presented["extensions"] = _extensions(cause, request_id)
    return presented


def present_cause(cause: BaseException, request_id: str) -> dict[str, Any]:
    """The same for an exception that has no place in a document."""
    return {"message": _message(cause), "extensions": _extensions(cause, request_id)}


def present_all(errors: Sequence[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """Every error of an answer, in the order of the document.

    graphql-core reports them as they happen, which would tell which of two cards failed sooner, and perhaps why.
    """
    return [present(error, request_id) for error in sorted(errors, key=_place)]


def _place(error: GraphQLError) -> tuple[list[tuple[int, int]], list[tuple[bool, int, str]]]:
    locations = [(place.line, place.column) for place in error.locations or ()]
    # Indexes of a list by their value, names by their letters.
    path = [(isinstance(step, str), step if isinstance(step, int) else 0, str(step)) for step in error.path or ()]
    return locations, path


def _message(cause: BaseException | None) -> str:
    return cause.message if isinstance(cause, GatewayError) else MESSAGES[code_of(cause)]


def _extensions(cause: BaseException | None, request_id: str) -> dict[str, Any]:
    extensions: dict[str, Any] = {
        "code": code_of(cause).value,
        "retryable": isinstance(cause, _RETRY_MAY_HELP),
        "requestId": request_id,
    }
    if isinstance(cause, GatewayError):
        extensions.update(cause.extensions)
    retry_after_ms = retry_after_of(cause)
    if retry_after_ms is not None:
        extensions["retryAfterMs"] = retry_after_ms
    if isinstance(cause, konaplate.KonaplateError):
        details = cause.details
        extensions["upstream"] = {
            "api": details.api,
            "code": details.code,
            "status": details.status,
            "correlationId": details.correlation_id,
        }
    return extensions
