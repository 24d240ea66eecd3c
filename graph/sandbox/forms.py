"""What the fields of a request must look like, as the vendor documents them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graph.sandbox.faults import RefusedCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INVALID_INPUT: Final = "000_002"
MISSING_VALUE: Final = "000_003"
WRONG_LENGTH: Final = "000_015"
UNKNOWN_FIELD: Final = "020_001"

_DAY: Final = re.compile(r"\d{8}", re.ASCII)


class Form(NamedTuple):
    """The form of one field."""

    accepts: Callable[[Any], bool]
    size: int | None = None
    """The exact length of a string."""
    required: bool = False


def check(request: Mapping[str, Any], forms: Mapping[str, Form]) -> None:
    """Check that the fields of a request have their forms, and that there are no others.

    Raises:
        RefusedCallError: names the first field that has not.
    """
    for name, form in forms.items():
        value = request.get(name)
        if value is None:
            if form.required:
                raise RefusedCallError(MISSING_VALUE, f"Missing required values. {name}")
        elif form.size is not None and isinstance(value, str) and value and len(value) != form.size:
            raise RefusedCallError(WRONG_LENGTH, f"The length does not match. {name}")
        elif not form.accepts(value):
            raise RefusedCallError(INVALID_INPUT, f"Invalid input parameter. {name}")
    if not request.keys() <= forms.keys():
        raise RefusedCallError(UNKNOWN_FIELD, "A field is not documented.")


def text(most: int, least: int = 1) -> Form:
    """A string of so many characters."""
    return Form(lambda value: isinstance(value, str) and least <= len(value) <= most)


def exactly(size: int, *, required: bool = False) -> Form:
    """A string of exactly so many characters."""
    return Form(lambda value: isinstance(value, str) and len(value) == size, size, required)


def whole(least: int, most: int) -> Form:
    """A whole number."""
    # By exact type, because bool is a subclass of int.
    return Form(lambda value: type(value) is int and least <= value <= most)


def one_of(*words: str) -> Form:
    """One of some words."""
    return Form(lambda value: isinstance(value, str) and value in words)


def day() -> Form:
    """A required day, `yyyyMMdd`."""
    return Form(_is_day, len("yyyyMMdd"), required=True)


def within(forms: Mapping[str, Form]) -> Form:
    """An object with fields of its own."""

    def accepts(value: object) -> bool:
        if not isinstance(value, dict):
            return False
        try:
            check(value, forms)
        except RefusedCallError:
            return False
        return True

    return Form(accepts)


FLAG: Final = Form(lambda value: isinstance(value, bool))


def _is_day(value: object) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        datetime.strptime(value, "%Y%m%d")  # noqa: DTZ007 - only whether there is such a day
    except ValueError:
        return False
    return True
