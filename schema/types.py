"""What a query can select. Field names are Konaplate's own, so that the vendor's page explains them.

A field's value may also be an exception: graphql-core turns an exception instance into the error of that very
field, so one bad field of a reply leaves its neighbours intact.
"""

from __future__ import annotations

from enum import Enum

import strawberry

from schema.context import Context, Disclosure
from schema.directives import SEMANTIC_NON_NULL
from schema.scalars import Won
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText

Info = strawberry.Info[Context, None]


@strawberry.enum(description="Whether a card can be used (Konaplate: `cardStatus`).")
class CardStatus(Enum):
    """The words of the vendor, and `UNKNOWN` for a word that is not in its documentation."""

    ACTIVE = strawberry.enum_value("ACTIVE", description="The card can be used.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="The card is suspended.")
    TERMINATED = strawberry.enum_value("TERMINATED", description="The card is terminated for good.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `cardStatusRaw`."
    )


@strawberry.enum(description="What a cash receipt is for (Konaplate: `approvalDiv`).")
class ApprovalDivision(Enum):
    """`0` and `1` of the vendor."""

    INCOME_DEDUCTION = strawberry.enum_value("0", description="Income deduction of a consumer (`0`).")
    EXPENSE_PROOF = strawberry.enum_value("1", description="Proof of a business expense (`1`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a value that is not documented; see `approvalDivRaw`."
    )


@strawberry.enum(description="How a cash-receipt identity was given (Konaplate: `manYn`).")
class IdentityEntry(Enum):
    """`0` and `1` of the vendor."""

    CARD_NUMBER = strawberry.enum_value("0", description="As the number of a cash-receipt card (`0`).")
    MANUAL = strawberry.enum_value("1", description="By hand, as a mobile or business number (`1`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a value that is not documented; see `manYnRaw`."
    )


@strawberry.enum(description="A member's nationality (Konaplate: `nationality`).")
class Nationality(Enum):
    """The words of the vendor."""

    KOREAN = strawberry.enum_value("Korean", description="Korean (`Korean`).")
    FOREIGNER = strawberry.enum_value("Foreigner", description="Not Korean (`Foreigner`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `nationalityRaw`."
    )


@strawberry.enum(description="A member's gender (Konaplate: `gender`).")
class Gender(Enum):
    """The words of the vendor."""

    MALE = strawberry.enum_value("Male", description="Male (`Male`).")
    FEMALE = strawberry.enum_value("Female", description="Female (`Female`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `genderRaw`."
    )


@strawberry.type(description="The identity for cash receipts that a member registered (`cashReceiptInfo`).")
class CashReceiptInfo:
    """Konaplate's `cashReceiptInfo`."""

    disclosure: strawberry.Private[Disclosure]

    approval_div: ApprovalDivision | None = strawberry.field(
        description="What the receipts are for (Konaplate: `approvalDiv`).", directives=SEMANTIC_NON_NULL
    )
    approval_div_raw: str | None = strawberry.field(
        description="`approvalDiv` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )
    id_no: IdentityNo | None = strawberry.field(
        description=(
            "The cash-receipt card number, mobile number or business number (Konaplate: `idNo`). Personal data."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    masked_id_no: str | None = strawberry.field(
        description="`idNo` with all but its end masked; a mobile number as `010-****-5678`.",
        directives=SEMANTIC_NON_NULL,
    )
    man_yn: IdentityEntry | None = strawberry.field(
        description="How the identity was given (Konaplate: `manYn`).", directives=SEMANTIC_NON_NULL
    )
    man_yn_raw: str | None = strawberry.field(
        description="`manYn` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )


@strawberry.type(description="A postal address (Konaplate: `addressInfo`).")
class AddressInfo:
    """Konaplate's `addressInfo`, known only from registration calls."""

    disclosure: strawberry.Private[Disclosure]

    address: PersonalText | None = strawberry.field(description="The address (Konaplate: `address`).")
    zip_code: PersonalText | None = strawberry.field(description="The postal code (Konaplate: `zipCode`).")
    address_detail: PersonalText | None = strawberry.field(
        description="The rest of the address (Konaplate: `addressDetail`)."
    )


@strawberry.type(description="What Konaplate knows of a member (Search for Member Information). Personal data.")
class MemberProfile:
    """Konaplate's `userInfo`, without its `ci`, which is never read."""

    disclosure: strawberry.Private[Disclosure]

    asp_id: str | None = strawberry.field(
        description="The service provider that the member belongs to (Konaplate: `aspId`).",
        directives=SEMANTIC_NON_NULL,
    )
    birth_date: PersonalText | None = strawberry.field(
        description="Date of birth as `yyyyMMdd` (Konaplate: `birthDate`).", directives=SEMANTIC_NON_NULL
    )
    login_id: PersonalText | None = strawberry.field(
        description="The name the member signs in with, in e-mail form (Konaplate: `loginId`).",
        directives=SEMANTIC_NON_NULL,
    )
    nationality: Nationality | None = strawberry.field(
        description="The member's nationality (Konaplate: `nationality`).", directives=SEMANTIC_NON_NULL
    )
    nationality_raw: str | None = strawberry.field(
        description="`nationality` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )
    gender: Gender | None = strawberry.field(
        description="The member's gender (Konaplate: `gender`).", directives=SEMANTIC_NON_NULL
    )
    gender_raw: str | None = strawberry.field(
        description="`gender` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )
    mobile_number: IdentityNo | None = strawberry.field(
        description="Mobile number (Konaplate: `mobileNumber`).", directives=SEMANTIC_NON_NULL
    )
    user_name: PersonalText | None = strawberry.field(
        description="The member's name (Konaplate: `userName`).", directives=SEMANTIC_NON_NULL
    )
    email: PersonalText | None = strawberry.field(
        description="E-mail address (Konaplate: `email`).", directives=SEMANTIC_NON_NULL
    )
    join_channel: str | None = strawberry.field(
        description="Where the member signed up; null when Konaplate does not say (Konaplate: `joinChannel`)."
    )
    address_info: AddressInfo | None = strawberry.field(
        description="The member's address; null when there is none (Konaplate: `addressInfo`)."
    )


@strawberry.type(description="The member that a card is registered to.")
class Member:
    """The `userId` comes with the card; everything else costs one more call."""

    card_no: strawberry.Private[CardNo]

    user_id: MemberId = strawberry.field(
        description="The member's id, a whole number of up to 19 digits (Konaplate: `userId`)."
    )

    @strawberry.field(
        description=(
            "The member's personal data (Konaplate: Search for Member Information). Costs one more upstream "
            "call per member, however many of the cards share it."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    async def profile(self, info: Info) -> MemberProfile | None:
        """Look the member up."""
        return await info.context.member_profile(self.user_id, self.card_no)


@strawberry.type(description="A prepaid card (Konaplate: Card-User Mapped Inquiry).")
class Card:
    """One reply of the Card-User Mapped Inquiry."""

    card_no: CardNo = strawberry.field(description="The card number that was asked for (Konaplate: `cardNo`).")
    masked_card_no: str = strawberry.field(
        description="The card number with all but its first six and last four digits masked."
    )
    balance: Won | None = strawberry.field(
        description="The balance in won (Konaplate: `balance`).", directives=SEMANTIC_NON_NULL
    )
    card_status: CardStatus | None = strawberry.field(
        description="Whether the card can be used; null when Konaplate does not say (Konaplate: `cardStatus`)."
    )
    card_status_raw: str | None = strawberry.field(description="`cardStatus` as Konaplate sent it.")
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
            "Whether the card is recharged when its balance is short at a payment "
            "(Konaplate: `isAutoRechargeBeforePayment`)."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    is_registered: bool | None = strawberry.field(
        description="Whether the card is registered to a member, that is, has a `userId`.",
        directives=SEMANTIC_NON_NULL,
    )
    member: Member | None = strawberry.field(
        description="The member that the card is registered to; null for an unregistered card."
    )
    cash_receipt_info: CashReceiptInfo | None = strawberry.field(
        description=(
            "The identity for cash receipts; null when the member has registered none "
            "(Konaplate: `cashReceiptInfo`)."
        )
    )
