"""Label values that cannot grow without bound, whatever callers and the upstream send."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from graph.konaplate.errors import CODES, FAMILIES, SUCCESS
from graph.telemetry.families import OTHER
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

ANONYMOUS: Final = "anonymous"
"""Of an operation without a name, or of a request that was refused before it was known."""
OK: Final = "OK"

_MOST_NAMES: Final = 50
# No run of digits that could be a part of a card number, and no essay.
_HARMLESS: Final = re.compile(r"(?!\w*\d{4})[A-Za-z_]\w{0,63}", re.ASCII)

FAULTS: Final = frozenset(
    code.value
    for code in (
        ErrorCode.INTERNAL_SERVER_ERROR,
        ErrorCode.OVERLOADED,
        ErrorCode.UPSTREAM_TIMEOUT,
        ErrorCode.UPSTREAM_UNAVAILABLE,
        ErrorCode.UPSTREAM_REJECTED,
        ErrorCode.UPSTREAM_INVALID_RESPONSE,
        ErrorCode.UPSTREAM_ERROR,
    )
)
"""Codes of what is no caller's fault."""


class OperationNames:
    """Names of operations as label values. Callers choose them, so that only so many get a label of their own.

    Args:
        trusted: the names in the manifest. Where there are any, no other name gets a label.
        most: how many names get one where there is no manifest: those that are seen first.
    """

    def __init__(self, trusted: frozenset[str] = frozenset(), most: int = _MOST_NAMES) -> None:
        self._known = set(trusted)
        self._free = 0 if trusted else most

    def label(self, name: str | None) -> str:
        """The label value of a name."""
        if name is None:
            return ANONYMOUS
        if name in self._known:
            return name
        if self._free and _HARMLESS.fullmatch(name):
            self._free -= 1
            self._known.add(name)
            return name
        return OTHER


def request_code(codes: Sequence[str]) -> str:
    """The one code of a request: of several errors, one that is no caller's fault goes before the others."""
    if not codes:
        return OK
    return next((code for code in codes if code in FAULTS), codes[0])


def vendor_code(code: str | None) -> str:
    """A code of the vendor's; those of a family are known by their first digits only."""
    if code is None:
        return "none"
    if code == SUCCESS or code in CODES:
        return code
    return f"{code[:4]}*" if code[:4] in FAMILIES else OTHER
