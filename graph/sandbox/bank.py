"""What the sandbox answers about a member, a card, its PAR or its product, by the key of each inquiry."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from graph.sandbox.failures import RESERVED_PRODUCT, reserved_cards
from graph.sandbox.history import history_of
from graph.sandbox.ledger import MEMBERS
from graph.sandbox.seed import Dice
from graph.sandbox.wallets import PRODUCTS, WALLETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from graph.sandbox.wallets import WalletCard

K = TypeVar("K")
Fields = dict[str, Any]

# By the card's count. Other cards are not registered.
_DEDUCTIONS: Final[Mapping[int, Mapping[str, Any]]] = MappingProxyType(
    {
        1: {"deductionDate": 20240315, "created": "20240314101500"},
        2_003_002: {"deductionDate": 20250601000000, "created": "20250531235959"},
        2_005_001: {"deductionDate": 20250102, "created": "20250102030405"},
        2_012_007: {"deductionDate": "20250102", "created": "20250102030405"},
        2_012_008: {"deductionDate": "next year", "created": "20250102030405"},
    }
)
_CONNECTIONS: Final = ("FIXATION", "ROTATION")
_UNCHECKED: Final = frozenset({2000, 2001})
# Their kind, whether they are mandatory, `order`, and when they were agreed to.
_TERMS: Final = (
    ("PY", "MANDATORY", "10", "20240102030405678"),
    ("PY", "MANDATORY", "9", "20240102030405678"),
    ("UNDER_14", "OPTIONAL", "11", None),
    ("OPEN_BANK", "MANDATORY", "2", "20240102030500000"),
    ("MKT_NOTI", "OPTIONAL", "100", None),
    ("DEDUCT", "OPTIONAL", "1", "20250102030405000"),
)


def card_list(cards: Sequence[WalletCard]) -> Fields:
    """Search for Card, without filters."""
    return {"cardDataInfo": [dict(card.row) for card in cards]}


def transactions(card: WalletCard) -> Fields:
    """Checking Transaction History: all that there is, but for the times of approval."""
    history = history_of(card)
    return {"history": history, "transactionInfo": [dict(entry.fields) for entry in history.entries]}


def virtual_account(card: WalletCard) -> Fields:
    """Virtual Account of a Card."""
    dice = Dice(f"account of {card.par}")
    return {
        "accountNo": f"1005{dice.below(10**9):09d}",
        "bankCode": "020",
        "connectType": _CONNECTIONS[dice.below(len(_CONNECTIONS))],
    }


def tax_deduction(card: WalletCard) -> Fields:
    """Income-tax Deduction Status."""
    return {"par": card.par, **_DEDUCTIONS.get(card.count, {})}


def identity_check(user_id: int) -> Fields:
    """Member Authentication."""
    return {"isAuthed": user_id not in _UNCHECKED}


def terms(user_id: int | None) -> Fields:
    """Terms List, without filters; nothing is agreed to by nobody."""
    return {"termsList": list(_terms(known=user_id is not None))}


def _terms(*, known: bool) -> Iterator[Fields]:
    for terms_id, (kind, required, order, agreed) in enumerate(_TERMS, start=501):
        fields = {
            "tcId": terms_id,
            "tcActionType": kind,
            "title": f"이용약관 {terms_id}",
            "url": f"https://example.com/terms/{terms_id}",
            "required": required,
            "order": order,
            "isAgree": known and agreed is not None,
        }
        if known and agreed:
            fields["agreeDate"] = agreed
        if kind == "OPEN_BANK":
            fields["viewPositionType"] = "USER_PORTAL_CARD"
        yield fields


def product(service_id: str) -> Fields:
    """A row of Card Product ID Inquiry."""
    return {"serviceId": service_id, "serviceName": PRODUCTS.get(service_id, RESERVED_PRODUCT)}


def wallets() -> Mapping[int, Sequence[WalletCard]]:
    """The cards of every member, by user id."""
    held: dict[int, list[WalletCard]] = {user_id: [] for user_id in MEMBERS}
    for card in WALLETS:
        if card.user_id in held:
            held[card.user_id].append(card)
    return held


def cards_by_number() -> Mapping[str, WalletCard]:
    """The cards by each of their numbers."""
    return {number: card for card in WALLETS for number in card.numbers}


def cards_by_par() -> Mapping[str, WalletCard]:
    """The cards that somebody holds, by PAR."""
    return {card.par: card for cards in wallets().values() for card in cards}


def reserved(key: Callable[[WalletCard], K]) -> Callable[[], Mapping[K, WalletCard]]:
    """The cards of the reserved members, by a key of theirs."""
    return lambda: {key(card): card for card in reserved_cards().values()}
