"""The id of a request: in its response, in every line of the log about it, and in errors."""

from __future__ import annotations

import re
import secrets
import string
from typing import Final

from graph.redact import holds_card_number

_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
# Letters only: with digits one id in a while would look like a card number and be masked in the logs.
_LETTERS: Final = str.maketrans(string.digits, "ghijklmnop")


def new_request_id() -> str:
    """A random id of 32 letters."""
    return secrets.token_hex(16).translate(_LETTERS)


def accepted_request_id(offered: str | None) -> str:
    """The caller's id when it is harmless, so that logs of several systems can be joined; else one of ours."""
    if offered is not None and _ACCEPTED.fullmatch(offered) and not holds_card_number(offered):
        return offered
    return new_request_id()
