"""Metrics for Prometheus, and label values whose number is bounded, whatever callers and the upstream send."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from graph import __version__
from graph.build_record import BuildRecord
from graph.http.status import PARTIAL_SUCCESS
from graph.konaplate.errors import CODES, FAMILIES, SUCCESS
from graph.telemetry.conventions import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from graph.http.report import RequestReport
    from graph.konaplate.endpoint import Endpoint

    ReadFigures: TypeAlias = Callable[[], Iterable[tuple[tuple[str, ...], float]]]

Family = TypeVar("Family", Counter, Histogram)

OTHER: Final = "other"
"""Replaces label values beyond the limit."""
MAX_SERIES: Final = 2_000
"""Maximum number of label combinations of a family."""
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds: from a response without upstream calls to the deadline of a request."""
ANONYMOUS: Final = "anonymous"
"""The label of operations without a name, and of requests refused before it was known."""

MAX_NAMES: Final = 50
"""How many operation names get a label, besides those of trusted documents."""
_MAX_PER_MEMBER: Final = 10
_ANSWERED: Final = (HTTPStatus.OK, PARTIAL_SUCCESS)
UNUSED_SECONDS: Final = 3_600
"""After how many seconds an unused name may be replaced."""
# Short, and without a run of digits that could be part of a card number.
_HARMLESS: Final = re.compile(r"(?!\w*\d{4})[A-Za-z_]\w{0,63}", re.ASCII)


class Series(dict[tuple[str, ...], Family]):
    """The series of a family by label values: a cached look-up, with a limited number of series.

    Args:
        family: makes them.
        known: label values that start at 0, so that the first event shows as an increase.
    """

    def __init__(self, family: Family, known: Iterable[tuple[str, ...]] = ()) -> None:
        super().__init__()
        self._family: Any = family
        self.limit = MAX_SERIES
        for values in known:
            self[values] = self._family.labels(*values)

    def __missing__(self, values: tuple[str, ...]) -> Family:
        if len(self) >= self.limit:
            values = (OTHER,) * len(values)
        made: Family = self.get(values) or self._family.labels(*values)
        self[values] = made
        return made

    def forget(self, value: str) -> None:
        """Remove all series whose first label has this value."""
        for values in [values for values in self if values[0] == value]:
            del self[values]
            self._family.remove(*values)


class Metrics:
    """The registry of this gateway's metrics."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4
    """The media type of `render`."""

    def __init__(self) -> None:
        # Otherwise each counter has a second series with its creation time.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        runs = {"version": __version__, "commit": BuildRecord.running().commit}
        Info("konagraph_build", "What runs.", registry=self._registry).info(runs)

    def render(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def counter(self, name: str, text: str) -> Counter:
        """A counter; names are given without `konagraph_` and `_total`."""
        return Counter(f"konagraph_{name}", text, registry=self._registry)

    def counters(
        self, name: str, text: str, *labels: str, known: Iterable[tuple[str, ...]] = ()
    ) -> Series[Counter]:
        """Counters by label values."""
        return Series(Counter(f"konagraph_{name}", text, labels, registry=self._registry), known)

    def durations(self, name: str, text: str, *labels: str) -> Series[Histogram]:
        """Histograms of seconds by label values. Without a prefix: OpenTelemetry gives the names."""
        return Series(Histogram(name, text, labels, buckets=BUCKETS, registry=self._registry))

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A gauge."""
        return Gauge(f"konagraph_{name}", text, labels, registry=self._registry)

    def observable_counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A counter that is kept elsewhere and read when Prometheus scrapes."""
        self.observable_counters(name, text, (), lambda: [((), read())])

    def observable_counters(self, name: str, text: str, labels: tuple[str, ...], read: ReadFigures) -> None:
        """Counters by label values, kept elsewhere and read when Prometheus scrapes."""
        self._registry.register(_ReadCounters(f"konagraph_{name}", text, labels, read))


class _ReadCounters(Collector):
    def __init__(self, name: str, text: str, labels: tuple[str, ...], read: ReadFigures) -> None:
        self._name, self._text, self._labels, self._read = name, text, labels, read

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, figure in self._read():
            family.add_metric(values, figure)
        yield family


@dataclass(slots=True)
class _Name:
    member: str | None
    used: float


class OperationNames:
    """Operation names as label values. Callers choose the names, so only a limited number get a label.

    Names of trusted documents always do. Any other is admitted with a request without errors of its caller, and
    may be replaced when it has not been used for a while.

    Args:
        on_forgotten: called with each name that loses its label.
        limit: how many names get a label, besides the trusted ones.
        per_member: how many of them one member may introduce.
        clock: seconds.
    """

    def __init__(
        self,
        on_forgotten: Callable[[str], None],
        *,
        limit: int = MAX_NAMES,
        per_member: int = _MAX_PER_MEMBER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_forgotten = on_forgotten
        self._limit = limit
        self._per_member = per_member
        self._clock = clock
        self._trusted: frozenset[str] = frozenset()
        self._others: dict[str, _Name] = {}

    def trust(self, names: frozenset[str]) -> None:
        """Set the names of the trusted documents."""
        gone, self._trusted = self._trusted - names, names
        for name in gone:
            self._on_forgotten(name)
        for name in names:
            self._others.pop(name, None)

    def label(self, report: RequestReport) -> str:
        """The label of a request's operation."""
        name = report.operation
        if name is None:
            return ANONYMOUS
        if name in self._trusted:
            return name
        if (known := self._others.get(name)) is not None:
            known.used = self._clock()
            return name
        return name if self._admit(name, report) else OTHER

    def _admit(self, name: str, report: RequestReport) -> bool:
        # Names stay visible in an upstream outage. A client that disconnected has got no answer.
        answered = report.status in _ANSWERED and FAULTS.issuperset(report.codes)
        if report.viewer is None or not answered or not _HARMLESS.fullmatch(name):
            return False
        if name in (OTHER, ANONYMOUS) or (self._trusted and report.viewer_id is None):
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
        return len(self._others) < self._limit and (member is None or brought < self._per_member)

    def _forget_unused(self) -> None:
        oldest = self._clock() - UNUSED_SECONDS
        for name in [name for name, known in self._others.items() if known.used <= oldest]:
            del self._others[name]
            self._on_forgotten(name)


class VendorCodes:
    """The vendor's codes as label values: documented codes, and the family's prefix for others."""

    def __init__(self, endpoints: Iterable[Endpoint[Any, Any]]) -> None:
        self._known = {SUCCESS, *CODES, *(code for endpoint in endpoints for code in endpoint.codes)}

    def label(self, code: str | None) -> str:
        """The label of a code."""
        if code is None:
            return "none"
        if code in self._known:
            return code
        return f"{code[:4]}*" if code[:4] in FAMILIES else OTHER
