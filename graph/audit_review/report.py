"""Who saw what, by the audit log."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from heapq import merge
from statistics import median
from typing import TYPE_CHECKING, Any, Final, TypeVar

from graph.audit_review.files import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from graph.audit_review.files import Line

V = TypeVar("V")

# A viewer who sees fewer cards is never called a bulk reader.
_FEW_CARDS: Final = 20
# How far above the median a bulk reader is, in median deviations.
_FAR: Final = 10
EVENT: Final = (
    "timestamp",
    "action",
    "what",
    "viewer_kind",
    "viewer_id",
    "viewer_ref",
    "address",
    "clients",
    "card_ref",
    "member_ref",
    "origin",
    "own",
    "fields",
    "clear",
    "masked",
    "code",
    "reason",
    "request_id",
)
"""The fields of an event that are shown."""


@dataclass(slots=True)
class ViewerSummary:
    """What one viewer did."""

    viewer: str
    """The id, or the reference of one that is not shown; the address of a caller without valid credentials."""
    kind: str
    reads: int = 0
    cards: int = 0
    """How many cards of others were shown."""
    own_reads: int = 0
    refusals: str = ""
    """How often which code was given."""
    is_bulk_reader: bool = False
    """Whether the number of cards is far above those of the other viewers."""
    first: str = ""
    last: str = ""


VIEWER: Final = tuple(each.name for each in fields(ViewerSummary))
"""The fields of a viewer."""


@dataclass(slots=True)
class _Count:
    first: str
    last: str = ""
    reads: int = 0
    own_reads: int = 0
    cards: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)


def events_of(
    file: Path,
    since: datetime | None,
    until: datetime | None,
    on_unreadable: Callable[[Line], None] = lambda _line: None,
) -> Iterator[dict[str, Any]]:
    """Read the reads and refusals of an audit log, or of a log that has them among others.

    Args:
        file: of the log.
        since: the first moment, or None.
        until: the first moment that is too late, or None.
        on_unreadable: called for a line of the audit log that is no event, such as a torn one.

    Raises:
        OSError: it cannot be read.
    """
    for line in lines_of(file):
        if b'"konagraph.audit"' not in line.text:
            continue
        event = line.event()
        if not event:
            on_unreadable(line)
        if event.get("action") not in ("read", "refused"):
            continue
        at = _time_of(event)
        if (since is None or (at is not None and at >= since)) and (
            until is None or (at is not None and at < until)
        ):
            yield event


def events_about(
    events: Iterable[Mapping[str, Any]], card_ref: str | None, viewer: str | None
) -> Iterator[Mapping[str, Any]]:
    """Keep the events that tell of a card or a member, and of a viewer; None for any."""
    for event in events:
        about = card_ref in (None, event.get("card_ref"), event.get("member_ref"))
        if about and viewer in (None, event.get("viewer_id"), event.get("viewer_ref")):
            yield event


def viewers_of(events: Iterable[Mapping[str, Any]]) -> list[ViewerSummary]:
    """Sum events up by viewer: bulk readers first, then by the number of cards."""
    # A member and a service may have the same id.
    counts: dict[tuple[str, str], _Count] = {}
    for event in events:
        name = str(event.get("viewer_id") or event.get("viewer_ref") or event.get("address"))
        at, kind = str(event.get("timestamp", "")), str(event.get("viewer_kind", "unknown"))
        count = counts.setdefault((kind, name), _Count(at))
        count.first, count.last = min(count.first, at), max(count.last, at)
        if event["action"] == "refused":
            left_out = event.get("left_out")
            count.refusals[str(event.get("code"))] += 1 + (left_out if isinstance(left_out, int) else 0)
        elif event.get("own"):
            count.own_reads += 1
        else:
            count.reads += 1
            if isinstance(card := event.get("card_ref"), str):
                count.cards.add(card)
    bulk = bulk_readers({viewer: len(count.cards) for viewer, count in counts.items()})
    viewers = [
        ViewerSummary(
            name,
            kind,
            count.reads,
            len(count.cards),
            count.own_reads,
            ", ".join(f"{code} {times}" for code, times in sorted(count.refusals.items())),
            (kind, name) in bulk,
            count.first,
            count.last,
        )
        for (kind, name), count in counts.items()
    ]
    return sorted(viewers, key=lambda viewer: (not viewer.is_bulk_reader, -viewer.cards, viewer.viewer))


def bulk_readers(cards: Mapping[V, int]) -> set[V]:
    """Return the viewers whose number of distinct cards is far above those of the others.

    That is more than 20 cards, and more than ten median deviations above the median of those who saw any.
    """
    counts = [count for count in cards.values() if count]
    if not counts:
        return set()
    middle = median(counts)
    deviation = max(1.0, median(abs(count - middle) for count in counts))
    return {name for name, count in cards.items() if count > max(_FEW_CARDS, middle + _FAR * deviation)}


def rows_of_viewers(viewers: Iterable[ViewerSummary]) -> list[dict[str, Any]]:
    """Return viewers as rows of a table of `VIEWER`."""
    return [asdict(viewer) for viewer in viewers]


def rows_of_events(logs: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Return the events of several logs as rows of a table of `EVENT`, in order of time as each log is."""
    for event in merge(*logs, key=lambda event: str(event.get("timestamp"))):
        yield {name: event.get(name) for name in EVENT}


def _time_of(event: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(event.get("timestamp")))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
