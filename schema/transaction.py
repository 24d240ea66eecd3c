"""A card's transactions. None of Konaplate's answer is documented; all names were seen in public client code."""

from __future__ import annotations

import datetime as dt
from enum import Enum

import strawberry

from schema.fields import field, part
from schema.scalars import Won
from schema.secrets import IdentityNo, PersonalText


@strawberry.enum(description="The kind of a transaction (Konaplate: `trType`).")
class TransactionType(Enum):
    """Konaplate's `00` to `03`."""

    PAYMENT = strawberry.enum_value("00", description="A payment (`00`).")
    CHARGE = strawberry.enum_value("01", description="A recharge of the card (`01`).")
    REFUND = strawberry.enum_value("02", description="A refund (`02`).")
    TRANSFER = strawberry.enum_value("03", description="A transfer, i.e. remittance (`03`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN",
        description="Konaplate sent a value that is not documented; see `trTypeRaw`. Not for filtering.",
    )


@strawberry.enum(
    description="Whether a row authorizes or cancels (Konaplate: `authCancelType`). Seen, not documented."
)
class AuthCancelType(Enum):
    """Konaplate's words."""

    AUTH = strawberry.enum_value("AUTH", description="The transaction itself.")
    CANCEL = strawberry.enum_value("CANCEL", description="Its cancellation, which is a row of its own.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not known; see `authCancelTypeRaw`."
    )


@strawberry.type(description="The cash receipt of a transaction. Seen, not documented.")
class TransactionCashReceipt:
    """Konaplate's `cashReciptInfo`, spelled right."""

    isu_st_cd: str | None = strawberry.field(
        description="The state of its issue; the values are not public (Konaplate: `isuStCd`)."
    )
    approval_no: str | None = strawberry.field(description="Its approval number (Konaplate: `approvalNo`).")
    approval_date: str | None = strawberry.field(
        description="Its date as Konaplate sent it (Konaplate: `approvalDate`)."
    )


@strawberry.type(
    description=(
        "A transaction of a card. No field is documented; all were seen in public client code, so each may be "
        "null. A cancellation is a transaction of its own."
    )
)
class Transaction:
    """A row of Konaplate's `transactionInfo`."""

    nr_number: str | None = strawberry.field(
        description="Konaplate's number of the transaction (Konaplate: `nrNumber`)."
    )
    tr_type: TransactionType | None = strawberry.field(description="Its kind (Konaplate: `trType`).")
    tr_type_raw: str | None = field(of="tr_type", description="`trType` as Konaplate sent it.")
    auth_cancel_type: AuthCancelType | None = strawberry.field(
        description="Whether it authorizes or cancels (Konaplate: `authCancelType`)."
    )
    auth_cancel_type_raw: str | None = field(
        of="auth_cancel_type", description="`authCancelType` as Konaplate sent it."
    )
    tr_amount: Won | None = strawberry.field(description="The amount (Konaplate: `trAmount`).")
    org_amount: Won | None = strawberry.field(
        description="The amount before discount and points, as its name suggests (Konaplate: `orgAmount`)."
    )
    balance_before: Won | None = strawberry.field(
        description="The balance before it (Konaplate: `balanceBefore`)."
    )
    balance_after: Won | None = strawberry.field(description="The balance after it (Konaplate: `balanceAfter`).")
    approval_code: str | None = strawberry.field(
        description="The approval code, which is not unique (Konaplate: `approvalCode`)."
    )
    approval_date_time: dt.datetime | None = strawberry.field(
        description="When it was approved, inferred to be Korean time (Konaplate: `approvalDateTime`)."
    )
    merchant_name: PersonalText | None = strawberry.field(
        description="The merchant (Konaplate: `merchantName`). Personal data."
    )
    biz_license_no: IdentityNo | None = strawberry.field(
        description="The merchant's business number (Konaplate: `bizLicenseNo`). Personal data."
    )
    discount_amount: Won | None = strawberry.field(description="The discount (Konaplate: `discountAmount`).")
    used_point_amount: Won | None = strawberry.field(
        description="What was paid with points (Konaplate: `usedPointAmount`)."
    )
    saved_point_amount: Won | None = strawberry.field(
        description="The points that it earned (Konaplate: `savedPointAmount`)."
    )
    rcg_type: str | None = strawberry.field(
        description="The kind of a recharge; the values are not public (Konaplate: `rcgType`)."
    )
    cash_receipt_info: TransactionCashReceipt | None = strawberry.field(
        description="Its cash receipt; null if it has none (Konaplate: `cashReciptInfo`)."
    )
    recharge_cancelable: int | None = strawberry.field(
        description=(
            "Whether a recharge can be cancelled: 0 no, 1 on a rechargeable card, 2 on a disposable card, "
            "according to an older client (Konaplate: `rechargeCancelable`)."
        )
    )


@strawberry.type(description="A transaction, and its place in the history.")
class TransactionEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="An opaque place in the history, for `after`.")
    node: Transaction = strawberry.field(description="The transaction.")


@strawberry.type(description="Where a page is in the history.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether there may be more transactions after these.")
    has_previous_page: bool = strawberry.field(description="Whether this is not the first page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first transaction.")
    end_cursor: str | None = strawberry.field(description="Where the next page begins: a value for `after`.")


@strawberry.type(
    description="A page of a card's transactions, newest first. Konaplate does not say how many there are in all."
)
class TransactionConnection:
    """Relay's connection."""

    edges: list[TransactionEdge] = part(of="edges", size=1, description="The transactions with their cursors.")
    nodes: list[Transaction] = part(of="nodes", size=1, description="The transactions.")
    page_info: PageInfo = part(of="page_info", size=0, description="Where the page is in the history.")
