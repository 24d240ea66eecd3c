"""Label values that cannot grow without bound, whatever callers and the upstream send."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.errors import CODES, FAMILIES, SUCCESS
from graph.telemetry.metrics import OTHER
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from graph.http.report import RequestReport
    from graph.konaplate.endpoint import Endpoint

ANONYMOUS: Final = "anonymous"
"""Of an operation without a name, or of a request that was refused before it was known."""
OK: Final = "OK"

MOST_NAMES: Final = 50
"""How many names of operations get a label besides those of trusted documents."""
_MOST_OF_A_MEMBER: Final = 10
UNUSED_SECONDS: Final = 3_600
"""After how long an unused name gives its place to another one."""
# No run of digits that could be a part of a card number, and no essay.
_HARMLESS: Final = re.compile(r"(?!\w*\d{4})[A-Za-z_]\w{0,63}", re.ASCII)

FAULTS: Final = frozenset(
    code.value
    for code in (
        ErrorCode.INTERNAL_SERVER_ERROR,
        ErrorCode.OVERLOADED,
        ErrorCode.AUDIT_UNAVAILABLE,
        *(code for code in ErrorCode if code.name.startswith("UPSTREAM_")),
    )
)
"""Codes of what is no caller's fault."""


@dataclass(slots=True)
class _Name:
    member: str | None
    used: float


class OperationNames:
    """Names of operations as label values. Callers choose them, so that only so many get a label of their own.

    Those of trusted documents always do. Any other needs a request that has succeeded but for what is no caller's
    fault, and gives its place to a new one when nobody has used it for a while.

    Args:
        on_forgotten: told of each name that is no label any more.
        most: how many names get a label besides the trusted ones.
        each: how many of them one member may bring, so that nobody takes all.
        clock: seconds.
    """

    def __init__(
        self,
        on_forgotten: Callable[[str], None],
        *,
        most: int = MOST_NAMES,
        each: int = _MOST_OF_A_MEMBER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_forgotten = on_forgotten
        self._most = most
        self._each = each
        self._clock = clock
        self._trusted: frozenset[str] = frozenset()
        self._others: dict[str, _Name] = {}

    def trust(self, names: frozenset[str]) -> None:
        """Take these for the names of the trusted documents."""
        gone, self._trusted = self._trusted - names, names
        for name in gone:
            self._on_forgotten(name)
        for name in names:
            self._others.pop(name, None)

    def label(self, report: RequestReport) -> str:
        """The label value of a request's operation."""
        name = report.operation
        if name is None:
            return ANONYMOUS
        if name in self._trusted:
            return name
        known = self._others.get(name)
        if known is None:
            return name if self._admit(name, report) else OTHER
        known.used = self._clock()
        return name

    def _admit(self, name: str, report: RequestReport) -> bool:
        # Who has gone has got no answer, though no error either. In an outage of the upstream everything fails.
        answered = report.status == HTTPStatus.OK and FAULTS.issuperset(report.codes)
        if report.viewer is None or not answered or not _HARMLESS.fullmatch(name):
            return False
        if self._trusted and report.viewer_id is None:
            return False
        member = report.viewer_id if report.viewer == "member" else None
        if not self._has_place(member):
            self._forget_unused()
            if not self._has_place(member):
                return False
        self._others[name] = _Name(member, self._clock())
        return True

    def _has_place(self, member: str | None) -> bool:
        brought = sum(known.member == member for known in self._others.values())
        return len(self._others) < self._most and (member is None or brought < self._each)

    def _forget_unused(self) -> None:
        oldest = self._clock() - UNUSED_SECONDS
        for name in [name for name, known in self._others.items() if known.used <= oldest]:
            del self._others[name]
            self._on_forgotten(name)


def request_code(codes: Sequence[str]) -> str:
    """The one code of a request: of several errors, one that is no caller's fault goes before the others."""
    if not codes:
        return OK
    return next((code for code in codes if code in FAULTS), codes[0])


class VendorCodes:
    """The vendor's codes as label values: documented ones, and others by the first digits of their family.

    Args:
        endpoints: what can be called, each with the codes of its own.
    """

    def __init__(self, endpoints: Iterable[Endpoint[Any, Any]]) -> None:
        self._known = {SUCCESS, *CODES, *(code for endpoint in endpoints for code in endpoint.codes)}

    def label(self, code: str | None) -> str:
        """The label value of a code."""
        if code is None:
            return "none"
        if code in self._known:
            return code
        return f"{code[:4]}*" if code[:4] in FAMILIES else OTHER
