"""How the inquiries that list something answer: filters, pages, and the rows that they know."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.protocol import KST
from graph.sandbox.faults import RefusedCallError
from graph.sandbox.forms import INVALID_INPUT
from graph.sandbox.history import PageBehavior

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.sandbox.history import Entry, History

_A_DAY: Final = timedelta(days=1)
_FIRST_PAGE: Final[Mapping[str, Any]] = MappingProxyType({})
_PROMISED: Final = 3


class SandboxState:
    """What a sandbox keeps between calls: the time that transactions count from, and how many calls there were.

    The time is read once a day, so that transactions keep theirs while somebody walks over the pages of a history.

    Args:
        clock: seconds since 1970, UTC.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._now = self._read()
        self._calls: Counter[str] = Counter()

    def now(self) -> datetime:
        """When the newest transactions were approved; at most a day ago."""
        if self._read() - self._now >= _A_DAY:
            self._now = self._read()
        return self._now

    def count(self, key: str) -> int:
        """Count a call about a key; returns the number of those before it."""
        self._calls[key] += 1
        return self._calls[key] - 1

    def _read(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), KST).replace(microsecond=0)


def cards(row: Mapping[str, Any], request: Mapping[str, Any], _state: SandboxState) -> dict[str, Any]:
    """Answer Search for Card: the member's cards that fit the filters."""
    given = {name: request[name] for name in ("par", "physicalCardNo") if request.get(name) is not None}
    return {"cardDataInfo": [dict(card) for card in row["cardDataInfo"] if given.items() <= card.items()]}


def terms(row: Mapping[str, Any], request: Mapping[str, Any], _state: SandboxState) -> dict[str, Any]:
    """Answer Terms List: those of a kind and place, with titles in the language asked for."""
    given = {name: request[name] for name in ("tcActionType", "viewPositionType") if request.get(name) is not None}
    english = request.get("locale") == "EN"
    return {
        "termsList": [
            {**each, "title": f"Terms of use {each['tcId']}"} if english else dict(each)
            for each in row["termsList"]
            if given.items() <= each.items()
        ]
    }


def transactions(row: Mapping[str, Any], request: Mapping[str, Any], state: SandboxState) -> dict[str, Any]:
    """Answer Checking Transaction History: one page of the transactions that fit the filters.

    Raises:
        RefusedCallError: the dates are in the wrong order, or the card is not the member's.
    """
    if request["startDate"] > request["endDate"]:
        raise RefusedCallError(INVALID_INPUT, "Invalid input parameter. startDate")
    history: History = row["history"]
    if request.get("userId") not in (None, history.user_id):
        raise RefusedCallError("003_021", "Cannot find par")
    now = state.now()
    found = _found(history.after_calls(state.count(request["par"])), request, now)
    asked = request.get("pageRequest") or _FIRST_PAGE
    page, size = asked.get("page") or 0, asked.get("pageSize") or 10
    if asked.get("orderByDirection") != "DESC":
        found = found[::-1]
    total = -(-len(found) // size)
    place = page
    if history.pages is PageBehavior.GAPPED and total > 1:
        total += 1
        place = page - 1 if page > 1 else page
    shown = [] if history.pages is PageBehavior.GAPPED and page == 1 else found[place * size : (place + 1) * size]
    if history.pages is PageBehavior.PROMISING and page == 0:
        total += _PROMISED
    return {
        "pageResponse": {"page": page, "totalPages": total, "numberOfElements": len(shown)},
        "transactionInfo": [_row(entry, now) for entry in shown],
    }


def _found(entries: Sequence[Entry], request: Mapping[str, Any], now: datetime) -> list[Entry]:
    oldest, newest = now - _start(request["startDate"]), now - _start(request["endDate"]) - _A_DAY
    kind, number, previous = request.get("trType"), request.get("nrNumber"), request.get("includePreviousCard")
    return [
        entry
        for entry in entries
        if newest < entry.age <= oldest
        and (not kind or kind == entry.fields["trType"])
        and (number is None or number == entry.fields["nrNumber"])
        and (previous or not entry.before_reissue)
    ]


def _start(day: str) -> datetime:
    return datetime.strptime(day, "%Y%m%d").replace(tzinfo=KST)


def _row(entry: Entry, now: datetime) -> dict[str, Any]:
    approved = now - entry.age
    receipt = entry.fields["cashReciptInfo"]
    dated = None if receipt is None else {**receipt, "approvalDate": f"{approved:%Y%m%d}"}
    return {**entry.fields, "approvalDateTime": f"{approved:%Y%m%d%H%M%S}", "cashReciptInfo": dated}
