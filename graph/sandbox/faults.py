"""What the sandbox can do with a call, and reserved card numbers that produce every error on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from graph.sandbox.ledger import with_luhn_digit
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping


NEVER: Final = 60.0
"""Seconds; longer than any client waits."""
SLOW: Final = 1.0


@dataclass(frozen=True, slots=True)
class Coded:
    """An error with a vendor's code, in one of the places where codes were seen."""

    code: str
    description: str
    status: int = 400
    place: Literal["response", "code", "reason"] = "response"
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """A response outside of Konaplate's protocol."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Altered:
    """A good response with some fields changed and others omitted."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    coded: bool = True
    """Whether it contains the success code."""
    delay: float = 0.0
    tampered: bool = False
    """Whether its authentication tag is broken."""


Behaviour = Coded | Raw | Altered


class RefusedCallError(Exception):
    """A call that is rejected with a vendor's code."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self.answer = Coded(code, description, status)


@dataclass(frozen=True, slots=True)
class Fault:
    """A reserved card number: what the sandbox does, and what a client of the gateway sees."""

    number: str
    description: str
    behaviour: Behaviour
    code: ErrorCode | None
    """The `extensions.code` of the only error; None when there is no error."""
    retryable: bool
    field: str | None
    """The path below the card if the error is one field's; None if the whole card fails."""


# What a client sees: the code, and whether a retry may help.
_NONE: Final = (None, False)
_INPUT: Final = (ErrorCode.BAD_USER_INPUT, False)
_CARD: Final = (ErrorCode.CARD_NOT_FOUND, False)
_MEMBER: Final = (ErrorCode.MEMBER_NOT_FOUND, False)
_REJECTED: Final = (ErrorCode.UPSTREAM_REJECTED, False)
_INVALID: Final = (ErrorCode.UPSTREAM_INVALID_RESPONSE, False)
_DOWN: Final = (ErrorCode.UPSTREAM_UNAVAILABLE, True)
_LATE: Final = (ErrorCode.UPSTREAM_TIMEOUT, True)
_ERROR: Final = (ErrorCode.UPSTREAM_ERROR, False)
_BUSY: Final = (ErrorCode.UPSTREAM_ERROR, True)

_HTML: Final = b"<!DOCTYPE html><html><body><h1>Service Temporarily Unavailable</h1></body></html>"
_NO_ID: Final = {"approvalDiv": "0", "manYn": "1"}
_STRANGE: Final = {"approvalDiv": "7", "idNo": "01012345678", "manYn": "1"}

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
"""By user id. The cards that lead to them are below."""

# Description, behaviour, what a client sees, field.
_Row = tuple[str, Behaviour, tuple[ErrorCode | None, bool], str | None]

_CODED: Final[tuple[_Row, ...]] = (
    ("000_002 Invalid input parameter.", Coded("000_002", "Invalid input parameter."), _INPUT, None),
    ("000_003 Missing required values. cardNo", Coded("000_003", "Missing required values. cardNo"), _INPUT, None),
    ("000_015 length does not match", Coded("000_015", "The length does not match."), _INPUT, None),
    ("001_006 member not found", Coded("001_006", "Wallet user not found"), _MEMBER, None),
    ("003_001 invalid card", Coded("003_001", "Invalid card info."), _CARD, None),
    ("003_008 no par for the card", Coded("003_008", "Par not found from cardNo."), _CARD, None),
    ("003_021 no par", Coded("003_021", "Cannot find par"), _CARD, None),
    ("003_022 card terminated", Coded("003_022", "Card already terminated"), _CARD, None),
    ("006_022 system error under HTTP 400", Coded("006_022", "System Error."), _BUSY, None),
    ("900_001 internal error under HTTP 500", Coded("900_001", "오류", 500), _BUSY, None),
    ("010_001 bad request header", Coded("010_001", "Bad header."), _REJECTED, None),
    ("020_001 bad parameter", Coded("020_001", "Bad parameter."), _REJECTED, None),
    ("020_998 bad method", Coded("020_998", "Bad method."), _REJECTED, None),
    ("777_777 an undocumented code", Coded("777_777", "?"), _ERROR, None),
    ("error code under HTTP 200", Coded("003_001", "Invalid card info.", 200), _CARD, None),
    ("error code at the top level", Coded("003_001", "", place="code"), _CARD, None),
    ("error code as the reason", Coded("003_001", "", place="reason"), _CARD, None),
    ("encrypted error body", Coded("003_001", "Invalid card info.", sealed=True), _CARD, None),
)

