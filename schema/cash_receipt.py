"""How a member's cash receipts are identified."""

from __future__ import annotations

from enum import Enum

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import field, masked
from schema.secrets import IdentityNo


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
