"""The answer side of Konaplate's protocol: from status and bytes to business fields or an error. No I/O.

The vendor documents neither error bodies nor whether they are encrypted, so every status is read the same way:
open `encData` where it is, read plain JSON where it is not, and decide by the code that is found.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from graph.konaplate.encryption import CannotOpenError, Cipher
from graph.konaplate.errors import (
    SUCCESS,
    CallDetails,
    Cause,
    InvalidResponseError,
    KonaplateError,
    RejectedError,
    UnavailableError,
    UnknownCodeError,
)
from graph.konaplate.json_bodies import read_object
from graph.konaplate.protocol import CRYPTO_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.konaplate.endpoint import Endpoint

_CRYPTO_KEY_ID: Final = CRYPTO_KEY_ID.lower()
_OK: Final = range(200, 300)
_REFUSED: Final = (401, 403)
ASK_AGAIN: Final = (408, 421, 425)
"""To be asked again on another connection: RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470 section 5.2."""
_CAUSES: Final = {
    **dict.fromkeys(ASK_AGAIN, Cause.ASKS_AGAIN),
    429: Cause.THROTTLED,
    **dict.fromkeys((502, 503, 504), Cause.BAD_GATEWAY),
}
_SERVER_FAULT: Final = 500
_MAX_DELAY_DIGITS: Final = 6

# Two or three groups of digits. A code is shown to clients, so nothing else may pass for one: no word of an
# answer, and no number of a person's, such as a phone's in groups (02_123_4567).
_CODE: Final = re.compile(r"[0-9]{1,4}_[0-9]{1,4}|[0-9]{1,3}_[0-9]{1,3}_[0-9]{1,3}", re.ASCII)


class Response(msgspec.Struct, frozen=True):
    """One HTTP response, as far as the protocol looks at it."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case; the values of a header that came more than once are one list."""
    body: bytes

    def __repr__(self) -> str:
        # Without the body: on a plain line it is a person's data in clear.
        return f"Response(status={self.status})"


class Success(NamedTuple):
    """A successful answer."""

    fields: dict[str, Any]
    """Its business fields."""
    details: CallDetails
    sealed: bool
    """Whether it was encrypted."""


def read_success(
    endpoint: Endpoint[Any, Any], response: Response, call: CallDetails, cipher: Cipher | None
) -> Success:
    """Read a successful answer.

    Args:
        endpoint: whose answer it is.
        response: the answer.
        call: what is known of the call so far.
        cipher: opens `encData`; None on a private line without encryption.

    Raises:
        KonaplateError: the error of the answer's code, or else of its status.
    """
    fields, sealed = _clear_fields(response, cipher)
    if fields is None:
        raise _failure_of_status(call.answered(response.status), response.status)
    code, silent = _code(fields)
    details = call.answered(response.status, code)
    if response.status in _OK and (code == SUCCESS or (silent and endpoint.is_complete(fields))):
        return Success(fields, details, sealed)
    raise _failure(endpoint, details, response.status, code)


def _failure(endpoint: Endpoint[Any, Any], details: CallDetails, status: int, code: str | None) -> KonaplateError:
    known = None if code is None else endpoint.error_of(code)
    if known is not None:
        return known(details)
    by_status = _failure_of_status(details, status)
    if code is None or code == SUCCESS or not isinstance(by_status, InvalidResponseError):
        return by_status
    return UnknownCodeError(details)


def _failure_of_status(details: CallDetails, status: int) -> KonaplateError:
    """What an answer means that holds no usable code."""
    if status in _REFUSED:
        return RejectedError(details)
    cause = _CAUSES.get(status, Cause.SERVER_FAULT if status >= _SERVER_FAULT else None)
    return InvalidResponseError(details) if cause is None else UnavailableError(details, cause)


def seconds_to_wait(retry_after: str, now: float) -> float | None:
    """The delay that a Retry-After header asks for; None when it has neither of the two forms of RFC 9110.

    Args:
        retry_after: the header's value: seconds, or a date.
        now: seconds since 1970 (UTC).
    """
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:_MAX_DELAY_DIGITS])
    try:
        at = parsedate_to_datetime(retry_after)
        return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None


def _clear_fields(response: Response, cipher: Cipher | None) -> tuple[dict[str, Any] | None, bool]:
    """The fields of an answer, None when it holds none that can be read, and whether they were sealed."""
    fields = read_object(response.body)
    sealed = None if fields is None else fields.get("encData")
    if sealed is None:
        return fields, False
    if not isinstance(sealed, str) or cipher is None:
        return None, False
    try:
        return read_object(cipher.open(sealed, response.headers.get(_CRYPTO_KEY_ID))), True
    except CannotOpenError:
        return None, True


def _code(fields: dict[str, Any]) -> tuple[str | None, bool]:
    """Read the code from `response.code`, else `code`, else `reason`: all three forms were seen.

    Returns:
        The code, and whether there is nothing in any of the three places. What is no code is not shown, but an
        answer that says something there is not one that says nothing.
    """
    response = fields.get("response")
    nested = response.get("code") if isinstance(response, dict) else None
    if nested == SUCCESS:
        # Nearly always.
        return SUCCESS, False
    said = (nested, fields.get("code"), fields.get("reason"))
    for candidate in said:
        if isinstance(candidate, str) and _CODE.fullmatch(candidate):
            return candidate, False
    return None, all(place in (None, "") for place in said) and isinstance(response, dict | None)
