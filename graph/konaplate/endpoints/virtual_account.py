"""Virtual Account of a Card: https://konaplate.com/en/developers/api-documentation."""

from __future__ import annotations

from typing import Annotated, Final

from graph.konaplate.endpoint import Endpoint, by_card_no
from graph.konaplate.record import Record, Text
from schema.secrets import CardNo, IdentityNo


class VirtualAccountInfo(Record):
    """The account whose deposits recharge a card."""

    account_no: Annotated[IdentityNo, Text(20)]
    bank_code: Annotated[str, Text(3)]
    # Its name is documented, its words are not.
    connect_type: str | None

    @property
    def connect_word(self) -> str | None:
        """`connect_type` with `FIXATION` for 01 and `ROTATION` for 02, as a backend of the vendor stores them."""
        return _CONNECT_WORDS.get(self.connect_type, self.connect_type) if self.connect_type else None


_CONNECT_WORDS: Final = {"01": "FIXATION", "02": "ROTATION"}


VIRTUAL_ACCOUNT: Final = Endpoint(
    name="virtual_account",
    title="Virtual Account of a Card",
    path="/api/v1/card/virtual-account/inquiry",
    key=CardNo,
    key_name="card_no",
    request=by_card_no,
    record=VirtualAccountInfo,
)
