"""A walk over a card's history. No I/O.

Konaplate numbers its pages. A row that comes in moves all older ones back, and one that vanishes moves them
forward. So a page that continues a walk overlaps what was shown. Rows that the walk has passed are left out; if it
has passed none of the page, it looks further back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.konaplate.transaction_cursors import Cursors, WalkPosition
from graph.konaplate.transaction_history import (
    DEFAULT_MAX_DAYS,
    MAX_FIRST,
    HistoryKey,
    TransactionHistory,
    TransactionPageInfo,
    check_arguments,
    days,
)
from graph.konaplate.transaction_pages import Load, Pages, Seen, new_rows, overlapping, place_after
from graph.konaplate.view import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from graph.konaplate.view import Sealer

MAX_CALLS: Final = 3
"""Calls for one part of a history. If they do not fill it, the client goes on from its end cursor."""
MAX_FRUITLESS_CALLS: Final = 99
"""A walk ends after that many calls in a row without a new transaction, whatever `totalPages` says."""


async def walk(
    key: HistoryKey, load: Load, sealer: Sealer, *, today: date, max_days: int = DEFAULT_MAX_DAYS
) -> TransactionHistory:
    """Read a part of a card's history with at most `MAX_CALLS` calls, and with one if nothing has shifted.

    A walk shows no transaction twice, and leaves none out that was there all the time. If rows vanish between the
    calls for one part, or while the walk passes pages that Konaplate does not fill, it may miss that many.

    Args:
        key: what is asked for.
        load: loads one of Konaplate's pages.
        sealer: the viewer's.
        today: by Konaplate's clock (Asia/Seoul).
        max_days: the largest difference between the first day and the last one.

    Raises:
        ArgumentError: before any call.
        InvalidFieldError: a page has no readable list of transactions.
        KonaplateError: of `load`.
    """
    check_arguments(key, today, max_days)
    cursors = _cursors(key, sealer)
    place = WalkPosition(*days(key, today, max_days)) if key.after is None else cursors.opened(key.after)
    if place is None:
        raise ArgumentError("`after` is not a cursor of this card with these arguments")
    return _history(key, place, await _found(key, place, load), cursors)


def _cursors(key: HistoryKey, sealer: Sealer) -> Cursors:
    # Days as they are given, because a default day is another one tomorrow.
    since, until = (str(day or "") for day in (key.since, key.until))
    return Cursors(sealer, key.par.reveal(), f"{key.include_previous_card} {since} {until} {key.tr_type or ''}")


class _Part(NamedTuple):
    """A part of a history."""

    rows: list[Seen]
    has_next: bool
    following: WalkPosition
    """Where a part without rows goes on."""
    as_of: int


async def _found(key: HistoryKey, place: WalkPosition, load: Load) -> _Part:
    """Read what follows a place."""
    # Where the calls before found nothing, larger steps may.
    width = MAX_FIRST if place.fruitless else key.first
    if place.size:
        pages = Pages(key, place, place.size, place.offset // place.size)
    else:
        pages = Pages(key, place, *overlapping(place.offset, width))
    for calls in range(1, MAX_CALLS + 1):
        await pages.read_next(load)
        rows, overlaps = new_rows(pages.rows, place)
        # Rows that were shown may have vanished, and rows that follow the place moved to earlier pages.
        lost = not (overlaps or pages.start == 0 or place.size)
        if not lost and (len(rows) >= key.first or not pages.more):
            break
        if lost and calls < MAX_CALLS:
            pages = Pages(key, place, *overlapping(_back(pages), MAX_FIRST))
    if lost:
        rows, following = [], place._replace(offset=_back(pages), size=0)
    else:
        # After a page that is not full, no overlap can be expected.
        following = place._replace(offset=pages.end, size=0 if pages.full else pages.size)
    following = following._replace(fruitless=place.fruitless + calls)
    has_next = lost or len(rows) > key.first or pages.more
    return _Part(
        rows[: key.first],
        has_next and (bool(rows) or following.fruitless < MAX_FRUITLESS_CALLS),
        following,
        pages.as_of,
    )


def _back(pages: Pages) -> int:
    return max(0, pages.start - MAX_FIRST + 1)


def _history(key: HistoryKey, place: WalkPosition, part: _Part, cursors: Cursors) -> TransactionHistory:
    """The connection of a part. Its cursors are made when they are read."""
    rows = part.rows

    def cursor_of(index: int) -> str:
        return cursors.made(place_after(place, rows, index))

    page_info = TransactionPageInfo(has_next_page=part.has_next, has_previous_page=key.after is not None)
    start: Callable[[], str] | None = None
    end: Callable[[], str] | None = None
    if rows:
        start, end = partial(cursor_of, 0), partial(cursor_of, len(rows) - 1)
    elif part.has_next:
        end = partial(cursors.made, part.following)
    page_info.__dict__.update(start_cursor=start, end_cursor=end)
    history = TransactionHistory([seen.row for seen in rows], page_info, as_of=part.as_of)
    history.__dict__["cursor_of"] = cursor_of
    return history
