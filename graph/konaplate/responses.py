"""The response side of Konaplate's protocol: from status and bytes to business fields or an error. No I/O.

The vendor documents neither error bodies nor whether they are encrypted, so every status is read the same way:
decrypt `encData` if present, else read plain JSON, and decide by the code found there.

One malformed JSON value spoils only its own field. Numbers are read exactly: as a float, one member's id could
become another's (`9007199254740993.0`).
"""

from __future__ import annotations

import codecs
import json
import re
from datetime import UTC
from decimal import Decimal
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
from graph.konaplate.protocol import CRYPTO_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.konaplate.endpoint import Endpoint

_CRYPTO_KEY_ID: Final = CRYPTO_KEY_ID.lower()
_OK: Final = range(200, 300)
REJECTED: Final = (401, 403)
"""Statuses that refuse the call itself."""
ASK_AGAIN: Final = (408, 421, 425)
"""Statuses that ask for a new connection: RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470 section 5.2."""
_CAUSES: Final = {
    **dict.fromkeys(ASK_AGAIN, Cause.ASKS_AGAIN),
    429: Cause.THROTTLED,
    **dict.fromkeys((502, 503, 504), Cause.BAD_GATEWAY),
}
_SERVER_FAULT: Final = 500
_MAX_DELAY_DIGITS: Final = 6

# Two or three groups of digits, such as 000_000 and 218_1000_001. Clients see the code, so nothing else may pass
# for one: neither a word of the response nor somebody's number. A grouped phone number ends in four digits.
CODE: Final = re.compile(r"[0-9]{1,4}_[0-9]{1,4}|[0-9]{1,3}_[0-9]{1,4}_[0-9]{1,3}", re.ASCII)
"""The form of a code."""
# All three were seen.
_PLACES: Final = ("response.code", "code", "reason")


SPOILED: Final = object()
"""Stands for a JSON value that cannot be read; no field accepts it."""
_MAX_DIGITS: Final = 40
# Also one that is not closed: else each quote in it would begin a search of its own, up to the end.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
# Within a string: a valid escape, or else an invalid one or an unescaped control character.
_ESCAPES: Final = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\.|[\x00-\x1f]', re.DOTALL)
# Valid text holds no lone surrogate, so one can mark what was malformed.
_SURROGATE: Final = "\udc00"
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Response(msgspec.Struct, frozen=True):
    """One HTTP response, as far as the protocol looks at it."""

    status: int
    headers: Mapping[str, str]
    """By lowercase name; repeated headers are joined by commas."""
    body: bytes

    def __repr__(self) -> str:
        # Without the body: on an unencrypted line it holds personal data in clear.
        return f"Response(status={self.status})"


class Success(NamedTuple):
    """A successful response."""

    fields: dict[str, Any]
    """Its business fields."""
    details: CallDetails
    sealed: bool
    """Whether it was encrypted."""


def read_success(
    endpoint: Endpoint[Any, Any], response: Response, call: CallDetails, cipher: Cipher | None
) -> Success:
    """Read a successful response.

    Args:
        endpoint: the API that was called.
        response: the response.
        call: what is known of the call so far.
        cipher: opens `encData`; None on a private line without encryption.

    Raises:
        KonaplateError: the error that the response's code stands for, or else its status.
    """
    fields, sealed = _clear_fields(response, cipher)
    if isinstance(fields, str):
        raise _failure_of_status(call.answered(response.status), response.status, fields)
    code, silent = _code(fields)
    details = call.answered(response.status, code)
    if response.status in _OK and (code == SUCCESS or (silent and endpoint.is_complete(fields))):
        return Success(fields, details, sealed)
    raise _failure(endpoint, details, response.status, code)


def _failure(endpoint: Endpoint[Any, Any], details: CallDetails, status: int, code: str | None) -> KonaplateError:
    known = None if code is None else endpoint.error_of(code)
    if known is not None:
        return known(details)
    problem = "it has no code" if code is None else "a success under another status"
    by_status = _failure_of_status(details, status, problem)
    if code is None or code == SUCCESS or not isinstance(by_status, InvalidResponseError):
        return by_status
    return UnknownCodeError(details)


