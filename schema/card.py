"""A prepaid card. Fields have Konaplate's own names, so that its documentation explains them."""

from __future__ import annotations

from enum import Enum

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import KEY, field, masked, part, present
from schema.member import Member
from schema.scalars import Won
from schema.secrets import CardNo, IdentityNo


@strawberry.enum(description="Whether a card can be used (Konaplate: `cardStatus`).")
class CardStatus(Enum):
    """Konaplate's words, and `UNKNOWN` for a word that is not documented."""

    ACTIVE = strawberry.enum_value("ACTIVE", description="The card can be used.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="The card is suspended.")
    TERMINATED = strawberry.enum_value("TERMINATED", description="The card is terminated for good.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `cardStatusRaw`."
    )


@strawberry.enum(description="What a cash receipt is for (Konaplate: `approvalDiv`).")
class ApprovalDivision(Enum):
    """Konaplate's `0` and `1`."""

    INCOME_DEDUCTION = strawberry.enum_value("0", description="Income deduction of a consumer (`0`).")
    EXPENSE_PROOF = strawberry.enum_value("1", description="Proof of a business expense (`1`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a value that is not documented; see `approvalDivRaw`."
    )


@strawberry.enum(description="How a cash-receipt identity was entered (Konaplate: `manYn`).")
class IdentityEntry(Enum):
    """Konaplate's `0` and `1`."""

    CARD_NUMBER = strawberry.enum_value("0", description="As the number of a cash-receipt card (`0`).")
    MANUAL = strawberry.enum_value("1", description="By hand, as a mobile or business number (`1`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a value that is not documented; see `manYnRaw`."
    )


@strawberry.type(description="A member's cash-receipt identity (`cashReceiptInfo`).")
class CashReceiptInfo:
    """Konaplate's `cashReceiptInfo`."""

    approval_div: ApprovalDivision | None = strawberry.field(
        description="What the receipts are for (Konaplate: `approvalDiv`).", directives=SEMANTIC_NON_NULL
    )
    approval_div_raw: str | None = field(
        of="approval_div", description="`approvalDiv` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )
    id_no: IdentityNo | None = field(
        of="id_no",
        scope="cash-receipt:read",
        description=(
            "The cash-receipt card number, mobile number or business number (Konaplate: `idNo`). Personal data."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    masked_id_no: str | None = field(
        of="id_no",
        show=masked,
        description="`idNo`, masked except for its end; a mobile number as `010-****-5678`.",
        directives=SEMANTIC_NON_NULL,
    )
    man_yn: IdentityEntry | None = strawberry.field(
        description="How the identity was entered (Konaplate: `manYn`).", directives=SEMANTIC_NON_NULL
    )
    man_yn_raw: str | None = field(
        of="man_yn", description="`manYn` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )


@strawberry.type(description="A prepaid card (Konaplate: Card-User Mapped Inquiry).")
class Card:
    """An answer of the Card-User Mapped Inquiry."""

    card_no: CardNo = field(of=KEY, description="The card number (Konaplate: `cardNo`).")
    masked_card_no: str = field(
        of=KEY, show=masked, description="The card number, masked except for its first six and last four digits."
    )
    balance: Won | None = strawberry.field(
        description="The balance in won (Konaplate: `balance`).", directives=SEMANTIC_NON_NULL
    )
    card_status: CardStatus | None = strawberry.field(
        description="Whether the card can be used; null if Konaplate does not say (Konaplate: `cardStatus`)."
    )
    card_status_raw: str | None = field(of="card_status", description="`cardStatus` as Konaplate sent it.")
    service_id: str | None = strawberry.field(
        description="Id of the card product (Konaplate: `serviceId`).", directives=SEMANTIC_NON_NULL
    )
    service_name: str | None = strawberry.field(
        description="Name of the card product (Konaplate: `serviceName`).", directives=SEMANTIC_NON_NULL
    )
    owner_ka: str | None = strawberry.field(
        description="ASP id of the affiliate that owns the card product (Konaplate: `ownerKa`)."
    )
    is_auto_recharge_before_payment: bool | None = strawberry.field(
        description=(
            "Whether the card is recharged if its balance is too low for a payment "
            "(Konaplate: `isAutoRechargeBeforePayment`)."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    is_registered: bool | None = field(
        of="user_id",
        show=present,
        description="Whether the card is registered to a member, i.e. has a `userId`.",
        directives=SEMANTIC_NON_NULL,
    )
    member: Member | None = part(
        present="user_id", description="The member that the card is registered to; null for an unregistered card."
    )
    cash_receipt_info: CashReceiptInfo | None = strawberry.field(
        description=(
            "The cash-receipt identity; null if the member has registered none (Konaplate: `cashReceiptInfo`)."
        )
    )
