"""Reserved card numbers: each makes the sandbox fail in one way, so that every error can be had on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from graph.sandbox.ledger import with_luhn_digit
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER: Final = 60.0
"""Seconds: longer than any client waits."""
SLOW: Final = 1.0


@dataclass(frozen=True, slots=True)
class Coded:
    """An error with a vendor's code, in one of the places where a code was seen."""

    code: str
    description: str
    status: int = 400
    place: Literal["response", "code", "reason"] = "response"
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not Konaplate's protocol at all."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Altered:
    """A good answer with some fields changed, and others left out."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    coded: bool = True
    """Whether the answer holds the success code."""
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Tampered:
    """A sealed answer whose authentication tag does not fit."""


Behaviour = Coded | Raw | Altered | Tampered


@dataclass(frozen=True, slots=True)
class Fault:
    """One reserved card number: what the sandbox does, and what a client of the gateway sees."""

    number: str
    shows: str
    behaviour: Behaviour
    code: ErrorCode | None
    """The `extensions.code` of the only error; None when there is no error."""
    retryable: bool = False
    field: str | None = None
    """The path below the card when the error is one field's; None when the whole card fails."""


_INPUT, _CARD, _MEMBER = ErrorCode.BAD_USER_INPUT, ErrorCode.CARD_NOT_FOUND, ErrorCode.MEMBER_NOT_FOUND
_REJECTED, _DOWN = ErrorCode.UPSTREAM_REJECTED, ErrorCode.UPSTREAM_UNAVAILABLE
_LATE, _ERROR = ErrorCode.UPSTREAM_TIMEOUT, ErrorCode.UPSTREAM_ERROR
_INVALID = ErrorCode.UPSTREAM_INVALID_RESPONSE

_HTML: Final = b"<!DOCTYPE html><html><body><h1>Service Temporarily Unavailable</h1></body></html>"
_RECEIPT: Final = {"approvalDiv": "0", "idNo": "01012345678", "manYn": "1"}

UNKNOWN_MEMBER: Final = 9001
LATE_MEMBER: Final = 9002
BROKEN_MEMBER: Final = 9003

MEMBER_FAULTS: Final[Mapping[int, Behaviour]] = MappingProxyType(
    {
        UNKNOWN_MEMBER: Coded("001_006", "Wallet user not found."),
        LATE_MEMBER: Altered(delay=NEVER),
        BROKEN_MEMBER: Raw(503),
    }
)
"""By user id. The cards that lead to them are in the table below."""

# Number within the group, description, behaviour, code, retryable, field.
_Row = tuple[int, str, Behaviour, ErrorCode | None, bool, str | None]

_CODED: Final[tuple[_Row, ...]] = (
    (1, "000_002 Invalid input parameter.", Coded("000_002", "Invalid input parameter."), _INPUT, False, None),
    (
        2,
        "000_003 Missing required values. cardNo",
        Coded("000_003", "Missing required values. cardNo"),
        _INPUT,
        False,
        None,
    ),
    (3, "000_015 length does not match", Coded("000_015", "The length does not match."), _INPUT, False, None),
    (4, "001_006 member not found", Coded("001_006", "Wallet user not found"), _MEMBER, False, None),
    (5, "003_001 invalid card", Coded("003_001", "Invalid card info."), _CARD, False, None),
    (6, "003_008 no par for the card", Coded("003_008", "Par not found from cardNo."), _CARD, False, None),
    (7, "003_021 no par", Coded("003_021", "Cannot find par"), _CARD, False, None),
    (8, "003_022 card terminated", Coded("003_022", "Card already terminated"), _CARD, False, None),
    (9, "006_022 system error under HTTP 400", Coded("006_022", "System Error."), _ERROR, True, None),
    (10, "900_001 internal error under HTTP 500", Coded("900_001", "오류", 500), _ERROR, True, None),
    (11, "010_001 bad request header", Coded("010_001", "Bad header."), _REJECTED, False, None),
    (12, "020_001 bad parameter", Coded("020_001", "Bad parameter."), _REJECTED, False, None),
    (13, "020_998 bad method", Coded("020_998", "Bad method."), _REJECTED, False, None),
    (14, "777_777 a code that nobody documented", Coded("777_777", "?"), _ERROR, False, None),
    (15, "error code under HTTP 200", Coded("003_001", "Invalid card info.", 200), _CARD, False, None),
    (16, "error code at the top level", Coded("003_001", "", place="code"), _CARD, False, None),
    (17, "error code as the reason", Coded("003_001", "", place="reason"), _CARD, False, None),
    (18, "encrypted error body", Coded("003_001", "Invalid card info.", sealed=True), _CARD, False, None),
)

