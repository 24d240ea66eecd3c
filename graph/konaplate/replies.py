"""The answer side of Konaplate's protocol: from status and bytes to business fields or an error. No I/O.

The vendor documents neither error bodies nor whether they are encrypted, so every status is read the same way:
open `encData` where it is, read plain JSON where it is not, and decide by the code that is found.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

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
    error_of_code,
)

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_OK: Final = range(200, 300)
_REFUSED: Final = (401, 403)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_FAULT: Final = 500
_BAD_GATEWAY: Final = (502, 503, 504)
_MAX_DELAY_DIGITS: Final = 6

# A code is shown to clients, so it must look like one: too short for a card number, too few digits for a phone's.
_CODE: Final = re.compile(r"(?!.*[0-9]{7})[0-9A-Za-z_.-]{1,12}", re.ASCII)


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer, as far as the protocol looks at it."""

    status: int
    body: bytes
    crypto_key_id: str | None
    retry_after: float | None = None
    """The seconds after which the answer asks us to call again."""

    def __repr__(self) -> str:
        # Without the body: on a plain line it is a person's data in clear.
        return f"Reply(status={self.status})"


def business_fields(
    reply: Reply, *, cipher: Cipher | None, required: AbstractSet[str], correlation_id: str
) -> tuple[dict[str, Any], CallDetails]:
    """Return the business fields of a successful answer, with what may be told of the call.

    Args:
        reply: the answer.
        cipher: opens `encData`; None on a private line without encryption.
        required: the fields that make an answer without any code a success.
        correlation_id: the id that the call was made with.

    Raises:
        KonaplateError: the error of the answer's code, or else of its status.
    """
    fields = _clear_fields(reply, cipher, CallDetails(correlation_id, reply.status))
    code = _code(fields)
    details = CallDetails(correlation_id, reply.status, code)
    if reply.status in _OK and (code == SUCCESS or (code is None and required <= fields.keys())):
        return fields, details
    raise _failure(details, reply)


def _failure(details: CallDetails, reply: Reply) -> KonaplateError:
    code = details.code
    known = error_of_code(code) if code is not None else None
    if known is not None:
        return known(details)
    by_status = _failure_of_status(details, reply)
    if code is None or code == SUCCESS or not isinstance(by_status, InvalidResponseError):
        return by_status
    return UnknownCodeError(details)


def _failure_of_status(details: CallDetails, reply: Reply) -> KonaplateError:
    """What an answer means that holds no usable code."""
    if reply.status in _REFUSED:
        return RejectedError(details)
    if reply.status == _TOO_MANY_REQUESTS:
        return UnavailableError(details, Cause.THROTTLED, reply.retry_after)
    if reply.status in _BAD_GATEWAY:
        return UnavailableError(details, Cause.BAD_GATEWAY, reply.retry_after)
    if reply.status >= _SERVER_FAULT:
        return UnavailableError(details, Cause.SERVER_FAULT)
    return InvalidResponseError(details)


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


def _clear_fields(reply: Reply, cipher: Cipher | None, details: CallDetails) -> dict[str, Any]:
    fields = _json_object(reply.body)
    if fields is None:
        raise _failure_of_status(details, reply)
    sealed = fields.get("encData")
    if sealed is None:
        return fields
    if not isinstance(sealed, str) or cipher is None:
        raise _failure_of_status(details, reply)
    try:
        clear = cipher.open(sealed, reply.crypto_key_id)
    except CannotOpenError as error:
        raise _failure_of_status(details, reply) from error
    opened = _json_object(clear)
    if opened is None:
        raise _failure_of_status(details, reply)
    return opened


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(body)
    # RecursionError: thousands of brackets; UnicodeDecodeError: msgspec passes it on as it is.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _code(fields: dict[str, Any]) -> str | None:
    """Read the code from `response.code`, else `code`, else `reason`: all three forms were seen."""
    response = fields.get("response")
    nested = response.get("code") if isinstance(response, dict) else None
    if nested == SUCCESS:
        return SUCCESS
    for candidate in (nested, fields.get("code"), fields.get("reason")):
        if isinstance(candidate, str) and _CODE.fullmatch(candidate):
            return candidate
    return None
