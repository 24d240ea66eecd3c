"""Cursors of a card's history: where a walk stands, sealed for one viewer, card and filter. No I/O."""

from __future__ import annotations

import struct
from datetime import date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.konaplate.errors import InvalidFieldError
from graph.konaplate.record import Record, record_fields
from schema.secrets import Secret

if TYPE_CHECKING:
    from graph.konaplate.endpoints.transactions import TransactionRow
    from graph.konaplate.view import Sealer

MAX_DIGESTS: Final = 100
"""The most digests of either kind. If more rows have one time stamp, their position tells which were shown."""

_DIGEST_BYTES: Final = 6
_VERSION: Final = 2
# The version, the size, fruitless calls, the two days, the offset, the time, and the number of its digests.
_HEAD: Final = struct.Struct(">BHBIIIqB")
_NO_TIME: Final = -(2**63)


class WalkPosition(NamedTuple):
    """Where a walk stands: after which rows, and where these are likely to be."""

    since: date
    """The first day of the walk."""
    until: date
    """The last one. It stays the same when the walk goes on tomorrow."""
    offset: int = 0
    """How many rows preceded the next one when this was read."""
    time: int | None = None
    """The time of the last row with one, in milliseconds since 1970 (UTC). Later rows were shown or are new."""
    equal: tuple[bytes, ...] = ()
    """The digests of the rows of that time that were shown, at most `MAX_DIGESTS`, the last one first."""
    untimed: tuple[bytes, ...] = ()
    """The digests of the rows without a time that were shown, at most the last `MAX_DIGESTS`."""
    fruitless: int = 0
    """The calls since the last row."""
    size: int = 0
    """The size of the pages to go on with at `offset`, without an overlap; 0 for an overlap."""


class Cursors:
    """Makes and opens the cursors of one viewer, card and filter."""

    def __init__(self, sealer: Sealer, *bound: str) -> None:
        self._sealer = sealer
        self._bound = ("transactions", *bound)

    def made(self, place: WalkPosition) -> str:
        """The cursor of a place: ASCII letters."""
        since, until, offset, time, equal, untimed, fruitless, size = place
        head = _HEAD.pack(
            _VERSION,
            size,
            fruitless,
            since.toordinal(),
            until.toordinal(),
            offset,
            _NO_TIME if time is None else time,
            len(equal),
        )
        return self._sealer.seal(head + b"".join(equal + untimed), *self._bound)

    def opened(self, cursor: str) -> WalkPosition | None:
        """The place of a cursor; None for any string that is not a cursor of this viewer, card and filter."""
        clear = self._sealer.unseal(cursor, *self._bound)
        # Another release may have another form.
        if clear is None or clear[0] != _VERSION:
            return None
        _, size, fruitless, since, until, offset, time, count = _HEAD.unpack_from(clear)
        starts = range(_HEAD.size, len(clear), _DIGEST_BYTES)
        digests = tuple(clear[start : start + _DIGEST_BYTES] for start in starts)
        return WalkPosition(
            date.fromordinal(since),
            date.fromordinal(until),
            offset,
            None if time == _NO_TIME else time,
            digests[:count],
            digests[count:],
            fruitless,
            size,
        )


def time_of(row: TransactionRow) -> int | None:
    """When a transaction was approved, in milliseconds since 1970 (UTC)."""
    time = row.approval_date_time
    return round(time.timestamp() * 1000) if isinstance(time, datetime) else None


def identity(row: TransactionRow, time: int | None) -> str:
    """What tells a row from all others: number, kinds, amount and time, or all of it if one is missing.

    No field alone is unique: a cancel has the number of what it cancels. Others may change from page to page.
    """
    number, kind = row.nr_number, row.auth_cancel_type
    # An empty number tells nothing.
    if number and number.__class__ is str and kind.__class__ is str and time is not None:
        return f"{number}\0{kind}\0{time}\0{_spelled(row.tr_type)}\0{_spelled(row.tr_amount)}"
    return _spelled(row)


def digest(row: TransactionRow, time: int | None) -> bytes:
    """A row's identity in a cursor."""
    return blake2b(identity(row, time).encode(), digest_size=_DIGEST_BYTES).digest()


def _spelled(value: object) -> str:
    if isinstance(value, Record):
        return "\0".join(_spelled(getattr(value, field.name)) for field in record_fields(type(value)))
    if isinstance(value, InvalidFieldError):
        return "?"
    return value.reveal() if isinstance(value, Secret) else str(value)
