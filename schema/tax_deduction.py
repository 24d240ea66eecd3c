"""Whether a card's payments count for the income-tax deduction."""

from __future__ import annotations

import datetime as dt

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import field


@strawberry.type(description="Whether a card's payments count for the income-tax deduction.")
class TaxDeduction:
    """Konaplate's answer about a card's income-tax deduction."""

    is_registered: bool | None = field(
        of="is_registered",
        description="Whether the card is registered, inferred from whether Konaplate sent a date.",
        directives=SEMANTIC_NON_NULL,
    )
    deduction_date: dt.date | None = strawberry.field(
        description="The first day of the deduction (Konaplate: `deductionDate`, whose format is inferred)."
    )
    created: dt.datetime | None = strawberry.field(
        description="When the card was registered (Konaplate: `created`)."
    )
