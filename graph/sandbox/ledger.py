"""The sandbox's cards and members. All are fictitious; the numbers pass the Luhn check, as the vendor's own do."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SandboxCard:
    """A card: what it demonstrates, and the business fields of its response."""

    number: str
    description: str
    fields: Mapping[str, Any]


def with_luhn_digit(digits: str) -> str:
    """Append the Luhn check digit."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - sums the digits of a two-digit number
    return digits + str(-total % 10)


def card_number(count: int) -> str:
    """The card number with a count, of seven digits at most."""
    return with_luhn_digit(f"94913394{count:07d}")


def card_fields(**changes: Any) -> dict[str, Any]:
    """The business fields of a card's response, some of them changed."""
    fields = {
        "userId": 1001,
        "balance": 50_000,
        "serviceId": "SANDBOX00000001",
        "serviceName": "샌드박스 선불카드",
        "ownerKa": "000000000000001",
        "cardStatus": "ACTIVE",
        "isAutoRechargeBeforePayment": False,
    }
    fields.update(changes)
    return fields


_INCOME: Final = {"approvalDiv": "0", "idNo": "01012345678", "manYn": "1"}
_EXPENSE: Final = {"approvalDiv": "1", "idNo": "1234567890", "manYn": "1"}
_RECEIPT_CARD: Final = {"approvalDiv": "0", "idNo": "9550123456789", "manYn": "0"}

BIGGEST_USER_ID: Final = 9_999_999_999_999_999_999
BIGGEST_BALANCE: Final = 9_999_999_999

_CARDS: Final = (
    ("registered, active, income-deduction receipts by mobile number", card_fields(cashReceiptInfo=_INCOME)),
    (
        "second card of the same member, recharges automatically",
        card_fields(balance=3_200, isAutoRechargeBeforePayment=True, cashReceiptInfo=_INCOME),
    ),
    ("third card of the same member, suspended", card_fields(balance=125_000, cardStatus="SUSPENDED")),
    (
        "business member, expense-proof receipts by business number",
        card_fields(userId=1002, balance=1_840_500, cashReceiptInfo=_EXPENSE),
    ),
    ("receipts by cash-receipt card", card_fields(userId=1003, balance=77_700, cashReceiptInfo=_RECEIPT_CARD)),
    ("not registered", card_fields(userId=None, balance=10_000)),
    ("not registered, zero balance", card_fields(userId=None, balance=0)),
    ("terminated", card_fields(userId=1003, balance=0, cardStatus="TERMINATED")),
    ("an undocumented status", card_fields(userId=1004, balance=4_500, cardStatus="FROZEN")),
    ("neither status nor owner", card_fields(userId=1004, balance=900, cardStatus=None, ownerKa=None)),
    ("the largest balance", card_fields(userId=1002, balance=BIGGEST_BALANCE)),
    ("the largest member id", card_fields(userId=BIGGEST_USER_ID, balance=12_345)),
)

CARDS: Final[Mapping[str, SandboxCard]] = MappingProxyType(
    {
        number: SandboxCard(number, description, MappingProxyType(fields))
        for index, (description, fields) in enumerate(_CARDS, start=1)
        for number in [card_number(index)]
    }
)
"""By card number: `94913394`, a seven-digit count and the Luhn digit."""

FIRST_CARD: Final = next(iter(CARDS))


def member_fields(user_id: int, name: str, mobile: str, login: str, **changes: Any) -> dict[str, Any]:
    """The fields of a member, some of them changed."""
    member = {
        "aspId": "000000000000001",
        "userId": user_id,
        "birthDate": "19900101",
        # Not a real identifier. Tests prove that it never leaks.
        "ci": "SANDBOX-CI-".ljust(88, "x"),
        "loginId": login,
        "nationality": "Korean",
        "gender": "Female",
        "mobileNumber": mobile,
        "userName": name,
        "email": login,
        "joinChannel": "APP",
    }
    member.update(changes)
    return member


MEMBERS: Final[Mapping[int, Mapping[str, Any]]] = MappingProxyType(
    {
        member["userId"]: MappingProxyType(member)
        for member in (
            member_fields(
                1001,
                "김샌드",
                "01012345678",
                "kim@example.com",
                addressInfo={"address": "서울특별시 중구 모래로 1", "zipCode": "04500", "addressDetail": "101호"},
            ),
            member_fields(1002, "이박스", "01023456789", "lee@example.com", gender="Male", birthDate="19751231"),
            member_fields(1003, "박카드", "01034567890", "park@example.com", joinChannel=None),
            member_fields(1004, "Jane Doe", "01045678901", "jane@example.com", nationality="Foreigner"),
            member_fields(2**63, "정이삼", "01067890123", "jeong@example.com"),
            member_fields(2000, "무카드", "01020000000", "none@example.com"),
            member_fields(2001, "한카드", "01020010001", "one@example.com", gender="Male"),
            member_fields(2003, "삼카드", "01020030003", "three@example.com", birthDate="19850515"),
            member_fields(
                2005,
                "오지갑",
                "01020050005",
                "wallet@example.com",
                addressInfo={"address": "부산광역시 중구 지갑로 5", "zipCode": "48900", "addressDetail": "505호"},
            ),
            member_fields(2012, "열두장", "01020120012", "twelve@example.com", nationality="Foreigner"),
            member_fields(BIGGEST_USER_ID, "최대한", "01098765432", "choi@example.com", gender="Unspecified"),
        )
    }
)
"""By user id."""
