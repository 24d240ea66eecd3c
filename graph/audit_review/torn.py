"""Tells lines that were not finished from what somebody put into an audit log."""

from __future__ import annotations

import re
from typing import Final

from graph.audit_review.files import BEGINNING

_OPENED: Final = BEGINNING + b'opened"'
# In bytes, with room for others before it that had hardly begun.
_LONGEST_OPENED: Final = 1_000
# As often, processes may have been started on a full disk.
_MOST_BEGUN: Final = 100
# Of lines that lack only their breaks, because the disk was full by then.
_MOST_UNBROKEN: Final = 2
_SEALED_WITHIN: Final = re.compile(rb'"mac":"[a-p]{32}"\}.', re.DOTALL)


def is_torn(text: bytes) -> bool:
    """Whether it is a line that was not finished, perhaps after others that had hardly begun."""
    return _is_torn(text, BEGINNING)


def is_torn_start(text: bytes) -> bool:
    """Whether it is the first line of a process."""
    return len(text) <= _LONGEST_OPENED and _is_torn(text, _OPENED)


def _is_torn(text: bytes, beginning: bytes) -> bool:
    """Whether it begins like a line, and was not finished.

    Neither whole lines without their breaks nor a filler in the place of lines are one.
    """
    start = begun = 0
    while (at := text.find(b"{", start + 1)) > 0 and beginning.startswith(text[start:at]):
        start, begun = at, begun + 1
    if begun > _MOST_BEGUN or len(_SEALED_WITHIN.findall(text)) > _MOST_UNBROKEN:
        return False
    return text.startswith(beginning, start) or beginning.startswith(text[start:])
