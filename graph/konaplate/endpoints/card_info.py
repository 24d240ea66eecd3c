"""Card-User Mapped Inquiry: https://konaplate.com/en/developers/api-documentation, page 33500749245260001."""

from __future__ import annotations

from typing import Annotated, Final

from graph.konaplate.endpoint import Endpoint, by_card_no
from graph.konaplate.record import MAX_WON, Record, Text, Whole
from schema.secrets import CardNo, IdentityNo, MemberId


class CashReceipt(Record):
    """How a member's cash receipts are identified."""

    approval_div: Annotated[str, Text(1)]
    # The page says 20, which is a maximum.
    id_no: Annotated[IdentityNo, Text(20)]
    man_yn: Annotated[str, Text(1)]


class CardInfo(Record):
    """A card and its owner; `user_id` is None for an unregistered card."""

    user_id: MemberId | None
    balance: Annotated[int, Whole(max=MAX_WON)]
    service_id: Annotated[str, Text(15)]
    service_name: Annotated[str, Text(256)]
    owner_ka: Annotated[str, Text(15)] | None
    cash_receipt_info: CashReceipt | None
    # The page says 1 to 7, which is shorter than its own values.
    card_status: Annotated[str, Text(len("TERMINATED"))] | None
    is_auto_recharge_before_payment: bool


CARD_INFO: Final = Endpoint(
    name="card_info",
    title="Card-User Mapped Inquiry",
    path="/api/v1/user/card/info",
    key=CardNo,
    key_name="card_no",
    request=by_card_no,
    record=CardInfo,
    owner="user_id",
    handle=1,
)
