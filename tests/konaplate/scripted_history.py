"""Histories that answer what a test says, and walks to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.endpoints.transactions import TransactionPage, TransactionsKey
from tests.konaplate.history import numbers, part
from tests.konaplate.support import DETAILS

if TYPE_CHECKING:
    from graph.konaplate.transaction_history import TransactionHistory


_MAX_PARTS: Final = 2000


class Scripted:
    """Answers from a function of page and size, however wrong."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.keys: list[TransactionsKey] = []

    async def load(self, key: TransactionsKey) -> TransactionPage:
        self.keys.append(key)
        return TransactionPage.read(self._answer(key.page, key.page_size), DETAILS)


def answer_of(rows: list[Any], total_pages: object = None) -> dict[str, Any]:
    return {"pageResponse": {"totalPages": total_pages}, "transactionInfo": rows}


async def parts_of(history: Any, **changes: Any) -> list[TransactionHistory]:
    """All parts of a walk to the end."""
    parts = [await part(history, **changes)]
    while parts[-1].page_info.has_next_page:
        parts.append(await part(history, **{**changes, "after": parts[-1].page_info.end_cursor}))
        assert len(parts) < _MAX_PARTS
    return parts


async def all_numbers(history: Any, **changes: Any) -> list[int]:
    """The rows of a walk to the end."""
    return [number for found in await parts_of(history, **changes) for number in numbers(found.nodes)]
