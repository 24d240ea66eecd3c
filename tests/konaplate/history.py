"""A card's history at Konaplate, which changes while somebody walks over it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graph.konaplate.endpoints.transactions import TransactionPage
from graph.konaplate.transaction_history import HistoryKey
from graph.konaplate.transaction_walk import walk
from graph.security.handles import Handles
from schema.secrets import Credential, MemberId, Par
from tests.konaplate.support import DETAILS

if TYPE_CHECKING:
    from graph.konaplate.endpoints.transactions import TransactionRow, TransactionsKey
    from graph.konaplate.transaction_history import TransactionHistory

TODAY: Final = date(2026, 11, 27)
KEY: Final = HistoryKey(
    par=Par("Q1HZ28RKA1EBL470G9XYG90R5D3E"[:27]),
    user_id=MemberId("1001"),
    since=None,
    until=None,
    tr_type=None,
    include_previous_card=False,
    first=20,
    after=None,
)
_START: Final = datetime(2026, 11, 20)  # noqa: DTZ001 - by Konaplate's clock, as it sends it
_HANDLES: Final = Handles([Credential("a secret of thirty-two characters!")])


class ViewerSealer:
    """Seals for one viewer."""

    def __init__(self, viewer: str = "kim") -> None:
        self._viewer = viewer

    def seal(self, clear: bytes, *bound: str) -> str:
        return _HANDLES.seal(clear, self._viewer, *bound)

    def unseal(self, text: str, *bound: str) -> bytes | None:
        return _HANDLES.unseal(text, self._viewer, *bound)


class Entry(NamedTuple):
    """A transaction."""

    number: int
    """Unique. A cancel has the `nrNumber` of an even number before."""
    minute: int | None
    """When it was approved; None for a row without a time."""
    hidden: bool = False
    """Whether Konaplate filters it out after it has cut the pages."""

    @property
    def wire(self) -> dict[str, Any]:
        cancel = self.number % 2 == 1
        return {
            "nrNumber": f"{self.number - cancel:018}",
            "authCancelType": "CANCEL" if cancel else "AUTH",
            "approvalDateTime": None
            if self.minute is None
            else f"{_START + timedelta(minutes=self.minute):%Y%m%d%H%M%S}",
            "trAmount": self.number,
            "merchantName": "가게",
        }


class History:
    """Answers as Konaplate does: newest first, rows of equal time in a fixed order.

    Args:
        counts_pages: whether answers hold `pageResponse`.
        largest_page: no page has more rows, whatever is asked for.
    """

    def __init__(
        self, entries: list[Entry] | None = None, *, counts_pages: bool = True, largest_page: int = 1000
    ) -> None:
        self._entries = entries or []
        self._counts_pages = counts_pages
        self._largest_page = largest_page
        self.keys: list[TransactionsKey] = []
        """Of the calls."""
        self.between_calls: list[Entry] = []
        """One of them comes in after each call."""

    @classmethod
    def of(cls, length: int) -> History:
        """Transactions with numbers that count down to 0, one a minute."""
        return cls([Entry(2 * index, index) for index in range(length)])

    def __repr__(self) -> str:
        return f"History({self._entries}, {self._counts_pages}, {self._largest_page})"

    @property
    def entries(self) -> list[Entry]:
        """Newest first, without a time last."""
        return sorted(
            self._entries,
            key=lambda entry: (-1 if entry.minute is None else entry.minute, entry.number),
            reverse=True,
        )

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def remove(self, entry: Entry) -> None:
        self._entries.remove(entry)

    async def load(self, key: TransactionsKey) -> TransactionPage:
        self.keys.append(key)
        size = min(key.page_size, self._largest_page)
        entries = self.entries
        page = entries[key.page * size : (key.page + 1) * size]
        total = -(-len(entries) // size)
        answer: dict[str, Any] = {"transactionInfo": [entry.wire for entry in page if not entry.hidden]}
        if self._counts_pages:
            answer["pageResponse"] = {"page": key.page, "totalPages": total}
        if self.between_calls:
            self.add(self.between_calls.pop())
        return TransactionPage.read(answer, DETAILS)


async def part(history: Any, key: HistoryKey = KEY, viewer: str = "kim", **changes: Any) -> TransactionHistory:
    """A part of a history; the changes are fields of the key."""
    return await walk(key._replace(**changes), history.load, ViewerSealer(viewer), today=TODAY)


def numbers(rows: list[TransactionRow]) -> list[int]:
    """The numbers of entries."""
    return [row.tr_amount for row in rows if row.tr_amount is not None]