_HTTP: Final[tuple[_Row, ...]] = (
    (1, "bad signature: HTTP 401", Coded("010_001", "The token does not fit.", 401), _REJECTED, False, None),
    (2, "HTTP 401 without a code", Raw(401), _REJECTED, False, None),
    (3, "HTTP 403 without a code", Raw(403, b"Forbidden"), _REJECTED, False, None),
    (4, "HTTP 404 with a page", Raw(404, _HTML, "text/html"), _INVALID, False, None),
    (5, "HTTP 429", Raw(429, headers={"Retry-After": "1"}), _DOWN, True, None),
    (6, "HTTP 500 with a text", Raw(500, b"Internal Server Error"), _DOWN, True, None),
    (7, "HTTP 502", Raw(502, _HTML, "text/html"), _DOWN, True, None),
    (8, "HTTP 503", Raw(503), _DOWN, True, None),
    (9, "HTTP 504", Raw(504), _DOWN, True, None),
    (10, "no answer in time", Altered(delay=NEVER), _LATE, True, None),
    (11, "an answer after one second", Altered(delay=SLOW), None, False, None),
    (12, "HTML under HTTP 200", Raw(200, _HTML, "text/html"), _INVALID, False, None),
    (13, "a redirect", Raw(302, headers={"Location": "/login"}), _INVALID, False, None),
    (14, "an empty answer", Raw(200), _INVALID, False, None),
    (15, "HTTP 204", Raw(204), _INVALID, False, None),
    (16, "garbage", Raw(200, b'{"balance": 1,\xff\x00', "application/json"), _INVALID, False, None),
    (17, "NaN for a balance", Raw(200, b'{"balance": NaN}', "application/json"), _INVALID, False, None),
    (18, "a JSON list", Raw(200, b"[]", "application/json"), _INVALID, False, None),
    (19, "an empty JSON object", Raw(200, b"{}", "application/json"), _INVALID, False, None),
    (20, "encrypted answer with a broken tag", Tampered(), _INVALID, False, None),
    (21, "HTTP 503, under `konagraph dev` an open breaker", Raw(503, b"busy"), _DOWN, True, None),
)

_FIELDS: Final[tuple[_Row, ...]] = (
    (1, "no code, all required fields", Altered(coded=False), None, False, None),
    (2, "no code, a required field missing", Altered(without=("balance",), coded=False), _INVALID, False, None),
    (3, "no balance", Altered(without=("balance",)), _INVALID, False, "balance"),
    (4, "null for the service name", Altered({"serviceName": None}), _INVALID, False, "serviceName"),
    (5, "balance as digits in a string", Altered({"balance": "4200"}), None, False, None),
    (6, "a negative balance", Altered({"balance": -1}), _INVALID, False, "balance"),
    (7, "a balance out of range", Altered({"balance": 10_000_000_000}), _INVALID, False, "balance"),
    (8, "a number for the service id", Altered({"serviceId": 1}), _INVALID, False, "serviceId"),
    (9, "a name longer than documented", Altered({"serviceName": "긴이름" * 100}), None, False, None),
    (10, "unknown words", Altered({"cashReceiptInfo": {**_RECEIPT, "approvalDiv": "7"}}), None, False, None),
    (
        11,
        "cash-receipt data without its number",
        Altered({"cashReceiptInfo": {"approvalDiv": "0", "manYn": "1"}}),
        _INVALID,
        False,
        "cashReceiptInfo.idNo",
    ),
    (12, "a user id of 2^63 in a string", Altered({"userId": "9223372036854775808"}), None, False, None),
    (13, "a user id that is no number", Altered({"userId": "kim"}), _INVALID, False, "member"),
    (14, "a member who is gone", Altered({"userId": UNKNOWN_MEMBER}), _MEMBER, False, "member.profile"),
    (15, "a member who cannot be had in time", Altered({"userId": LATE_MEMBER}), _LATE, True, "member.profile"),
    (16, "a member behind HTTP 503", Altered({"userId": BROKEN_MEMBER}), _DOWN, True, "member.profile"),
)


def _group(digit: int, rows: tuple[_Row, ...]) -> list[Fault]:
    return [
        Fault(with_luhn_digit(f"949133949{digit}{index:05d}"), shows, behaviour, code, retryable, path)
        for index, shows, behaviour, code, retryable, path in rows
    ]


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.number: fault for fault in (*_group(1, _CODED), *_group(2, _HTTP), *_group(3, _FIELDS))}
)
"""By card number: `949133949`, a digit for the group, a five-digit count and the Luhn digit."""

OPEN_BREAKER: Final = next(fault.number for fault in FAULTS.values() if "open breaker" in fault.shows)
"""The card that the gateway with the embedded sandbox answers as if Konaplate were left alone."""
