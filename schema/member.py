"""A member. Field names are Konaplate's own, so that the vendor's page explains them."""

from __future__ import annotations

from enum import Enum

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import edge, field
from schema.secrets import IdentityNo, MemberId, PersonalText


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


@strawberry.type(description="A postal address (Konaplate: `addressInfo`).")
class AddressInfo:
    """Konaplate's `addressInfo`, known only from registration calls."""

    address: PersonalText | None = strawberry.field(description="The address (Konaplate: `address`).")
    zip_code: PersonalText | None = strawberry.field(description="The postal code (Konaplate: `zipCode`).")
    address_detail: PersonalText | None = strawberry.field(
        description="The rest of the address (Konaplate: `addressDetail`)."
    )


@strawberry.type(description="What Konaplate knows of a member (Search for Member Information). Personal data.")
class MemberProfile:
    """Konaplate's `userInfo`, without its `ci`, which is never read."""

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
        description="Where the member signed up; null when Konaplate does not say (Konaplate: `joinChannel`)."
    )
    address_info: AddressInfo | None = strawberry.field(
        description="The member's address; null when there is none (Konaplate: `addressInfo`)."
    )


@strawberry.type(description="The member that a card is registered to.")
class Member:
    """The `userId` comes with the card; everything else costs one more call."""

    user_id: MemberId = strawberry.field(
        description="The member's id, a whole number of up to 19 digits (Konaplate: `userId`)."
    )

    profile: MemberProfile | None = edge(
        "user_info",
        key="user_id",
        scope="member:read",
        description=(
            "The member's personal data (Konaplate: Search for Member Information). Costs one more upstream "
            "call per member, however many of the cards share it."
        ),
        directives=SEMANTIC_NON_NULL,
    )
