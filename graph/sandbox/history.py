"""Transaction histories, made from the cards' seeds and as old as the sandbox's clock says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graph.sandbox.seed import Dice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graph.sandbox.wallets import WalletCard

PAYMENT, CHARGE, REFUND, TRANSFER = "00", "01", "02", "03"

_MERCHANTS: Final = (
    *("모래언덕 편의점 3호점", "바닷가 서점", "조개껍데기 카페", "파도소리 베이커리", "갈매기 분식", "등대 약국"),
    *("산호초 꽃집", "해변 자전거", "모래시계 문구", "소라 미용실", "물결 세탁소", "돛단배 식당", "해초 과일가게"),
)
_APPROVALS: Final = 10_000
_MUCH: Final = 400_000


class PageBehavior(Enum):
    """How the pages of a history behave."""

    STEADY = "as documented"
    SHIFTING = "each call finds one more transaction in front"
    PROMISING = "the first page says that there are more pages than there are"
    GAPPED = "the second page is empty"


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """What the history of a card is like."""

    count: int = 12
    """The number of transactions, with those before a reissue."""
    days: int = 25
    """The age of the oldest."""
    pages: PageBehavior = PageBehavior.STEADY
    at_once: bool = False
    """Whether all of them have one time of approval."""
    undone: bool = False
    """Whether every payment is cancelled or refunded."""
    reissued: int = 0
    """The number of the oldest transactions that were made with the card before its reissue."""


_PLANS: Final[Mapping[int, HistoryPlan]] = MappingProxyType(
    {
        1: HistoryPlan(60, days=80),
        2: HistoryPlan(7),
        6: HistoryPlan(0),
        7: HistoryPlan(0),
        2_001_001: HistoryPlan(1),
        2_003_001: HistoryPlan(45, days=40),
        2_005_001: HistoryPlan(40, days=45, reissued=5),
        2_005_002: HistoryPlan(130, days=85),
        2_005_003: HistoryPlan(3),
        2_005_004: HistoryPlan(0),
        2_012_001: HistoryPlan(2_000, days=89),
        2_012_002: HistoryPlan(40, pages=PageBehavior.SHIFTING),
        2_012_003: HistoryPlan(40, pages=PageBehavior.PROMISING),
        2_012_004: HistoryPlan(40, pages=PageBehavior.GAPPED),
        2_012_005: HistoryPlan(45, at_once=True),
        2_012_006: HistoryPlan(40, undone=True),
    }
)
"""By the card's count; the others have usual ones."""


class Entry(NamedTuple):
    """One transaction."""

    age: timedelta
    """How long before the sandbox's clock it was approved."""
    before_reissue: bool
    fields: Mapping[str, Any]
    """Its fields but for the time of approval."""


@dataclass(frozen=True, slots=True)
class History:
    """The transactions of a card, newest first."""

    user_id: int | None
    pages: PageBehavior
    entries: Sequence[Entry]

    def after_calls(self, count: int) -> Sequence[Entry]:
        """The transactions once so many calls have asked for them."""
        if self.pages is not PageBehavior.SHIFTING:
            return self.entries
        return [*map(_arrived, range(count, 0, -1)), *self.entries]


def _arrived(count: int) -> Entry:
    dice = Dice(f"arrived {count}")
    fields = {"authCancelType": "AUTH", "balanceBefore": 1_000 + count, "balanceAfter": count}
    return Entry(timedelta(0), before_reissue=False, fields={**_common(dice, PAYMENT, 1_000), **fields})


def history_of(card: WalletCard) -> History:
    """The history of a card."""
    plan = _PLANS.get(card.count, HistoryPlan())
    entries = tuple(_entries(card, plan))
    return History(card.user_id, plan.pages, entries)


def _entries(card: WalletCard, plan: HistoryPlan) -> Iterator[Entry]:
    """Yield entries from the newest to the oldest, so that the newest leaves the card's balance."""
    step = plan.days * 86_400 // max(plan.count, 1)
    debit = "limits" in card.row
    balance, age, made = card.row["balance"], 0, 0
    while made < plan.count:
        dice = Dice(f"{card.par} {made}")
        # Every fifth has the time of the one before it.
        if made % 5 != 4 and not plan.at_once:  # noqa: PLR2004 - said above
            age = step * made + (dice.below(step) if made else 0)
        amount = 1_000 + dice.below(60_000) + (1_000_000 if debit and made % 10 == 0 else 0)
        kind = _kind(dice, balance, amount, undone=plan.undone)
        if kind == CHARGE:
            amount = max(amount, (balance - dice.below(balance // 2)) // 10_000 * 10_000)
        # A cancel, and before it what it cancels.
        undone = kind == PAYMENT and amount <= balance and (plan.undone or dice.below(12) == 0)
        common = _common(dice, kind, amount)
        for word in ("CANCEL", "AUTH") if undone and made + 2 <= plan.count else ("AUTH",):
            before = balance - amount if word == "CANCEL" or kind == CHARGE else balance + amount
            fields = {**common, "authCancelType": word, "balanceBefore": before, "balanceAfter": balance}
            yield Entry(timedelta(seconds=age), made >= plan.count - plan.reissued, fields)
            balance, made = before, made + 1


def _kind(dice: Dice, balance: int, amount: int, *, undone: bool) -> str:
    chance = dice.below(100)
    if undone:
        return REFUND if chance < 30 else PAYMENT  # noqa: PLR2004 - per cent
    if balance >= amount and (balance > _MUCH or chance < 20):  # noqa: PLR2004 - per cent
        return CHARGE
    return {20: REFUND, 21: REFUND, 22: TRANSFER, 23: TRANSFER}.get(chance, PAYMENT)


def _common(dice: Dice, kind: str, amount: int) -> dict[str, Any]:
    """What a transaction and its cancel have in common."""
    paid = kind == PAYMENT
    discount, points = (dice.below(2) * dice.below(500), dice.below(2) * dice.below(500)) if paid else (0, 0)
    receipt = {"isuStCd": "1", "approvalNo": f"R{dice.letters(8)}"} if paid and dice.below(3) == 0 else None
    return {
        "trType": kind,
        "rcgType": "01" if kind == CHARGE else None,
        "nrNumber": dice.letters(18),
        "trAmount": amount,
        "orgAmount": amount + discount + points,
        "approvalCode": f"{30_000_000 + dice.below(_APPROVALS)}",
        "merchantName": _MERCHANTS[dice.below(len(_MERCHANTS))] if paid else None,
        "bizLicenseNo": f"{dice.below(10**10):010d}" if paid else None,
        "discountAmount": discount,
        "usedPointAmount": points,
        "savedPointAmount": amount // 1_000 if paid else 0,
        # The vendor's spelling.
        "cashReciptInfo": receipt,
        "rechargeCancelable": 1 if kind == CHARGE else 0,
    }
