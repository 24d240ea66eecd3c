"""Konaplate's JSON, read so that one bad value spoils itself and nothing beside it. No I/O.

Numbers are read exactly: as a float, one member's id could be another's (`9007199254740993.0`).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

import msgspec

SPOILED: Final = object()
"""In place of a value that cannot be read; no field may hold it."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAX_DIGITS: Final = 40
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
# Within a string: an escape that there is, or else one that there is not, or a character that needs one.
_ESCAPES: Final = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\.|[\x00-\x1f]', re.DOTALL)
# No text of JSON may hold half of a surrogate pair, so a half can stand for what was broken.
_HALF: Final = "\udc00"
_HALVES: Final = re.compile("[\ud800-\udfff]")


def read_object(body: bytes) -> dict[str, Any] | None:
    """The object that a body holds, with `SPOILED` for each value in it that cannot be read; None without one."""
    try:
        value = _decode(body)
    except RecursionError:
        return None
    # UnicodeDecodeError: msgspec passes it on as it is.
    except (msgspec.MsgspecError, UnicodeDecodeError):
        value = _what_can_be_read(body)
    return value if isinstance(value, dict) else None


def _what_can_be_read(body: bytes) -> Any:
    """Of JSON with broken texts and numbers, all else. Its frame must be sound, or nothing can be relied on."""
    text = body.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    try:
        return _TOLERANT.decode(_STRING.sub(_marked, text))
    except (ValueError, RecursionError):
        return None


def _marked(string: re.Match[str]) -> str:
    return _ESCAPES.sub(lambda found: found[1] or _HALF, string[0])


def _members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: SPOILED if _is_broken(value) else value for name, value in members}


def _is_broken(value: object) -> bool:
    return isinstance(value, str) and _HALVES.search(value) is not None


def _integer(text: str) -> object:
    # Python refuses to read some thousand digits, and no field has nearly as many.
    return int(text) if len(text) <= _MAX_DIGITS else SPOILED


def _decimal(text: str) -> object:
    try:
        return Decimal(text)
    except ArithmeticError:
        return SPOILED


_decode: Final = msgspec.json.Decoder(float_hook=_decimal).decode
_TOLERANT: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_decimal, parse_constant=lambda _name: SPOILED
)
