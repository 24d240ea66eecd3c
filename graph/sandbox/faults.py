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
    each_of: str | None = None
    """The field whose object, or each of whose objects, is altered in place of the response itself."""
    other_form: bool = False
    """Whether it is encrypted although the API's responses are not, or the other way round."""

    def fields(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Alter the fields of a good response."""
        if self.each_of is None:
            return self._altered(found)
        within = found[self.each_of]
        altered = [self._altered(each) for each in within] if isinstance(within, list) else self._altered(within)
        return {**found, self.each_of: altered}

    def _altered(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**found, **self.changes}.items() if name not in self.without}


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
FINE: Final = (None, False)
INPUT: Final = (ErrorCode.BAD_USER_INPUT, False)
CARD: Final = (ErrorCode.CARD_NOT_FOUND, False)
MEMBER: Final = (ErrorCode.MEMBER_NOT_FOUND, False)
REJECTED: Final = (ErrorCode.UPSTREAM_REJECTED, False)
INVALID: Final = (ErrorCode.UPSTREAM_INVALID_RESPONSE, False)
DOWN: Final = (ErrorCode.UPSTREAM_UNAVAILABLE, True)
LATE: Final = (ErrorCode.UPSTREAM_TIMEOUT, True)
ERROR: Final = (ErrorCode.UPSTREAM_ERROR, False)
BUSY: Final = (ErrorCode.UPSTREAM_ERROR, True)

_HTML: Final = b"<!DOCTYPE html><html><body><h1>Service Temporarily Unavailable</h1></body></html>"
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

# Description, behaviour, what a client sees, field. Append only: a row's place is part of its card's number.
Row = tuple[str, Behaviour, tuple[ErrorCode | None, bool], str | None]

CODED: Final[tuple[Row, ...]] = (
    ("000_002 Invalid input parameter.", Coded("000_002", "Invalid input parameter."), INPUT, None),
    ("000_003 Missing required values. cardNo", Coded("000_003", "Missing required values. cardNo"), INPUT, None),
    ("000_015 length does not match", Coded("000_015", "The length does not match."), INPUT, None),
    ("001_006 member not found", Coded("001_006", "Wallet user not found"), MEMBER, None),
    ("003_001 invalid card", Coded("003_001", "Invalid card info."), CARD, None),
    ("003_008 no par for the card", Coded("003_008", "Par not found from cardNo."), CARD, None),
    ("003_021 no par", Coded("003_021", "Cannot find par"), CARD, None),
    ("003_022 card terminated", Coded("003_022", "Card already terminated"), CARD, None),
    ("006_022 system error under HTTP 400", Coded("006_022", "System Error."), BUSY, None),
    ("900_001 internal error under HTTP 500", Coded("900_001", "오류", 500), BUSY, None),
    ("010_001 bad request header", Coded("010_001", "Bad header."), REJECTED, None),
    ("020_001 bad parameter", Coded("020_001", "Bad parameter."), REJECTED, None),
    ("020_998 bad method", Coded("020_998", "Bad method."), REJECTED, None),
    ("777_777 an undocumented code", Coded("777_777", "?"), ERROR, None),
    ("error code under HTTP 200", Coded("003_001", "Invalid card info.", 200), CARD, None),
    ("error code at the top level", Coded("003_001", "", place="code"), CARD, None),
    ("error code as the reason", Coded("003_001", "", place="reason"), CARD, None),
    ("encrypted error body", Coded("003_001", "Invalid card info.", sealed=True), CARD, None),
    ("003_024, which means different things", Coded("003_024", "Don't have account info"), ERROR, None),
    ("a code of three parts under HTTP 404", Coded("218_1000_001", "Account not found.", 404), ERROR, None),
    ("a sentence in place of a code", Coded("Card 9491339400000013 is unknown", ""), INVALID, None),
)

HTTP: Final[tuple[Row, ...]] = (
    ("bad signature: HTTP 401", Coded("010_001", "The token does not fit.", 401), REJECTED, None),
    ("HTTP 401 without a code", Raw(401), REJECTED, None),
    ("HTTP 403 without a code", Raw(403, b"Forbidden"), REJECTED, None),
    ("HTTP 404 with a page", Raw(404, _HTML, "text/html"), INVALID, None),
    ("HTTP 429", Raw(429, headers={"Retry-After": "1"}), DOWN, None),
    ("HTTP 500 with plain text", Raw(500, b"Internal Server Error"), DOWN, None),
    ("HTTP 502", Raw(502, _HTML, "text/html"), DOWN, None),
    ("HTTP 503", Raw(503), DOWN, None),
    ("HTTP 504", Raw(504), DOWN, None),
    ("no response in time", Altered(delay=NEVER), LATE, None),
    ("a response after one second", Altered(delay=SLOW), FINE, None),
    ("HTML under HTTP 200", Raw(200, _HTML, "text/html"), INVALID, None),
    ("a redirect", Raw(302, headers={"Location": "/login"}), INVALID, None),
    ("an empty response", Raw(200), INVALID, None),
    ("HTTP 204", Raw(204), INVALID, None),
    ("garbage", Raw(200, b'{"balance": 1,\xff\x00', "application/json"), INVALID, None),
    ("NaN for a balance", Raw(200, b'{"balance": NaN}', "application/json"), INVALID, None),
    ("a JSON list", Raw(200, b"[]", "application/json"), INVALID, None),
    ("an empty JSON object", Raw(200, b"{}", "application/json"), INVALID, None),
    ("encrypted response with a broken tag", Altered(tampered=True), INVALID, None),
    ("HTTP 503, under `konagraph dev` an open breaker", Raw(503, b"busy"), DOWN, None),
)

_FIELDS: Final[tuple[Row, ...]] = (
    ("no code, all required fields", Altered(coded=False), FINE, None),
    ("no code, a required field missing", Altered(without=("balance",), coded=False), INVALID, None),
    ("no balance", Altered(without=("balance",)), INVALID, "balance"),
    ("null for the service name", Altered({"serviceName": None}), INVALID, "serviceName"),
    ("balance as digits in a string", Altered({"balance": "4200"}), FINE, None),
    ("a negative balance", Altered({"balance": -1}), INVALID, "balance"),
    ("a balance out of range", Altered({"balance": 10_000_000_000}), INVALID, "balance"),
    ("a number for the service id", Altered({"serviceId": 1}), INVALID, "serviceId"),
    ("a name longer than documented", Altered({"serviceName": "긴이름" * 100}), FINE, None),
    ("undocumented values", Altered({"cashReceiptInfo": _STRANGE}), FINE, None),
    (
        "cash-receipt data without its number",
        Altered({"cashReceiptInfo": {"approvalDiv": "0", "manYn": "1"}}),
        INVALID,
        "cashReceiptInfo.idNo",
    ),
    ("a user id of 2^63 in a string", Altered({"userId": "9223372036854775808"}), FINE, None),
    ("a user id that is not a number", Altered({"userId": "kim"}), INVALID, "member"),
    ("a member who no longer exists", Altered({"userId": UNKNOWN_MEMBER}), MEMBER, "member.profile"),
    ("a member who times out", Altered({"userId": LATE_MEMBER}), LATE, "member.profile"),
    ("a member whose look-up gives HTTP 503", Altered({"userId": BROKEN_MEMBER}), DOWN, "member.profile"),
)


def _group(digit: int, rows: tuple[Row, ...]) -> list[Fault]:
    return [
        Fault(with_luhn_digit(f"949133949{digit}{index:05d}"), description, behaviour, *seen, path)
        for index, (description, behaviour, seen, path) in enumerate(rows, start=1)
    ]


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.number: fault for fault in (*_group(1, CODED), *_group(2, HTTP), *_group(3, _FIELDS))}
)
"""By card number: `949133949`, a digit for the group, a five-digit count and the Luhn digit."""

OPEN_BREAKER: Final = next(fault.number for fault in FAULTS.values() if "open breaker" in fault.description)
"""The card that a gateway with the embedded sandbox answers as if the breaker were open."""
