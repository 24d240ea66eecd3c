"""The last step before a line is written: every value is clean, or the whole event is withheld."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graph.redact import may_hold_card_number, redact
from schema.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from structlog.typing import EventDict, WrappedLogger

_MAX_DEPTH: Final = 4
# SHA-256 of a document without anything like a card number. One in thirty has thirteen digits in a row.
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# What this gateway makes, of a shape of its own.
_OWN: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "address": re.compile(
            r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%[0-9A-Za-z]{1,15})?", re.ASCII
        ),
        # Twelve digits of time, a dash and seven hexadecimal digits.
        "correlation_id": re.compile(r"[0-9]{12}-[0-9a-f]{7}", re.ASCII),
        "document": _HASH,
        "sha256": _HASH,
        "timestamp": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII),
    }
)
# The smallest number that redaction takes for a card number: 13 digits.
_LARGE: Final = 10**12
_SHORT: Final = 13


class CannotRedactError(Exception):
    """A value of a kind that is not known to be harmless."""


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> Mapping[str, Any]:
    """Clean every value of an event; an event that cannot be cleaned is replaced as a whole."""
    try:
        return {redact(name): value if _is_own(name, value) else _clean(value) for name, value in event.items()}
    except Exception:  # noqa: BLE001 - whatever went wrong, the event must not be written
        return {"event": "event withheld: it could not be redacted", "level": "error"}


def is_clean(event: Mapping[str, Any]) -> bool:
    """Whether `redact_event` would change nothing that can be seen in a line. In doubt it is not.

    For events whose fields have names of this code base: names are not looked at.
    """
    for name, value in event.items():
        kind = type(value)
        if kind is str:
            if len(value) >= _SHORT:
                shape = _OWN.get(name)
                if (shape is None or not shape.fullmatch(value)) and may_hold_card_number(value):
                    return False
        elif kind is int or kind is float:
            # Both are false of what is not a number.
            if not -_LARGE < value < _LARGE:
                return False
        elif kind is list or kind is tuple:
            if value and not _are_clean_texts(value):
                return False
        elif value is not None and kind is not bool:
            return False
    return True


def _are_clean_texts(values: Iterable[object]) -> bool:
    return all(type(item) is str and (len(item) < _SHORT or not may_hold_card_number(item)) for item in values)


def _is_own(name: str, value: object) -> bool:
    shape = _OWN.get(name)
    return shape is not None and isinstance(value, str) and shape.fullmatch(value) is not None


def _clean(value: object, depth: int = 0) -> object:
    if depth > _MAX_DEPTH:
        raise CannotRedactError
    match value:
        case None | bool():
            return value
        case str():
            return redact(value)
        case int() | float():
            return value if abs(value) < _LARGE else redact(str(value))
        case Secret():
            return value.masked
        case list() | tuple():
            return [_clean(item, depth + 1) for item in value]
        case dict():
            return {redact(str(name)): _clean(item, depth + 1) for name, item in value.items()}
        case _:
            # A repr of an unknown object may hold anything.
            raise CannotRedactError