_HTTP: Final[tuple[_Row, ...]] = (
    ("bad signature: HTTP 401", Coded("010_001", "The token does not fit.", 401), _REJECTED, None),
    ("HTTP 401 without a code", Raw(401), _REJECTED, None),
    ("HTTP 403 without a code", Raw(403, b"Forbidden"), _REJECTED, None),
    ("HTTP 404 with a page", Raw(404, _HTML, "text/html"), _INVALID, None),
    ("HTTP 429", Raw(429, headers={"Retry-After": "1"}), _DOWN, None),
    ("HTTP 500 with a text", Raw(500, b"Internal Server Error"), _DOWN, None),
    ("HTTP 502", Raw(502, _HTML, "text/html"), _DOWN, None),
    ("HTTP 503", Raw(503), _DOWN, None),
    ("HTTP 504", Raw(504), _DOWN, None),
    ("no response in time", Altered(delay=NEVER), _LATE, None),
    ("a response after one second", Altered(delay=SLOW), _NONE, None),
    ("HTML under HTTP 200", Raw(200, _HTML, "text/html"), _INVALID, None),
    ("a redirect", Raw(302, headers={"Location": "/login"}), _INVALID, None),
    ("an empty response", Raw(200), _INVALID, None),
    ("HTTP 204", Raw(204), _INVALID, None),
    ("garbage", Raw(200, b'{"balance": 1,\xff\x00', "application/json"), _INVALID, None),
    ("NaN for a balance", Raw(200, b'{"balance": NaN}', "application/json"), _INVALID, None),
    ("a JSON list", Raw(200, b"[]", "application/json"), _INVALID, None),
    ("an empty JSON object", Raw(200, b"{}", "application/json"), _INVALID, None),
    ("encrypted response with a broken tag", Altered(tampered=True), _INVALID, None),
    ("HTTP 503, under `konagraph dev` an open breaker", Raw(503, b"busy"), _DOWN, None),
)

_FIELDS: Final[tuple[_Row, ...]] = (
    ("no code, all required fields", Altered(coded=False), _NONE, None),
    ("no code, a required field missing", Altered(without=("balance",), coded=False), _INVALID, None),
    ("no balance", Altered(without=("balance",)), _INVALID, "balance"),
    ("null for the service name", Altered({"serviceName": None}), _INVALID, "serviceName"),
    ("balance as digits in a string", Altered({"balance": "4200"}), _NONE, None),
    ("a negative balance", Altered({"balance": -1}), _INVALID, "balance"),
    ("a balance out of range", Altered({"balance": 10_000_000_000}), _INVALID, "balance"),
    ("a number for the service id", Altered({"serviceId": 1}), _INVALID, "serviceId"),
    ("a name longer than documented", Altered({"serviceName": "긴이름" * 100}), _NONE, None),
    ("undocumented values", Altered({"cashReceiptInfo": _STRANGE}), _NONE, None),
    (
        "cash-receipt data without its number",
        Altered({"cashReceiptInfo": {"approvalDiv": "0", "manYn": "1"}}),
        _INVALID,
        "cashReceiptInfo.idNo",
    ),
    ("a user id of 2^63 in a string", Altered({"userId": "9223372036854775808"}), _NONE, None),
    ("a user id that is not a number", Altered({"userId": "kim"}), _INVALID, "member"),
    ("a member who no longer exists", Altered({"userId": UNKNOWN_MEMBER}), _MEMBER, "member.profile"),
    ("a member who times out", Altered({"userId": LATE_MEMBER}), _LATE, "member.profile"),
    ("a member behind HTTP 503", Altered({"userId": BROKEN_MEMBER}), _DOWN, "member.profile"),
)


def _group(digit: int, rows: tuple[_Row, ...]) -> list[Fault]:
    return [
        Fault(with_luhn_digit(f"949133949{digit}{index:05d}"), description, behaviour, *seen, path)
        for index, (description, behaviour, seen, path) in enumerate(rows, start=1)
    ]


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.number: fault for fault in (*_group(1, _CODED), *_group(2, _HTTP), *_group(3, _FIELDS))}
)
"""By card number: `949133949`, a digit for the group, a five-digit count and the Luhn digit."""

OPEN_BREAKER: Final = next(fault.number for fault in FAULTS.values() if "open breaker" in fault.description)
"""The card that a gateway with the embedded sandbox answers as if the breaker were open."""
