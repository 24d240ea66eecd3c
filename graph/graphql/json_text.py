"""Parses clients' JSON strictly: only what all parsers read alike.

Of duplicate names in an object, orjson silently takes the last value, and other parsers the first (RFC 8259
section 4). So Python's parser, which can check the names, reads the text again, unless orjson would write exactly
the same text, as it does for the output of `JSON.stringify`.
"""

from __future__ import annotations

import codecs
import json
from typing import Any, Final

import orjson

from graph.errors import GatewayError
from graph.graphql.errors import refused
from graph.redact import safe_name
from schema.errors import ErrorCode


class _DuplicateNameError(Exception):
    """Two members of an object have the same name."""


def _check_names(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        raise _DuplicateNameError


# `parse_int`: Python refuses long integers, of which orjson makes floats.
_NAMES: Final = json.JSONDecoder(object_pairs_hook=_check_names, parse_int=float)


def read_json(text: bytes, what: str) -> Any:
    """Parse a JSON text in UTF-8, ignoring its byte order mark (RFC 8259 section 8.1).

    Args:
        text: as it was sent.
        what: the subject of error messages.

    Raises:
        GatewayError: `BAD_REQUEST`, when it is not JSON, an object has duplicate names, a number is out of range,
            or it is nested too deeply.
        DocumentError: `BAD_USER_INPUT`, when a lone surrogate is all that is wrong.
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    # `from None` below: the causes quote the text.
    try:
        value = orjson.loads(text)
        if not _is_plain(value, text):
            _NAMES.decode(text.decode("utf-8"))
    except json.JSONDecodeError:
        raise _fault(text, what) from None
    except _DuplicateNameError:
        raise GatewayError(ErrorCode.BAD_REQUEST, f"{what} gives a name twice in one object.") from None
    except RecursionError:
        raise _too_deep(what) from None
    return value


def _is_plain(value: Any, text: bytes) -> bool:
    try:
        return orjson.dumps(value) == text
    except orjson.JSONEncodeError:
        # Nested more deeply than orjson writes.
        return False


def has_lone_surrogate(text: str) -> bool:
    """Whether a string contains half of a surrogate pair, which is no character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def lone_surrogate(what: str) -> Exception:
    """Make the error of such a string."""
    return refused(ErrorCode.BAD_USER_INPUT, f"{what} holds half of a surrogate pair, which is no character.")


def _too_deep(what: str) -> GatewayError:
    return GatewayError(ErrorCode.BAD_REQUEST, f"{what} is nested too deeply.")


def _fault(text: bytes, what: str) -> Exception:
    """Return the error of JSON that orjson refuses."""
    try:
        # `parse_constant`: refuses NaN and Infinity, which are not JSON.
        value = json.loads(text.decode("utf-8", "surrogatepass"), parse_int=float, parse_constant=int)
        if not _is_finite(value):
            return GatewayError(ErrorCode.BAD_REQUEST, f"{what} holds a number that is out of range.")
        if has_lone_surrogate(json.dumps(value, ensure_ascii=False)):
            return lone_surrogate(_holder(value) or what)
    except RecursionError:
        return _too_deep(what)
    except ValueError:
        # Not JSON, as orjson said.
        pass
    return GatewayError(ErrorCode.BAD_REQUEST, f"{what} is not JSON.")


def _is_finite(value: object) -> bool:
    """Whether no number is beyond the range that is read (RFC 8259 section 6), where Python has an infinity."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _holder(parameters: object) -> str | None:
    """Name the parameter or variable with a lone surrogate, if its own name has none."""
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if has_lone_surrogate(json.dumps(value, ensure_ascii=False)) and not has_lone_surrogate(name):
            inner = _holder(value) if name == "variables" else None
            return inner or f"The value of '{safe_name(name)}'"
    return None
