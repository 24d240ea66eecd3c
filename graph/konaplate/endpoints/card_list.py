"""Search for Card: https://konaplate.com/en/developers/api-documentation.

Of a row, the vendor's page documents `par`, `limits`, `balance`, `pendingAmount` and `isNamed`. The other fields
were seen in sample answers of public clients and may be missing; so may `pendingAmount`, which one client lacks.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Final

from graph.konaplate.endpoint import Endpoint, by_user_id
from graph.konaplate.errors import CallDetails, InvalidFieldError
from graph.konaplate.record import MAX_WON, Record, Text, Whole, first_fault
from schema.secrets import CardNo, MemberId, Par


class CardLimitsInfo(Record):
    """How much may be paid with a debit card, in won. Probably 0 is no limit (inferred)."""

    day: Annotated[int, Whole(max=MAX_WON)] | None
    once: Annotated[int, Whole(max=MAX_WON)] | None
    month: Annotated[int, Whole(max=MAX_WON)] | None


class CardPointInfo(Record):
    """A card's points under one policy (seen)."""

    point_name: str | None
    point_policy_id: str | None
    remaining_point: Annotated[int, Whole(max=MAX_WON)] | None
    auto_use: bool | None


class CardRow(Record):
    """One card of a member. Its numbers, status and product were seen, and are not documented."""

    par: Annotated[Par, Text(27)]
    # Only of debit cards.
    limits: CardLimitsInfo | None
    balance: Annotated[int, Whole(max=MAX_WON)]
    pending_amount: Annotated[int, Whole(max=MAX_WON)] | None
    is_named: bool
    service_id: Annotated[str, Text(15)] | None
    service_name: Annotated[str, Text(256)] | None
    # It has several forms (YYMM, YYMMDD, yyyyMMdd), so it stays a string.
    expiry_date: str | None
    mobile_card_no: CardNo | None
    physical_card_no: CardNo | None
    mobile_card_status: Annotated[str, Text(len("TERMINATED"))] | None
    physical_card_status: Annotated[str, Text(len("TERMINATED"))] | None
    card_point_info: list[CardPointInfo] | None

    @property
    def card_no(self) -> CardNo | None:
        """The mobile card's number, or else the physical card's."""
        return self.physical_card_no if self._is_physical else self.mobile_card_no

    @property
    def subject(self) -> CardNo | None:
        """The card, for the audit log; None if its number cannot be read."""
        return self.card_no if isinstance(self.card_no, CardNo) else None

    @property
    def card_status(self) -> str | None:
        """The status of the card whose number is `card_no`."""
        return self.physical_card_status if self._is_physical else self.mobile_card_status

    @property
    def _is_physical(self) -> bool:
        return not isinstance(self.mobile_card_no, CardNo) and self.physical_card_no is not None


class CardList(Record):
    """All cards of a member, in no documented order."""

    card_data_info: list[CardRow]

    @property
    def card_numbers(self) -> list[CardNo]:
        """Every number in it."""
        rows = () if first_fault(self.card_data_info) else self.card_data_info
        numbers = (
            number for row in rows if not first_fault(row) for number in (row.mobile_card_no, row.physical_card_no)
        )
        return [number for number in numbers if isinstance(number, CardNo)]

    def row_of(self, card: CardNo | Par) -> CardRow | None:
        """The row of a mobile or physical card, or of a `par`; None if the member does not hold it.

        Raises:
            InvalidFieldError: a row or a number that cannot be read may be the one, or several rows are.
        """
        found: CardRow | None = None
        fault = first_fault(self.card_data_info)
        for row in () if fault else self.card_data_info:
            numbers = (row,) if first_fault(row) else (row.mobile_card_no, row.physical_card_no, row.par)
            if card not in numbers:
                fault = fault or first_fault(*numbers)
            elif found is None:
                found = row
            elif row != found:
                # Another card's data is worse than none.
                raise InvalidFieldError(CallDetails("", api=CARD_LIST.path), "cardDataInfo")
        if found is None and fault:
            raise fault
        return found


CARD_LIST: Final = Endpoint(
    name="card_list",
    title="Search for Card",
    path="/api/v1/user/card/list",
    key=MemberId,
    key_name="user_id",
    request=by_user_id,
    record=CardList,
    seals_request=False,
    owner="user_id",
    card_numbers=attrgetter("card_numbers"),
)
