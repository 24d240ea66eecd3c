"""Konaplate's pages of a history, and which of their rows a walk has not shown yet. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from graph.konaplate.endpoints.transactions import TransactionPage, TransactionRow, TransactionsKey
from graph.konaplate.record import first_fault
from graph.konaplate.transaction_cursors import MAX_DIGESTS, WalkPosition, digest, identity, time_of

if TYPE_CHECKING:
    from graph.konaplate.transaction_history import HistoryKey

Load: TypeAlias = Callable[[TransactionsKey], Awaitable[TransactionPage]]
"""Loads one of Konaplate's pages."""

MAX_ROWS: Final = 100_000
"""No page after that many rows is read, whatever `totalPages` says."""
# Sibling APIs document 1000 as the last page.
_MAX_PAGE: Final = 1000


class Seen(msgspec.Struct, frozen=True, dict=True):
    """A row of a page."""

    row: TransactionRow
    offset: int
    """How many rows precede it if all pages before are full."""

    @cached_property
    def time(self) -> int | None:
        """See `time_of`."""
        return time_of(self.row)


class Pages:
    """Pages of one size that follow each other.

    Args:
        key: what is asked for.
        place: tells the days.
        size: of the pages.
        first: the number of the first page.
    """

    def __init__(self, key: HistoryKey, place: WalkPosition, size: int, first: int) -> None:
        self._key = key
        self._days = [str(day).replace("-", "") for day in (place.since, place.until)]
        self.size = size
        self._next = first
        self.start = first * size
        """How many rows precede the first page."""
        self.rows: list[Seen] = []
        self.more = False
        """Whether there are pages after the last one that was read."""
        self.full = False
        """Whether the last page has as many rows as were asked for."""
        self.as_of = 0

    @property
    def end(self) -> int:
        """How many rows precede the page that would be read next."""
        return self._next * self.size

    async def read_next(self, load: Load) -> None:
        """Read another page.

        Raises:
            InvalidFieldError: it has no readable list of rows.
            KonaplateError: of `load`.
        """
        key, (since, until) = self._key, self._days
        page = await load(
            TransactionsKey(
                par=key.par,
                user_id=key.user_id,
                start_date=since,
                end_date=until,
                tr_type=key.tr_type,
                include_previous_card=key.include_previous_card,
                page=self._next,
                page_size=self.size,
            )
        )
        rows = _rows(page)
        self.rows += [Seen(row, offset) for offset, row in enumerate(rows, self.end)]
        self._next += 1
        self.full = len(rows) >= self.size
        total = _total_pages(page)
        if total is not None and rows and total < self._next:
            # It denies the page that it came with.
            total = None
        self.more = (self.full if total is None else self._next < total) and self.end < MAX_ROWS
        self.as_of = page.as_of


def new_rows(seen: list[Seen], place: WalkPosition) -> tuple[list[Seen], bool]:
    """The rows that a walk has not passed, each once, and whether it has passed the first row of all."""
    new, has_passed_first = seen, False
    if place.time is not None or place.untimed:
        known = _known(seen, place)
        passed = _before_known(seen, place, known) if known else _later(seen, place)
        new = [each for each, is_passed in zip(seen, passed, strict=True) if not is_passed]
        has_passed_first = passed[0] if passed else False
    # Konaplate may send a row twice, and rows may shift between two pages. Different numbers are different rows.
    if len({each.row.nr_number for each in new}) < len(new):
        unique: dict[str, Seen] = {}
        for each in new:
            unique.setdefault(identity(each.row, each.time), each)
        new = list(unique.values())
    return new, has_passed_first


def place_after(place: WalkPosition, shown: list[Seen], index: int) -> WalkPosition:
    """The place after one of the rows that were shown from a place."""
    before = shown[: index + 1]
    timed = [each for each in reversed(before) if each.time is not None]
    time = timed[0].time if timed else place.time
    equal = [digest(each.row, each.time) for each in takewhile(lambda each: each.time == time, timed)]
    if len(equal) == len(timed) and time == place.time:
        equal += place.equal
    untimed = [digest(each.row, None) for each in before if each.time is None]
    return WalkPosition(
        place.since,
        place.until,
        offset=shown[index].offset + 1,
        time=time,
        equal=tuple(equal[:MAX_DIGESTS]),
        untimed=(*place.untimed, *untimed)[-MAX_DIGESTS:],
    )


def _known(seen: list[Seen], place: WalkPosition) -> set[int]:
    """Where the rows are whose digests the cursor holds."""
    known: set[int] = set()
    for index, each in enumerate(seen):
        digests = place.untimed if each.time is None else place.equal if each.time == place.time else ()
        if digests and digest(each.row, each.time) in digests:
            known.add(index)
    return known


def _before_known(seen: list[Seen], place: WalkPosition, known: set[int]) -> list[bool]:
    """Which rows the walk has passed, by their position: those before a known one, unless their time is the same.

    Positions hold even where Konaplate should not sort by time. But it may change the order of rows of equal time.
    """
    last = max(known)
    all_known = len(place.equal) < MAX_DIGESTS
    return [
        index in known or (index < last and not (all_known and each.time is not None and each.time == place.time))
        for index, each in enumerate(seen)
    ]


def _later(seen: list[Seen], place: WalkPosition) -> list[bool]:
    """Which rows the walk has passed, by time. A row without one has that of the next row."""
    passed: list[bool] = []
    time: int | None = None
    for each in reversed(seen):
        time = each.time if each.time is not None else time
        passed.append(place.time is not None and time is not None and time > place.time)
    return passed[::-1]


def overlapping(offset: int, width: int) -> tuple[int, int]:
    """Return (page size, page number): the smallest page with the row before `offset` and `width` rows from it.

    At the start of a history, where no row is before, it is the first page of `width` rows.
    """
    if offset == 0:
        return width, 0
    size = max(width + 1, -(-offset // _MAX_PAGE))
    while ((offset - 1) // size + 1) * size < offset + width:
        size += 1
    return size, (offset - 1) // size


def _rows(page: TransactionPage) -> list[TransactionRow]:
    rows = page.transaction_info
    fault = first_fault(rows) or first_fault(*(rows or ()))
    if fault:
        # A walk over what is left would count wrong.
        raise fault
    return rows or []


def _total_pages(page: TransactionPage) -> int | None:
    response = page.page_response
    total = None if response is None or first_fault(response) else response.total_pages
    return None if first_fault(total) else total
