"""A member. Fields have Konaplate's own names, so that its documentation explains them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import edge, field, handle
from schema.node import Node
from schema.secrets import IdentityNo, MemberId, PersonalText
from schema.terms import ACTION_TYPE, LOCALE, Terms

if TYPE_CHECKING:
    from schema.card import Card


@strawberry.enum(description="A member's nationality (Konaplate: `nationality`).")
class Nationality(Enum):
    """Konaplate's words."""

    KOREAN = strawberry.enum_value("Korean", description="Korean (`Korean`).")
    FOREIGNER = strawberry.enum_value("Foreigner", description="Not Korean (`Foreigner`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `nationalityRaw`."
    )


@strawberry.enum(description="A member's gender (Konaplate: `gender`).")
class Gender(Enum):
    """Konaplate's words."""

    MALE = strawberry.enum_value("Male", description="Male (`Male`).")
    FEMALE = strawberry.enum_value("Female", description="Female (`Female`).")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `genderRaw`."
    )


@strawberry.type(description="A postal address (Konaplate: `addressInfo`).")
class AddressInfo:
    """Konaplate's `addressInfo`, documented only for its registration calls."""

    address: PersonalText | None = strawberry.field(description="The address (Konaplate: `address`).")
    zip_code: PersonalText | None = strawberry.field(description="The postal code (Konaplate: `zipCode`).")
    address_detail: PersonalText | None = strawberry.field(
        description="The rest of the address (Konaplate: `addressDetail`)."
    )


@strawberry.type(description="A member's personal data (Konaplate: Search for Member Information).")
class MemberProfile:
    """Konaplate's `userInfo`, without its `ci`, which the gateway never reads."""

    asp_id: str | None = strawberry.field(
        description="The service provider that the member belongs to (Konaplate: `aspId`).",
        directives=SEMANTIC_NON_NULL,
    )
    birth_date: PersonalText | None = strawberry.field(
        description="Date of birth as `yyyyMMdd` (Konaplate: `birthDate`).", directives=SEMANTIC_NON_NULL
    )
    login_id: PersonalText | None = strawberry.field(
        description="The login name, in e-mail form (Konaplate: `loginId`).",
        directives=SEMANTIC_NON_NULL,
    )
    nationality: Nationality | None = strawberry.field(
        description="The member's nationality (Konaplate: `nationality`).", directives=SEMANTIC_NON_NULL
    )
    nationality_raw: str | None = field(
        of="nationality", description="`nationality` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )
    gender: Gender | None = strawberry.field(
        description="The member's gender (Konaplate: `gender`).", directives=SEMANTIC_NON_NULL
    )
    gender_raw: str | None = field(
        of="gender", description="`gender` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
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
        description="Where the member signed up; null if Konaplate does not say (Konaplate: `joinChannel`)."
    )
    address_info: AddressInfo | None = strawberry.field(
        description="The member's address; null if there is none (Konaplate: `addressInfo`)."
    )


@strawberry.type(description="A member of the service.")
class Member(Node):
    """The `userId` is known; everything else takes a call."""

    id: strawberry.ID = handle(of={"member": "user_id"}, description="See `Node`.")
    user_id: MemberId = strawberry.field(
        description="The member's id, a whole number of up to 19 digits (Konaplate: `userId`)."
    )

    profile: MemberProfile | None = edge(
        "user_info",
        key="user_id",
        scope="member:read",
        description=(
            "The member's personal data (Konaplate: Search for Member Information). Costs one more upstream call "
            "per member, however many cards share it."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    cards: list[Annotated[Card, strawberry.lazy("schema.card")]] | None = edge(
        "card_list",
        key="user_id",
        of="card_data_info",
        shown_as="wallet",
        description=(
            "The member's cards, in Konaplate's order (Konaplate: Search for Card). Costs one upstream call, "
            "which brings every balance."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    is_identity_verified: bool | None = edge(
        "identity_check",
        key="user_id",
        of="is_authed",
        description=(
            "Whether the member passed the identity check, probably the one for income deduction (Konaplate: "
            "`isAuthed` of Member Authentication). Costs one upstream call."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    terms: list[Terms] | None = edge(
        "terms",
        key=(LOCALE, ACTION_TYPE, "user_id"),
        of="in_order",
        description=(
            "The terms, and which of them the member has agreed to (Konaplate: Terms List). Costs one upstream "
            "call."
        ),
        directives=SEMANTIC_NON_NULL,
    )
