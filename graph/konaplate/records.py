"""Konaplate's answers as typed records, with the vendor's names. No I/O.

A field that is missing, out of range or of the wrong type becomes an `InvalidFieldError` in its own place; the
other fields stand. A text that is longer than documented is kept and reported as drift.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from graph.konaplate.errors import CallDetails, InvalidFieldError, InvalidResponseError
from schema.secrets import IdentityNo, MemberId, PersonalText

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MAX_USER_ID: Final = 9_999_999_999_999_999_999
MAX_BALANCE: Final = 9_999_999_999
_MAX_EXACT_FLOAT: Final = 2**53
_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_ZERO: Final = re.compile(r"-?0+(\.0+)?", re.ASCII)

CARD_REQUIRED: Final = frozenset({"balance", "serviceId", "serviceName", "isAutoRechargeBeforePayment"})
MEMBER_REQUIRED: Final = frozenset({"userInfo"})


class CashReceiptRecord(msgspec.Struct, frozen=True):
    """`cashReceiptInfo` of the Card-User Mapped Inquiry."""

    approvalDiv: str | InvalidFieldError  # noqa: N815
    idNo: IdentityNo | InvalidFieldError  # noqa: N815
    manYn: str | InvalidFieldError  # noqa: N815


class CardRecord(msgspec.Struct, frozen=True):
    """Answer of the Card-User Mapped Inquiry."""

    userId: MemberId | InvalidFieldError | None  # noqa: N815
    balance: int | InvalidFieldError
    serviceId: str | InvalidFieldError  # noqa: N815
    serviceName: str | InvalidFieldError  # noqa: N815
    ownerKa: str | InvalidFieldError | None  # noqa: N815
    cashReceiptInfo: CashReceiptRecord | InvalidFieldError | None  # noqa: N815
    cardStatus: str | InvalidFieldError | None  # noqa: N815
    isAutoRechargeBeforePayment: bool | InvalidFieldError  # noqa: N815
    drift: tuple[str, ...] = ()


class AddressRecord(msgspec.Struct, frozen=True):
    """`addressInfo`, known from the registration call only."""

    address: PersonalText | InvalidFieldError | None
    zipCode: PersonalText | InvalidFieldError | None  # noqa: N815
    addressDetail: PersonalText | InvalidFieldError | None  # noqa: N815


class MemberRecord(msgspec.Struct, frozen=True):
    """`userInfo` of Search for Member Information, without `ci`, which must never be read."""

    aspId: str | InvalidFieldError  # noqa: N815
    birthDate: PersonalText | InvalidFieldError  # noqa: N815
    loginId: PersonalText | InvalidFieldError  # noqa: N815
    nationality: str | InvalidFieldError
    gender: str | InvalidFieldError
    mobileNumber: IdentityNo | InvalidFieldError  # noqa: N815
    userName: PersonalText | InvalidFieldError  # noqa: N815
    email: PersonalText | InvalidFieldError
    joinChannel: str | InvalidFieldError | None  # noqa: N815
    addressInfo: AddressRecord | InvalidFieldError | None  # noqa: N815
    drift: tuple[str, ...] = ()


def card_record(fields: dict[str, Any], details: CallDetails) -> CardRecord:
    """Read the business fields of a Card-User Mapped Inquiry."""
    drift: list[str] = []
    read = _Reader(fields, details, drift)
    return CardRecord(
        userId=read.optional("userId", _member_id),
        balance=read.required("balance", _balance),
        serviceId=read.required_text("serviceId", 15),
        serviceName=read.required_text("serviceName", 256),
        ownerKa=read.optional_text("ownerKa", 15),
        cashReceiptInfo=read.optional("cashReceiptInfo", lambda value: _cash_receipt(value, details, drift)),
        cardStatus=read.optional_text("cardStatus", len("TERMINATED")),
        isAutoRechargeBeforePayment=read.required("isAutoRechargeBeforePayment", _boolean),
        drift=tuple(drift),
    )


def member_record(fields: dict[str, Any], details: CallDetails, *, asked: MemberId) -> MemberRecord:
    """Read the business fields of Search for Member Information.

    Raises:
        InvalidResponseError: when `userInfo` is no object, or belongs to another member than `asked`.
    """
    user_info = fields.get("userInfo")
    if not isinstance(user_info, dict):
        raise InvalidResponseError(details)
    drift: list[str] = []
    read = _Reader(user_info, details, drift)
    if read.required("userId", _member_id) != asked:
        # Somebody else's personal data: worse than no answer.
        raise InvalidResponseError(details)
    return MemberRecord(
        aspId=read.required_text("aspId", 15),
        birthDate=read.required_secret("birthDate", 8, PersonalText),
        loginId=read.required_secret("loginId", 80, PersonalText),
        nationality=read.required_text("nationality", len("Foreigner")),
        gender=read.required_text("gender", len("Female")),
        mobileNumber=read.required_secret("mobileNumber", 20, IdentityNo),
        userName=read.required_secret("userName", 100, PersonalText),
        email=read.required_secret("email", 50, PersonalText),
        joinChannel=read.optional_text("joinChannel", 20),
        addressInfo=read.optional("addressInfo", lambda value: _address(value, details)),
        drift=tuple(drift),
    )


def _cash_receipt(value: object, details: CallDetails, drift: list[str]) -> CashReceiptRecord:
    read = _Reader(_object(value), details, drift)
    return CashReceiptRecord(
        approvalDiv=read.required_text("approvalDiv", 1),
        idNo=read.required_secret("idNo", 20, IdentityNo),
        manYn=read.required_text("manYn", 1),
    )


def _address(value: object, details: CallDetails) -> AddressRecord:
    read = _Reader(_object(value), details, [])
    # No sizes are documented, so nothing can drift.
    return AddressRecord(
        address=read.optional("address", lambda text: PersonalText(_text(text))),
        zipCode=read.optional("zipCode", lambda text: PersonalText(_text(text))),
        addressDetail=read.optional("addressDetail", lambda text: PersonalText(_text(text))),
    )


class _UnfitError(Exception):
    """A value that is not what the field's documentation says. Carries nothing of the value."""


