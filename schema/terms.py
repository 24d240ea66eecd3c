"""Documents that members agree to."""

from __future__ import annotations

import datetime as dt
from enum import Enum

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import Argument, field


@strawberry.enum(description="The language of terms (Konaplate: `locale`). Only `KO`, its default, is documented.")
class TermsLocale(Enum):
    """Konaplate's words."""

    KO = strawberry.enum_value("KO", description="Korean.")
    EN = strawberry.enum_value("EN", description="English. Whether Konaplate has English terms is not public.")


@strawberry.enum(description="Whether terms must be agreed to (Konaplate: `required`).")
class TermsRequirement(Enum):
    """Konaplate's words."""

    MANDATORY = strawberry.enum_value("MANDATORY", description="They must be agreed to.")
    OPTIONAL = strawberry.enum_value("OPTIONAL", description="They may be declined.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="Konaplate sent a word that is not documented; see `requiredRaw`."
    )


@strawberry.type(description="A document that members agree to (Konaplate: Terms List).")
class Terms:
    """A row of Konaplate's `termsList`."""

    tc_id: str | None = field(
        of="tc_id", show=str, description="The id of the terms (Konaplate: `tcId`).", directives=SEMANTIC_NON_NULL
    )
    tc_action_type: str | None = strawberry.field(
        description="What they are about, such as `PY` or `OPEN_BANK` (Konaplate: `tcActionType`)."
    )
    title: str | None = strawberry.field(
        description="The title (Konaplate: `title`).", directives=SEMANTIC_NON_NULL
    )
    url: str | None = strawberry.field(
        description="Where the text is (Konaplate: `url`).", directives=SEMANTIC_NON_NULL
    )
    required: TermsRequirement | None = strawberry.field(
        description="Whether they must be agreed to (Konaplate: `required`).", directives=SEMANTIC_NON_NULL
    )
    required_raw: str | None = field(
        of="required", description="`required` as Konaplate sent it.", directives=SEMANTIC_NON_NULL
    )
    order: int | None = strawberry.field(
        description="The place in the list, which is sorted by this (Konaplate: `order`).",
        directives=SEMANTIC_NON_NULL,
    )
    is_agree: bool | None = strawberry.field(
        description=(
            "Whether the member has agreed; always false in `Query.terms`, which has no member (Konaplate: "
            "`isAgree`)."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    agree_date: dt.datetime | None = strawberry.field(
        description="When the member agreed; null if they have not (Konaplate: `agreeDate`)."
    )
    view_position_type: str | None = strawberry.field(
        description="Where an app shows them, such as `OPEN_BANK` (Konaplate: `viewPositionType`)."
    )


LOCALE = Argument("locale", TermsLocale, description="The language of the terms.", default=TermsLocale.KO)
ACTION_TYPE = Argument(
    "action_type",
    str | None,
    description="Only terms about this, such as `PY` or `OPEN_BANK` (Konaplate: `tcActionType`).",
    default=None,
)
