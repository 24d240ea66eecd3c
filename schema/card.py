"""A prepaid card. Fields have Konaplate's own names, so that its documentation explains them."""

from __future__ import annotations

import datetime as dt
from enum import Enum

import strawberry

from schema.cash_receipt import CashReceiptInfo
from schema.directives import SEMANTIC_NON_NULL
from schema.fields import Argument, Edge, also, edge, field, handle, masked, part, present
from schema.member import Member
from schema.node import Node
from schema.product import CardProduct
from schema.scalars import Won
from schema.secrets import CardNo
from schema.tax_deduction import TaxDeduction
from schema.transaction import TransactionConnection, TransactionType
from schema.virtual_account import VirtualAccount


@strawberry.enum(description="Whether a card can be used (Konaplate: `cardStatus`).")
class CardStatus(Enum):
    """Konaplate's words, and `UNKNOWN` for a word that is not documented."""

    ACTIVE = strawberry.enum_value("ACTIVE", description="The card can be used.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="The card is suspended.")
    TERMINATED = strawberry.enum_value("TERMINATED", description="The card is terminated for good.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `cardStatusRaw`."
    )


@strawberry.type(
    description=(
        "How much may be paid with a debit card (Konaplate: `limits`). 0 probably means no limit, as in the "
        "API that sets them."
    )
)
class CardLimits:
    """Konaplate's `limits`."""

    day: Won | None = strawberry.field(description="Per day (Konaplate: `day`).")
    once: Won | None = strawberry.field(description="Per payment (Konaplate: `once`).")
    month: Won | None = strawberry.field(description="Per month (Konaplate: `month`).")


@strawberry.type(description="Points of a card (Konaplate: `cardPointInfo`). Seen, not documented.")
class CardPoint:
    """An item of Konaplate's `cardPointInfo`."""

    point_name: str | None = strawberry.field(description="What the points are called (Konaplate: `pointName`).")
    point_policy_id: str | None = strawberry.field(description="Their policy (Konaplate: `pointPolicyId`).")
    remaining_point: Won | None = strawberry.field(
        description="How many are left, assumed to be worth one won each (Konaplate: `remainingPoint`)."
    )
    auto_use: bool | None = strawberry.field(
        description="Whether payments use them automatically (Konaplate: `autoUse`)."
    )


@strawberry.type(description="The physical card beside a mobile one. Seen, not documented.")
class PhysicalCard:
    """The `physicalCard…` fields of a row of Konaplate's card list."""

    card_no: CardNo | None = field(
        of="physical_card_no",
        scope="card-number:read",
        or_own="user_id",
        description="Its number (Konaplate: `physicalCardNo`).",
    )
    masked_card_no: str | None = field(of="physical_card_no", show=masked, description="Its number, masked.")
    card_status: CardStatus | None = field(
        of="physical_card_status", description="Whether it can be used (Konaplate: `physicalCardStatus`)."
    )
    card_status_raw: str | None = field(
        of="physical_card_status", description="`cardStatus` as Konaplate sent it, in `physicalCardStatus`."
    )


def masked_number(card_no: CardNo | None) -> str:
    """Show a card number's mask; only stars if no number can be read."""
    return "*" * 16 if card_no is None else card_no.masked


_ROW = (
    "For a card found by its number, this takes one more upstream call, and is null if the card is not registered."
)
_INQUIRY = "In a list, this takes one more upstream call for each card, and is null for a card without a number."


@also(Edge("card_info", key="card_no"), Edge("card_row", key=("user_id", "card_no")))
@strawberry.type(
    description=(
        "A prepaid card. By its number or id, it comes from Konaplate's Card-User Mapped Inquiry; in a member's "
        "list, from Search for Card. A field that only the other API has takes one more call."
    )
)
class Card(Node):
    """A card of either source."""

    id: strawberry.ID = handle(
        of={"card_info": "card_no", "card_by_par": ("user_id", "par")}, description="See `Node`."
    )
    card_no: CardNo | None = field(
        of="card_no",
        scope="card-number:read",
        or_own="user_id",
        description="The card number (Konaplate: `cardNo`, or `mobileCardNo` in a list).",
    )
    masked_card_no: str = field(
        of="card_no",
        show=masked_number,
        # Its error would leave no card of the list.
        fail=False,
        description=(
            "The card number, masked except for its first six and last four digits; only stars if no number "
            "can be read."
        ),
    )
    balance: Won | None = strawberry.field(
        description="The balance in won (Konaplate: `balance`).", directives=SEMANTIC_NON_NULL
    )
    as_of: dt.datetime = field(
        of="answered_at", description="When Konaplate answered with this card, by the gateway's clock."
    )
    card_status: CardStatus | None = strawberry.field(
        description="Whether the card can be used; null if Konaplate does not say (Konaplate: `cardStatus`)."
    )
    card_status_raw: str | None = field(of="card_status", description="`cardStatus` as Konaplate sent it.")
    service_id: str | None = strawberry.field(
        description="Id of the card product (Konaplate: `serviceId`); a card of a list may lack it."
    )
    service_name: str | None = strawberry.field(
        description=(
            "Name of the card product (Konaplate: `serviceName`); a card of a list may lack it, and then "
            "`product` looks it up."
        )
    )
    product: CardProduct | None = part(present="service_id", description="The card product.")
    owner_ka: str | None = strawberry.field(
        description=("ASP id of the affiliate that owns the card product (Konaplate: `ownerKa`). " + _INQUIRY)
    )
    is_auto_recharge_before_payment: bool | None = strawberry.field(
        description=(
            "Whether the card is recharged if its balance is too low for a payment "
            "(Konaplate: `isAutoRechargeBeforePayment`). " + _INQUIRY
        )
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
            "The cash-receipt identity; null if the member has registered none (Konaplate: `cashReceiptInfo`). "
            + _INQUIRY
        )
    )
    pending_amount: Won | None = strawberry.field(
        description=(
            "The part of a recharge above the card's limit, not yet added to the balance "
            "(Konaplate: `pendingAmount`). " + _ROW
        )
    )
    is_named: bool | None = strawberry.field(
        description=(
            "Whether the card is bound to a real name, which decides its maximum balance (Konaplate: `isNamed`). "
            + _ROW
        )
    )
    expiry_date: str | None = strawberry.field(
        description=(
            "The expiry date as Konaplate sent it, in a form that varies; seen, not documented (Konaplate: "
            "`expiryDate`). " + _ROW
        )
    )
    limits: CardLimits | None = strawberry.field(
        description="The payment limits; only of debit cards (Konaplate: `limits`). " + _ROW
    )
    points: list[CardPoint] | None = part(
        of="card_point_info",
        description="Its points; seen, not documented (Konaplate: `cardPointInfo`). " + _ROW,
    )
    physical_card: PhysicalCard | None = part(
        present="physical_card_no",
        description="Its physical twin, if there is one; seen, not documented. " + _ROW,
    )
    virtual_account: VirtualAccount | None = edge(
        "virtual_account",
        key="card_no",
        description="The account whose deposits recharge the card. Costs one upstream call.",
    )
    tax_deduction: TaxDeduction | None = edge(
        "tax_deduction",
        key="par",
        description=(
            "Whether the card's payments count for the income-tax deduction. Costs one upstream call. " + _ROW
        ),
    )
    transactions: TransactionConnection | None = edge(
        "transaction_history",
        key=(
            "par",
            "user_id",
            Argument(
                "from",
                dt.date | None,
                default=None,
                description=(
                    "The first day; 30 days before `to` by default. The gateway limits the span, by default to 90 "
                    "days."
                ),
            ),
            Argument("to", dt.date | None, default=None, description="The last day; today in Korea by default."),
            Argument("type", TransactionType | None, default=None, description="Only transactions of this kind."),
            Argument(
                "include_previous_card",
                bool,
                default=False,
                description=(
                    "Whether to include the transactions of the card that this one replaced (Konaplate: "
                    "`includePreviousCard`)."
                ),
            ),
            Argument("first", int, default=20, description="How many to return at most, 1 to 100."),
            Argument(
                "after",
                str | None,
                default=None,
                description="Only what follows this cursor, which came from the same card and arguments.",
            ),
        ),
        scope="transactions:read",
        or_own="user_id",
        shown_as="transactions",
        size="first",
        description=(
            "The card's transactions, newest first (Konaplate: Checking Transaction History). A page costs one "
            "upstream call, or up to three if pages have shifted. " + _ROW
        ),
    )
