"""The bank account whose deposits recharge a card."""

from __future__ import annotations

from enum import Enum

import strawberry

from schema.banks import bank_name
from schema.directives import SEMANTIC_NON_NULL
from schema.fields import field, masked
from schema.secrets import IdentityNo


@strawberry.enum(
    description="How an account is tied to a card (Konaplate: `connectType`). Its words are inferred."
)
class ConnectType(Enum):
    """Konaplate's words, as far as they are known."""

    FIXATION = strawberry.enum_value("FIXATION", description="Fixed to the card.")
    ROTATION = strawberry.enum_value("ROTATION", description="Assigned to cards in turn.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not known; see `connectTypeRaw`."
    )


@strawberry.type(
    description="The bank account whose deposits recharge a card (Konaplate: virtual account of a card)."
)
class VirtualAccount:
    """Konaplate's answer about a card's virtual account."""

    account_no: IdentityNo | None = field(
        of="account_no",
        scope="virtual-account:read",
        description=("The account number (Konaplate: `accountNo`). Personal data."),
        directives=SEMANTIC_NON_NULL,
    )
    masked_account_no: str | None = field(
        of="account_no",
        show=masked,
        description="The account number, masked except for its end.",
        directives=SEMANTIC_NON_NULL,
    )
    bank_code: str | None = strawberry.field(
        description="The bank's code (Konaplate: `bankCode`).", directives=SEMANTIC_NON_NULL
    )
    bank_name: str | None = field(
        of="bank_code",
        show=bank_name,
        description="The bank's name by the common codes of Korean banks; null for an unknown code.",
    )
    connect_type: ConnectType | None = field(
        of="connect_word", description="How it is tied to the card (Konaplate: `connectType`)."
    )
    connect_type_raw: str | None = field(of="connect_type", description="`connectType` as Konaplate sent it.")
