"""A card's history of transactions, a part at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from graph.konaplate.endpoints.transactions import TRANSACTIONS
from graph.konaplate.transaction_history import HistoryKey, TransactionHistory, check_arguments
from graph.konaplate.transaction_walk import walk
from graph.konaplate.view import Found, View

if TYPE_CHECKING:
    from graph.konaplate.view import LookUps


def _check(key: HistoryKey, look_ups: LookUps) -> None:
    check_arguments(key, look_ups.today, look_ups.max_days)


async def _look_up(key: HistoryKey, look_ups: LookUps) -> Found:
    load = partial(look_ups.load, TRANSACTIONS)
    return Found(await walk(key, load, look_ups, today=look_ups.today, max_days=look_ups.max_days), key)


TRANSACTION_HISTORY: Final = View(
    name="transaction_history",
    key=HistoryKey,
    record=TransactionHistory,
    look_up=_look_up,
    check=_check,
    cost=TRANSACTIONS.cost,
)
