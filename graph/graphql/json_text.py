"""Reads JSON that callers send: only what all readers read alike.

orjson reads strictly, but of two members with one name it takes the last without a word, where others take the
first (RFC 8259 section 4). So Python's own reader, which can look at the names, goes over the text once more. It
need not where orjson would write the very same text, as it does for what `JSON.stringify` wrote: nothing is lost.
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


class _DoubledNameError(Exception):
    """Two members of an object have one name."""


def _once_each(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        raise _DoubledNameError


# Of long numbers orjson makes floats; Python refuses to read them.
_NAMES: Final = json.JSONDecoder(object_pairs_hook=_once_each, parse_int=float)


def read_json(text: bytes, what: str) -> Any:
    """The value of a JSON text in UTF-8, whose byte order mark is ignored (RFC 8259 section 8.1).

    Args:
        text: as it was sent.
        what: the subject of the sentence that says what is wrong.

    Raises:
        GatewayError: `BAD_REQUEST`, when it is no JSON, or an object has two members of one name.
        DocumentError: `BAD_USER_INPUT`, when it would be JSON, were it not for a half of a surrogate pair.
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    # `from None` below: the causes hold the text.
    try:
        value = orjson.loads(text)
        if not _is_plain(value, text):
            _NAMES.decode(text.decode("utf-8"))
    except json.JSONDecodeError:
        raise _fault(text, what) from None
    except _DoubledNameError:
        raise GatewayError(ErrorCode.BAD_REQUEST, f"{what} gives a name twice in one object.") from None
    except RecursionError:
        raise GatewayError(ErrorCode.BAD_REQUEST, f"{what} is nested too deeply.") from None
    return value


def _is_plain(value: Any, text: bytes) -> bool:
    try:
        return orjson.dumps(value) == text
    except orjson.JSONEncodeError:
        # It is nested deeper than orjson writes.
        return False


def is_half(text: str) -> bool:
    """Whether a text holds a half of a surrogate pair, which stands for no character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def half_character(what: str) -> Exception:
    """The refusal of a text that holds one."""
    return refused(ErrorCode.BAD_USER_INPUT, f"{what} holds half of a surrogate pair, which is no character.")


def _fault(text: bytes, what: str) -> Exception:
    """What is wrong with a text that is no JSON."""
    try:
        value = json.loads(text.decode("utf-8", "surrogatepass"), parse_int=float)
        if is_half(json.dumps(value, ensure_ascii=False)):
            return half_character(_holder(value) or what)
    except (ValueError, RecursionError):
        # As orjson said.
        pass
    return GatewayError(ErrorCode.BAD_REQUEST, f"{what} is not JSON.")


def _holder(parameters: object) -> str | None:
    """The parameter or variable that holds half of a pair, if its name can be told."""
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if is_half(json.dumps(value, ensure_ascii=False)) and not is_half(name):
            inner = _holder(value) if name == "variables" else None
            return inner or f"The value of '{safe_name(name)}'"
    return None
