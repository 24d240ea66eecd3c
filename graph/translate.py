"""From Konaplate's records to the schema's types. Pure.

A field that is an `InvalidFieldError` is passed on as it is: graphql-core makes it the error of that field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from graph.konaplate.errors import InvalidFieldError
from schema.context import Withheld
from schema.scalars import Won
from schema.types import (
    AddressInfo,
    ApprovalDivision,
    Card,
    CardStatus,
    CashReceiptInfo,
    Gender,
    IdentityEntry,
    Member,
    MemberProfile,
    Nationality,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

    from graph.konaplate.records import AddressRecord, CardRecord, CashReceiptRecord, MemberRecord
    from schema.context import Disclosure
    from schema.secrets import CardNo, IdentityNo

T = TypeVar("T")
U = TypeVar("U")
E = TypeVar("E", bound="Enum")


def card(card_no: CardNo, record: CardRecord, disclosure: Disclosure, *, clear_receipts: bool) -> Card:
    """One card.

    Args:
        card_no: the number that was asked for; the reply does not repeat it.
        record: the reply.
        disclosure: told of personal fields that are read in clear.
        clear_receipts: whether the viewer may read the cash-receipt identity in clear.
    """
    return Card(
        card_no=card_no,
        masked_card_no=card_no.masked,
        balance=_each(record.balance, Won),
        card_status=_word(CardStatus, record.cardStatus),
        card_status_raw=_as_is(record.cardStatus),
        service_id=_as_is(record.serviceId),
        service_name=_as_is(record.serviceName),
        owner_ka=_as_is(record.ownerKa),
        is_auto_recharge_before_payment=_as_is(record.isAutoRechargeBeforePayment),
        is_registered=_fault_or(record.userId, record.userId is not None),
        member=_each(record.userId, lambda user_id: Member(user_id=user_id, card_no=card_no)),
        cash_receipt_info=_each(
            record.cashReceiptInfo,
            lambda receipt: _cash_receipt_info(receipt, disclosure, clear=clear_receipts),
        ),
    )


def member_profile(record: MemberRecord, disclosure: Disclosure) -> MemberProfile:
    """One member's personal data; `disclosure` is told of the fields that are read."""
    return MemberProfile(
        disclosure=disclosure,
        asp_id=_as_is(record.aspId),
        birth_date=_as_is(record.birthDate),
        login_id=_as_is(record.loginId),
        nationality=_word(Nationality, record.nationality),
        nationality_raw=_as_is(record.nationality),
        gender=_word(Gender, record.gender),
        gender_raw=_as_is(record.gender),
        mobile_number=_as_is(record.mobileNumber),
        user_name=_as_is(record.userName),
        email=_as_is(record.email),
        join_channel=_as_is(record.joinChannel),
        address_info=_each(record.addressInfo, lambda address: _address_info(address, disclosure)),
    )


def _cash_receipt_info(record: CashReceiptRecord, disclosure: Disclosure, *, clear: bool) -> CashReceiptInfo:
    return CashReceiptInfo(
        disclosure=disclosure,
        approval_div=_word(ApprovalDivision, record.approvalDiv),
        approval_div_raw=_as_is(record.approvalDiv),
        id_no=_as_is(record.idNo) if clear else cast("IdentityNo", Withheld()),
        masked_id_no=_each(record.idNo, lambda id_no: id_no.masked),
        man_yn=_word(IdentityEntry, record.manYn),
        man_yn_raw=_as_is(record.manYn),
    )


def _address_info(record: AddressRecord, disclosure: Disclosure) -> AddressInfo:
    return AddressInfo(
        disclosure=disclosure,
        address=_as_is(record.address),
        zip_code=_as_is(record.zipCode),
        address_detail=_as_is(record.addressDetail),
    )


def _as_is(value: T | InvalidFieldError | None) -> T | None:
    # The schema's types do not say that a field may be an exception; graphql-core knows what to do with it.
    return cast("T | None", value)


def _fault_or(value: object, otherwise: T) -> T:
    return cast("T", value) if isinstance(value, InvalidFieldError) else otherwise


def _each(value: T | InvalidFieldError | None, make: Callable[[T], U]) -> U | None:
    if value is None or isinstance(value, InvalidFieldError):
        return cast("U | None", value)
    return make(value)


def _word(kind: type[E], word: str | InvalidFieldError | None) -> E | None:
    """The enum's member of a vendor's word; `UNKNOWN` for a word that is not documented."""
    return _each(word, lambda text: _member_of(kind, text))


def _member_of(kind: type[E], word: str) -> E:
    # `UNKNOWN` is a name of ours: as a word of the vendor's it is as unknown as any other.
    try:
        return kind(word)
    except ValueError:
        return kind["UNKNOWN"]
