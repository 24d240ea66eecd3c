"""Redaction, the last step before a line is written: every value is harmless, or the event is withheld."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from graph.redact import may_hold_card_number, redact
from schema.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, WrappedLogger

_MAX_DEPTH: Final = 4
# SHA-256 of a document without card numbers. About one hash in twenty-three has thirteen digits in a row.
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Values that this gateway makes, each of a fixed form, which redaction must not take for card numbers.
_OWN_FORMATS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
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
# The smallest number that could be a card number: 13 digits.
_LARGE: Final = 10**12


class CannotRedactError(Exception):
    """A value of a type that is not known to be harmless."""


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Redact every value of an event; an event that cannot be redacted is replaced."""
    try:
        return event if _is_clean(event) else _cleaned(event)
    except Exception:  # noqa: BLE001 - an event that fails must not be written
        return {"event": "event withheld: it could not be redacted", "level": "error"}


def _is_clean(event: EventDict) -> bool:
    """A fast check of the whole event that mostly finds nothing to hide. False alarms only cost time."""
    texts = [*event]
    for name, value in event.items():
        kind = type(value)
        if kind is str:
            # The only one of the forms above that usually looks like a card number.
            if name != "correlation_id" or not _OWN_FORMATS[name].fullmatch(value):
                texts.append(value)
        elif kind is int or kind is float:
            if not -_LARGE < value < _LARGE:
                return False
        elif kind is list or kind is tuple:
            texts += value
        elif value is not None and kind is not bool:
            return False
    try:
        # Joined by a letter, which cannot be part of a card number.
        return not may_hold_card_number("x".join(texts))
    except TypeError:
        # A list with something other than strings.
        return False


def _cleaned(event: EventDict) -> EventDict:
    return {redact(name): _clean_field(name, value) for name, value in event.items()}


def _clean_field(name: str, value: object) -> object:
    own = type(value) is str and name in _OWN_FORMATS and _OWN_FORMATS[name].fullmatch(value)
    return value if own else _clean(value)


def _clean(value: object, depth: int = 0) -> object:
    if depth > _MAX_DEPTH:
        raise CannotRedactError
    match value:
        case str():
            return redact(value)
        case None | bool():
            return value
        case int() | float():
            return value if abs(value) < _LARGE else redact(str(value))
        case Secret():
            return value.masked
        case list() | tuple():
            return [_clean(item, depth + 1) for item in value]
        case dict():
            return {redact(str(name)): _clean(item, depth + 1) for name, item in value.items()}
        case _:
            # The repr of an unknown object may contain anything.
            raise CannotRedactError
