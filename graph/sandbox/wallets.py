"""The cards that the sandbox's members hold, as the inquiries by member id, card number and PAR know them.

The cards of `ledger` belong to them, and so do the wallets of members 2000 to 2012, whose user id says how many
cards they hold. Each reserved member of `failures` holds one card.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from graph.sandbox.ledger import CARDS, card_fields, card_number
from graph.sandbox.seed import Dice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRODUCTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SANDBOX00000001": "샌드박스 선불카드",
        "SANDBOX00000002": "샌드박스 체크카드",
        "SANDBOX00000003": "샌드박스 무기명카드",
        "SANDBOX00000004": "샌드박스 교통카드",
    }
)
"""The names of the card products, by their ids."""
PREPAID, DEBIT, ANONYMOUS, TRANSPORT = PRODUCTS
GONE: Final = "SANDBOX00000099"
"""The id of a product that does not exist."""

PAR_LENGTH: Final = 27
# The most that a card may hold, by whether it is bound to a real name.
_MOST: Final = {True: 2_000_000, False: 500_000}
_TWIN: Final = 5_000_000
_WALLET: Final = 1_000
_DEBIT_CARD: Final = {
    "limits": {"day": 3_000_000, "once": 1_000_000, "month": 0},
    "bankInfo": {"bankName": "WELCOME", "accountNo": "40231177885501"},
}
_NO_NAME: Final = ("serviceName",)
_MOBILE_ONLY: Final = ("physicalCardNo", "physicalCardStatus")
_PHYSICAL_ONLY: Final = ("mobileCardNo", "mobileCardStatus")
# What the vendor does not document of a row.
_SEEN: Final = (
    *_MOBILE_ONLY,
    *_PHYSICAL_ONLY,
    *("serviceId", "serviceName", "expiryDate", "cardApplyNo", "cardPointInfo"),
    *("rechargeable", "remittable", "refundable", "rechargeableAmount", "minRechargeAmount"),
)


@dataclass(frozen=True, slots=True, eq=False)
class WalletCard:
    """A card as each inquiry knows it."""

    count: int
    """What its numbers are made from; see `card_number`."""
    description: str
    user_id: int | None
    numbers: tuple[str, ...]
    """The mobile one, then that of the physical card. Either may be missing."""
    infos: Mapping[str, Mapping[str, Any]]
    """The fields of Card-User Mapped Inquiry, by number."""
    row: Mapping[str, Any]
    """The card in Search for Card."""

    @property
    def par(self) -> str:
        """What stands for the card in inquiries of its history."""
        par: str = self.row["par"]
        return par


def card_of(
    count: int, description: str, fields: Mapping[str, Any], *, without: tuple[str, ...] = (), **changes: Any
) -> WalletCard:
    """Make a card.

    Args:
        count: what its numbers are made from.
        description: what it demonstrates.
        fields: of Card-User Mapped Inquiry.
        without: fields of its row in Search for Card that are missing.
        changes: fields of this row that differ from those of a usual card.
    """
    number, twin, status = card_number(count), card_number(count + _TWIN), fields["cardStatus"]
    dice = Dice(f"card {count}")
    named = changes.get("isNamed", True)
    row = {
        "par": f"PAR{dice.letters(PAR_LENGTH - 3)}",
        "balance": fields["balance"],
        "pendingAmount": 0,
        "isNamed": True,
        "serviceId": fields["serviceId"],
        "serviceName": fields["serviceName"],
        "expiryDate": f"{28 + dice.below(4)}{1 + dice.below(12):02d}",
        "cardApplyNo": f"APPLY{dice.letters(17)}",
        "mobileCardNo": number,
        "mobileCardStatus": status,
        "physicalCardNo": twin,
        "physicalCardStatus": status,
        "cardPointInfo": [
            {
                "autoUse": True,
                "pointName": "모래포인트",
                "pointPolicyId": "POINT00000001",
                "remainingPoint": dice.below(5_000),
            }
        ],
        "rechargeable": True,
        "remittable": named,
        "refundable": True,
        "rechargeableAmount": max(0, _MOST[named] - fields["balance"]),
        "minRechargeAmount": 10_000,
        **changes,
    }
    row = {name: value for name, value in row.items() if name not in without and value is not None}
    infos = {
        row[f"{kind}CardNo"]: {**fields, "cardStatus": row.get(f"{kind}CardStatus")}
        for kind in ("mobile", "physical")
        if f"{kind}CardNo" in row
    }
    return WalletCard(
        count, description, fields["userId"], tuple(infos), MappingProxyType(infos), MappingProxyType(row)
    )


_Cards: TypeAlias = tuple[tuple[str, dict[str, Any], dict[str, Any]], ...]
# Description, fields of Card-User Mapped Inquiry, and how the row in Search for Card differs.


def _product(product: str, **changes: Any) -> dict[str, Any]:
    return card_fields(serviceId=product, serviceName=PRODUCTS.get(product, "샌드박스 단종카드"), **changes)


def _wallet(user_id: int, *cards: tuple[str, dict[str, Any], dict[str, Any]]) -> list[WalletCard]:
    return [
        card_of(user_id * _WALLET + place, description, {**fields, "userId": user_id}, **row)
        for place, (description, fields, row) in enumerate(cards, start=1)
    ]


_RECEIPT: Final = {"approvalDiv": "0", "idNo": "01020050005", "manYn": "1"}

_ONE: Final[_Cards] = (
    (
        "anonymous, without a physical card",
        _product(ANONYMOUS, balance=30_000),
        {"isNamed": False, "without": _MOBILE_ONLY},
    ),
)
_THREE: Final[_Cards] = (
    ("a debit card: limits and a linked account", _product(DEBIT, balance=410_300), _DEBIT_CARD),
    ("no pending amount", _product(PREPAID, balance=88_000), {"without": ("pendingAmount",)}),
    ("a physical card only", _product(TRANSPORT, balance=15_450), {"without": _PHYSICAL_ONLY}),
)
_FIVE: Final[_Cards] = (
    (
        "the everyday card, with receipts and a physical card",
        _product(PREPAID, balance=182_350, cashReceiptInfo=_RECEIPT),
        {},
    ),
    ("a debit card with many payments", _product(DEBIT, balance=1_204_880), _DEBIT_CARD),
    ("anonymous, a gift", _product(ANONYMOUS, balance=50_000), {"isNamed": False, "without": _MOBILE_ONLY}),
    (
        "suspended, with a charge that waits; its physical card was terminated",
        _product(PREPAID, balance=1_951_300, cardStatus="SUSPENDED"),
        {"pendingAmount": 120_000, "physicalCardStatus": "TERMINATED"},
    ),
    (
        "its row does not say the product's name",
        _product(TRANSPORT, balance=7_250, isAutoRechargeBeforePayment=True),
        {"without": (*_NO_NAME, *_MOBILE_ONLY)},
    ),
)
_TWELVE: Final[_Cards] = (
    ("2,000 transactions", _product(DEBIT, balance=2_345_678), _DEBIT_CARD),
    ("pages that shift: each call finds a new transaction in front", _product(PREPAID, balance=64_100), {}),
    ("a first page that promises more pages than there are", _product(PREPAID, balance=23_900), {}),
    ("an empty page among full ones", _product(PREPAID, balance=41_000), {}),
    ("transactions of one and the same second", _product(PREPAID, balance=99_100), {}),
    ("transactions that are cancelled and refunded", _product(PREPAID, balance=350_000), {}),
    ("a tax deduction whose date is text", _product(PREPAID, balance=5_100), {}),
    ("a tax deduction whose date is nonsense", _product(PREPAID, balance=5_200), {}),
    ("a product that does not exist", _product(GONE, balance=5_300), {"without": _NO_NAME}),
    (
        "no virtual account: the code has three parts",
        _product(PREPAID, balance=5_400, cardStatus="TERMINATED"),
        {"expiryDate": "20211231"},
    ),
    (
        "its row has only what is documented, so neither number",
        _product(PREPAID, balance=5_500),
        {"without": _SEEN},
    ),
    ("undocumented statuses", _product(PREPAID, balance=5_600, cardStatus="INACTIVE"), {"expiryDate": "281231"}),
)


def _made() -> Iterator[WalletCard]:
    nobodys = _product(PREPAID, userId=0, balance=20_000)
    yield card_of(2_000_001, "not registered, with 0 for the user id", nobodys, without=_MOBILE_ONLY)
    for count, card in enumerate(CARDS.values(), start=1):
        # The first one has a physical card, too.
        yield card_of(count, card.description, card.fields, without=() if count == 1 else _MOBILE_ONLY)
    for user_id, cards in ((2001, _ONE), (2003, _THREE), (2005, _FIVE), (2012, _TWELVE)):
        yield from _wallet(user_id, *cards)


WALLETS: Final[tuple[WalletCard, ...]] = tuple(_made())
"""All cards but the reserved ones, in the order of their numbers."""
