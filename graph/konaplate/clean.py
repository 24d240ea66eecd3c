"""The clean case of a card: an answer without fault or drift, as nearly every one is, is read in one go.

What is read here is what `records` would read, or nothing: then `records` reads it, field by field. The rules are
those of `records` at their strictest (no digits in a string, no text longer than documented), and both start from
the same decoded JSON, so they agree wherever this one reads at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from graph.konaplate.records import MAX_BALANCE, MAX_USER_ID, CardRecord, CashReceiptRecord, card_record
from schema.secrets import IdentityNo, MemberId

if TYPE_CHECKING:
    from graph.konaplate.errors import CallDetails

_Flag = Annotated[str, msgspec.Meta(max_length=1)]
_Status = Annotated[str, msgspec.Meta(max_length=10)]
_Id = Annotated[str, msgspec.Meta(max_length=15)]
_Number = Annotated[str, msgspec.Meta(max_length=20)]
_Name = Annotated[str, msgspec.Meta(max_length=256)]
_Balance = Annotated[int, msgspec.Meta(ge=0, le=MAX_BALANCE)]
# Its upper bound is beyond what msgspec can check.
_UserId = Annotated[int, msgspec.Meta(ge=0)]


class _CashReceipt(msgspec.Struct):
    approvalDiv: _Flag  # noqa: N815
    idNo: _Number  # noqa: N815
    manYn: _Flag  # noqa: N815


class _Card(msgspec.Struct):
    balance: _Balance
    serviceId: _Id  # noqa: N815
    serviceName: _Name  # noqa: N815
    isAutoRechargeBeforePayment: bool  # noqa: N815
    userId: _UserId | None = None  # noqa: N815
    ownerKa: _Id | None = None  # noqa: N815
    cashReceiptInfo: _CashReceipt | None = None  # noqa: N815
    cardStatus: _Status | None = None  # noqa: N815


def read_card(fields: dict[str, Any], details: CallDetails) -> CardRecord:
    """What `card_record` reads, sooner when all is well."""
    return clean_card(fields) or card_record(fields, details)


def clean_card(fields: dict[str, Any]) -> CardRecord | None:
    """The record of a card that is well; None of any other."""
    try:
        card = msgspec.convert(fields, _Card)
    except msgspec.ValidationError:
        return None
    user_id, receipt, cash_receipt = card.userId, card.cashReceiptInfo, None
    if user_id is not None and user_id > MAX_USER_ID:
        return None
    if receipt is not None:
        cash_receipt = CashReceiptRecord(receipt.approvalDiv, IdentityNo(receipt.idNo), receipt.manYn)
    return CardRecord(
        MemberId(str(user_id)) if user_id else None,
        card.balance,
        card.serviceId,
        card.serviceName,
        card.ownerKa,
        cash_receipt,
        card.cardStatus,
        card.isAutoRechargeBeforePayment,
    )
