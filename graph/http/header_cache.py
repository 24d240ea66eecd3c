"""Remembers what was worked out from a header field, of which nearly all requests send one of a few forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from graph.redact import holds_card_number

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MAX_ENTRIES: Final = 256
_MAX_BYTES: Final = 256


class Memo(Generic[T]):
    """The results of a pure function of a field's bytes. Only for fields that hold no secrets.

    It stays small: what is long is not kept, what could be a card number neither, and what comes when it is full
    makes it begin anew.

    Args:
        work: the function.
    """

    __slots__ = ("_known", "_work")

    def __init__(self, work: Callable[[bytes], T]) -> None:
        self._work = work
        self._known: dict[bytes, T] = {}

    def __call__(self, value: bytes) -> T:
        """The result for a value."""
        if value in self._known:
            return self._known[value]
        result = self._work(value)
        if len(value) <= _MAX_BYTES and not holds_card_number(value.decode("latin-1")):
            if len(self._known) >= _MAX_ENTRIES:
                self._known.clear()
            self._known[value] = result
        return result
