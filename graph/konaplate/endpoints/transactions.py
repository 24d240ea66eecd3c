"""Checking Transaction History: https://konaplate.com/en/developers/api-documentation.

The request is documented except for its `pageRequest`. The answer is not: its names were seen in sample answers of
public clients, so nothing is required. Whether the vendor encrypts answers is not public.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from graph.konaplate.endpoint import Certainty, Endpoint
from graph.konaplate.record import MAX_WON, Record, Whole, Wire
from schema.secrets import IdentityNo, MemberId, Par, PersonalText

_MAX_PAGES: Final = 9_999_999_999
# This page allows 15 digits; those of other APIs allow 19.
_MAX_USER_ID_DIGITS: Final = 15


class TransactionsKey(NamedTuple):
    """Which page of a card's history is asked for."""

    par: Par
    user_id: MemberId
    start_date: str
    """The first day of approval, `yyyyMMdd`."""
    end_date: str
    """The last day. That it is included is inferred."""
    tr_type: str | None
    """`00` payment, `01` charge, `02` refund, `03` transfer; None for all."""
    include_previous_card: bool
    """Whether to include the history of the card that this one replaced."""
    page: int
    """Counts from 0."""
    page_size: int


class TransactionReceipt(Record):
    """The cash receipt of a transaction."""

    isu_st_cd: str | None
    approval_no: str | None
    approval_date: str | None


class TransactionRow(Record):
    """One row of a card's history. A cancel is a row of its own. Amounts are in won."""

    tr_type: str | None
    rcg_type: str | None
    nr_number: str | None
    tr_amount: Annotated[int, Whole(max=MAX_WON)] | None
    org_amount: Annotated[int, Whole(max=MAX_WON)] | None
    approval_code: str | None
    balance_before: Annotated[int, Whole(max=MAX_WON)] | None
    balance_after: Annotated[int, Whole(max=MAX_WON)] | None
    merchant_name: PersonalText | None
    biz_license_no: IdentityNo | None
    auth_cancel_type: str | None
    # Its time zone is inferred.
    approval_date_time: datetime | None
    discount_amount: Annotated[int, Whole(max=MAX_WON)] | None
    used_point_amount: Annotated[int, Whole(max=MAX_WON)] | None
    saved_point_amount: Annotated[int, Whole(max=MAX_WON)] | None
    # The vendor's spelling.
    cash_receipt_info: Annotated[TransactionReceipt, Wire("cashReciptInfo")] | None
    recharge_cancelable: Annotated[int, Whole(max=9)] | None


class PageResponse(Record):
    """Where a page stands, without `numberOfElements`, which may count the rows of the page or all rows."""

    page: Annotated[int, Whole(max=_MAX_PAGES)] | None
    total_pages: Annotated[int, Whole(max=_MAX_PAGES)] | None


class TransactionPage(Record):
    """One page of a card's history."""

    page_response: PageResponse | None
    transaction_info: list[TransactionRow] | None


def _request(key: TransactionsKey) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "par": key.par.reveal(),
        "startDate": key.start_date,
        "endDate": key.end_date,
        "includePreviousCard": key.include_previous_card,
        "pageRequest": {
            "page": key.page,
            "pageSize": key.page_size,
            "sort": "approvalDateTime",
            "orderByDirection": "DESC",
        },
    }
    user_id = key.user_id.reveal()
    if len(user_id) <= _MAX_USER_ID_DIGITS:
        asked["userId"] = int(user_id)
    if key.tr_type is not None:
        asked["trType"] = key.tr_type
    return asked


def counting_from(first_page: int, endpoint: Endpoint[Any, Any]) -> Endpoint[Any, Any]:
    """Return the endpoint for a Konaplate whose pages have numbers from `first_page` on."""
    return replace(endpoint, request=lambda key: _request(key._replace(page=key.page + first_page)))


TRANSACTIONS: Final = Endpoint(
    name="transactions",
    title="Checking Transaction History",
    path="/api/v1/transaction/card",
    key=TransactionsKey,
    request=_request,
    record=TransactionPage,
    certainty=Certainty.SEEN,
    complete_with=("transactionInfo",),
    seals_request=False,
    seals_response=None,
    owner="user_id",
    open_to=("transactions:read",),
)