def _failure_of_status(details: CallDetails, status: int, problem: str) -> KonaplateError:
    """The error for a response without a usable code; `problem` says why there is none."""
    if status in REJECTED:
        return RejectedError(details)
    cause = _CAUSES.get(status, Cause.SERVER_FAULT if status >= _SERVER_FAULT else None)
    return InvalidResponseError(details, problem) if cause is None else UnavailableError(details, cause)


def seconds_to_wait(retry_after: str, now: float) -> float | None:
    """The delay that a Retry-After header asks for; None when it has neither of the two forms of RFC 9110.

    Args:
        retry_after: seconds, or a date.
        now: seconds since 1970 (UTC).
    """
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:_MAX_DELAY_DIGITS])
    try:
        at = parsedate_to_datetime(retry_after)
        return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None


def _clear_fields(response: Response, cipher: Cipher | None) -> tuple[dict[str, Any] | str, bool]:
    """The fields of a response, or why they cannot be read, and whether they were sealed."""
    fields = read_object(response.body)
    if fields is None:
        return "the body is not a JSON object", False
    sealed = fields.get("encData")
    if sealed is None:
        return fields, False
    if cipher is None:
        return "it is encrypted, and encryption is off", False
    if not isinstance(sealed, str):
        return "encData is not a string", False
    try:
        clear = cipher.open(sealed, response.headers.get(_CRYPTO_KEY_ID))
    except CannotOpenError as error:
        return str(error), True
    fields = read_object(clear)
    return "what was encrypted is not a JSON object" if fields is None else fields, True


def code_and_place(fields: dict[str, Any]) -> tuple[str, str] | None:
    """Read the code of a response, and where it stands; None if it has none, or a malformed one."""
    code, _ = _code(fields)
    return None if code is None else (code, _PLACES[_candidates(fields).index(code)])


def _code(fields: dict[str, Any]) -> tuple[str | None, bool]:
    """Read the code from the first of its places that has one.

    Returns:
        The code, and whether all places are empty. A malformed code is not shown, but it is not silence.
    """
    candidates = _candidates(fields)
    for candidate in candidates:
        if isinstance(candidate, str) and CODE.fullmatch(candidate):
            return candidate, False
    return None, all(each in (None, "") for each in candidates) and isinstance(fields.get("response"), dict | None)


def _candidates(fields: dict[str, Any]) -> tuple[object, object, object]:
    """What stands in `_PLACES`."""
    response = fields.get("response")
    nested = response.get("code") if isinstance(response, dict) else None
    return nested, fields.get("code"), fields.get("reason")


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body holds, with `SPOILED` for each unreadable value; None when it holds none."""
    try:
        value = _decode(body)
    except RecursionError:
        return None
    # msgspec does not wrap UnicodeDecodeError.
    except (msgspec.MsgspecError, UnicodeDecodeError):
        value = _read_tolerantly(body)
    return value if isinstance(value, dict) else None


def _read_tolerantly(body: bytes) -> Any:
    """Read JSON with malformed strings and numbers. Its structure must be sound, or nothing in it is reliable."""
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    try:
        return _TOLERANT.decode(_STRING.sub(_marked, text))
    except (ValueError, RecursionError):
        return None


def _marked(string: re.Match[str]) -> str:
    return _ESCAPES.sub(lambda found: found[1] or _SURROGATE, string[0])


def _members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: SPOILED if isinstance(value, str) and _SURROGATES.search(value) else value for name, value in members
    }


def _integer(text: str) -> object:
    # Python refuses to read thousands of digits, and no field has nearly as many.
    return int(text) if len(text) <= _MAX_DIGITS else SPOILED


def _decimal(text: str) -> object:
    try:
        return Decimal(text)
    except ArithmeticError:
        return SPOILED


_decode: Final = msgspec.json.Decoder(float_hook=_decimal).decode
_TOLERANT: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_decimal, parse_constant=lambda _name: SPOILED
)
