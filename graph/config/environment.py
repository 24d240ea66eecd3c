"""From variables and the files that they name to the raw values of settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graph.files import UnreadableFileError, read_text, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_QUOTES: Final = frozenset({'""', "''", "``", "\u201c\u201d", "\u2018\u2019"})
_BYTE_ORDER_MARK: Final = "\ufeff"


def variable(field: str) -> str:
    """The name of a field's variable."""
    return field.upper()


def read_values(fields: Iterable[str], environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The raw values, and the problems of those that are set but cannot be had, both by field name.

    An empty variable is as good as none: compose files make them.
    """
    values: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for field in fields:
        try:
            value = _value(environment, variable(field))
        except ValueError as error:
            unread[field] = str(error)
        else:
            if value:
                values[field] = value
    return values, unread


def _value(environment: Mapping[str, str], name: str) -> str:
    """The text of a variable or of its file; empty for none."""
    direct, path = _text(environment, name), _text(environment, f"{name}_FILE")
    if not path:
        return direct
    if direct:
        raise ValueError(f"{name} and {name}_FILE are both set")
    try:
        content = read_text(Path(path)).strip()
    except UnreadableFileError as error:
        raise ValueError(f"{name}_FILE {unreadable(error)}") from None
    if not content:
        raise ValueError(f"{name}_FILE names an empty file")
    return _without_quotes(f"{name}_FILE names a file whose content", content)


def _text(environment: Mapping[str, str], name: str) -> str:
    # Files of variables that were written on another system leave such marks behind.
    text = environment.get(name, "").strip().removeprefix(_BYTE_ORDER_MARK).strip()
    return _without_quotes(name, text)


def _without_quotes(what: str, text: str) -> str:
    if len(text) > 1 and text[0] + text[-1] in _QUOTES:
        # They are not taken away: whether they belong to the value cannot be known.
        raise ValueError(f"{what} is in quotes, which would be part of the value")
    return text
