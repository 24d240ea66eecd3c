"""A card's history as clients see it: what is asked for, and the records of a connection."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from graph.konaplate.endpoints.transactions import TransactionRow
from graph.konaplate.record import Record
from graph.konaplate.view import ArgumentError
from schema.secrets import MemberId, Par  # noqa: TC001 - the annotations of a key are read at run time

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FIRST: Final = 100
"""Rows that a client may ask for at once."""
DEFAULT_DAYS: Final = 30
"""From the first day to the last one, where no first day is given."""
DEFAULT_MAX_DAYS: Final = 90


class HistoryKey(NamedTuple):
    """Which part of a card's history is asked for. The caller has made sure that the viewer may see the card."""

    par: Par
    user_id: MemberId
    since: date | None
    """The first day; None for `DEFAULT_DAYS` before the last one."""
    until: date | None
    """The last day; None for today."""
    tr_type: str | None
    """`00` to `03`; None for all."""
    include_previous_card: bool
    first: int
    after: str | None
    """A cursor of the same viewer, card, days and filter; None from the start."""


class TransactionHistoryEdge(Record, frozen=True, dict=True):
    """A transaction and its cursor."""

    node: TransactionRow

    @classmethod
    def of(cls, node: TransactionRow, cursor: Callable[[], str]) -> Self:
        """Make the edge whose cursor is made by a function."""
        edge = cls(node)
        edge.__dict__["cursor"] = cursor
        return edge

    @property
    def cursor(self) -> str:
        """Sealed when it is read, because most operations read none."""
        cursor: Callable[[], str] = self.__dict__["cursor"]
        return cursor()


class TransactionPageInfo(Record, frozen=True, dict=True):
    """`PageInfo` of the connections specification: https://relay.dev/graphql/connections.htm."""

    has_next_page: bool
    has_previous_page: bool

    @property
    def start_cursor(self) -> str | None:
        """The first edge's."""
        cursor: Callable[[], str] | None = self.__dict__["start_cursor"]
        return cursor and cursor()

    @property
    def end_cursor(self) -> str | None:
        """The last edge's. A part without edges has one too if there may be more: the search goes on from it."""
        cursor: Callable[[], str] | None = self.__dict__["end_cursor"]
        return cursor and cursor()


class TransactionHistory(Record, frozen=True, dict=True):
    """A part of a card's history, newest first."""

    nodes: list[TransactionRow]
    page_info: TransactionPageInfo

    @property
    def edges(self) -> list[TransactionHistoryEdge]:
        """Made when they are read, because most operations read the nodes."""
        cursor_of: Callable[[int], str] = self.__dict__["cursor_of"]
        return [
            TransactionHistoryEdge.of(node, partial(cursor_of, index)) for index, node in enumerate(self.nodes)
        ]


def check_arguments(key: HistoryKey, today: date, max_days: int) -> None:
    """Check what can be checked without the card: not the cursor, which is bound to it.

    Args:
        key: what is asked for.
        today: by Konaplate's clock (Asia/Seoul).
        max_days: the largest difference between the first day and the last one.

    Raises:
        ArgumentError: an argument is out of range.
    """
    if not 1 <= key.first <= MAX_FIRST:
        raise ArgumentError(f"`first` must be from 1 to {MAX_FIRST}")
    # A cursor has the days of its walk.
    if key.after is None:
        days(key, today, max_days)


def days(key: HistoryKey, today: date, max_days: int) -> tuple[date, date]:
    """The first and the last day of a walk from the start.

    Args:
        key: what is asked for.
        today: by Konaplate's clock (Asia/Seoul).
        max_days: the largest difference between the two.

    Raises:
        ArgumentError: the first day is after the last one, or too long before it.
    """
    until = today if key.until is None else key.until
    since = key.since
    if since is None:
        since = date.min + timedelta(max((until - date.min).days - min(DEFAULT_DAYS, max_days), 0))
    if since > until:
        raise ArgumentError("`from` must not be after `to`, which is today if omitted")
    if (until - since).days > max_days:
        raise ArgumentError(f"`from` and `to` may be at most {max_days} days apart")
    return since, until