class _Reader:
    """Reads single fields of one object; what cannot be read becomes the fault of that field."""

    def __init__(self, fields: dict[str, Any], details: CallDetails, drift: list[str]) -> None:
        self._fields = fields
        self._details = details
        self._drift = drift

    def required(self, name: str, read: Callable[[object], T]) -> T | InvalidFieldError:
        try:
            return read(self._fields.get(name))
        except _UnfitError:
            return InvalidFieldError(self._details, name)

    def optional(self, name: str, read: Callable[[object], T | None]) -> T | InvalidFieldError | None:
        return None if self._fields.get(name) is None else self.required(name, read)

    def required_text(self, name: str, size: int) -> str | InvalidFieldError:
        return self.required(name, lambda value: self._sized(name, value, size))

    def optional_text(self, name: str, size: int) -> str | InvalidFieldError | None:
        return self.optional(name, lambda value: self._sized(name, value, size))

    def required_secret(self, name: str, size: int, secret: Callable[[str], T]) -> T | InvalidFieldError:
        return self.required(name, lambda value: secret(self._sized(name, value, size)))

    def _sized(self, name: str, value: object, size: int) -> str:
        text = _text(value)
        if len(text) > size:
            self._drift.append(name)
        return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _UnfitError
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _UnfitError
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _UnfitError
    return value


def _whole(value: object, largest: int) -> int:
    """A whole number from 0 to `largest`, also written as digits in a string or with a fraction of zero."""
    number = value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        number = int(value)
    # Beyond what a float holds exactly, who wrote a fraction or an exponent may have rounded.
    if isinstance(value, Decimal) and 0 <= value <= min(largest, _MAX_EXACT_FLOAT) and value == int(value):
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= largest:
        raise _UnfitError
    return number


def _balance(value: object) -> int:
    return _whole(value, MAX_BALANCE)


def _member_id(value: object) -> MemberId | None:
    """Zero in any form is nobody's id: so a live operator marks cards that are not registered."""
    if isinstance(value, str) and _ZERO.fullmatch(value):
        return None
    number = _whole(value, MAX_USER_ID)
    return MemberId(str(number)) if number else None
