"""Income-tax Deduction Status: https://konaplate.com/en/developers/api-documentation.

The page calls `deductionDate` a number; that it holds the digits of a date is inferred.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record, Text, first_fault
from schema.secrets import Par


class TaxDeductionInfo(Record):
    """Since when a card's payments count for the income-tax deduction."""

    par: Annotated[Par, Text(27)]
    deduction_date: date | None
    created: datetime | None

    @property
    def is_registered(self) -> bool:
        """Whether the card is registered: there is a date (inferred)."""
        sent = [each for each in (self.deduction_date, self.created) if each is not None]
        faults = [each for each in sent if first_fault(each)]
        # Nobody knows what it means if nothing of what was sent is a date.
        return first_fault(*sent) if sent and len(faults) == len(sent) else bool(sent)


def _request(par: Par) -> dict[str, str]:
    return {"par": par.reveal()}


def _is_about(deduction: TaxDeductionInfo, par: Par) -> bool:
    return deduction.par == par


TAX_DEDUCTION: Final = Endpoint(
    name="tax_deduction",
    title="Income-tax Deduction Status",
    path="/api/v1/cards/deduction",
    key=Par,
    key_name="par",
    request=_request,
    record=TaxDeductionInfo,
    matches=_is_about,
    seals_response=False,
)
