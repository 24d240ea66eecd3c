"""Single values as Konaplate sends them: numbers, days and times. No I/O."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from graph.konaplate.protocol import KST

T = TypeVar("T")

DAY: Final = len("yyyyMMdd")
SECOND: Final = len("yyyyMMddHHmmss")

_MAX_EXACT_FLOAT: Final = 2**53
_MAX_TIME: Final = 10**17 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
# yyyyMMdd, yyyyMMddHHmmss and yyyyMMddHHmmssSSS.
_TIME: Final = re.compile(r"\d{8}(([01]\d|2[0-3])\d{4}(\d{3})?)?", re.ASCII)


def korean_day() -> date:
    """Today by Konaplate's clock."""
    return datetime.now(KST).date()


class UnfitError(ValueError):
    """A value that contradicts its field's documentation. Does not contain the value."""


def of_class(wanted: type[T], value: Any) -> T:
    """A value of a class.

    Raises:
        UnfitError: it is of another one.
    """
    if not isinstance(value, wanted):
        raise UnfitError
    return value


def whole(value: Any, largest: int) -> int:
    """A whole number from 0 to `largest`, also written as digits in a string or with a fraction of zero.

    Raises:
        UnfitError: it is none.
    """
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    # A fraction or an exponent above what a float holds exactly may have been rounded by the sender.
    if isinstance(value, Decimal) and 0 <= value <= min(largest, _MAX_EXACT_FLOAT) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise UnfitError
    return value


def time_of(value: Any, least: int) -> datetime:
    """A time by Konaplate's clock, from a string or a number of 8, 14 or 17 digits.

    Args:
        value: what was sent.
        least: the fewest digits: `DAY` or `SECOND`.

    Raises:
        ValueError: it is none, or a day that does not exist.
    """
    digits = value if isinstance(value, str) else str(whole(value, _MAX_TIME))
    if len(digits) < least or not _TIME.fullmatch(digits):
        raise UnfitError
    day, time, fraction = digits[:DAY], digits[DAY:SECOND] or "000000", digits[SECOND:] or "000"
    # With the offset of `KST`, because `replace` costs as much as all of the rest.
    return datetime.fromisoformat(f"{day}T{time}.{fraction}+0900")
