"""The id of a request: in its answer, in every line of the log about it, and in errors."""

from __future__ import annotations

import os
import re
import string
from typing import Final

from graph.redact import holds_card_number

_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
# Letters only: with digits one id in a while would look like a card number and be masked in the logs.
_LETTERS: Final = str.maketrans(string.digits, "ghijklmnop")
_BYTES: Final = 16
_AT_ONCE: Final = 64


_spare: list[str] = []
# Else a forked process would give out the same ids as its parent.
os.register_at_fork(after_in_child=_spare.clear)


def new_request_id() -> str:
    """A random id of 32 letters: as many random bits as a UUID has bits, at a fraction of its cost."""
    try:
        return _spare.pop()
    except IndexError:
        # Many at once: nearly all of the cost is the system call.
        letters = os.urandom(_BYTES * _AT_ONCE).hex().translate(_LETTERS)
        _spare.extend(letters[start : start + 2 * _BYTES] for start in range(2 * _BYTES, len(letters), 2 * _BYTES))
        return letters[: 2 * _BYTES]


def accepted_request_id(offered: bytes | None) -> str:
    """The caller's id when it is harmless, so that logs of several systems can be joined; else one of ours."""
    if offered is None:
        return new_request_id()
    text = offered.decode("latin-1")
    return text if _ACCEPTED.fullmatch(text) and not holds_card_number(text) else new_request_id()
