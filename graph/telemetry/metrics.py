"""Metrics for Prometheus: prometheus-client's own families, in a registry of this gateway's own.

No label holds a value that a caller or the upstream can choose freely: see `graph.telemetry.labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

Family = TypeVar("Family", Counter, Histogram)

OTHER: Final = "other"
"""Stands for every label value that would be one too many."""
MAX_SERIES: Final = 2_000
"""How many combinations of label values a family keeps apart."""
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds: from an answer without any upstream call to the deadline of a request."""


class Series(dict[tuple[str, ...], Family]):
    """The series of a family by their label values: found at once, and no more of them than there may be.

    Args:
        family: makes them.
        known: those that are there from the start at 0, so that a first event is seen as a rise.
    """

    def __init__(self, family: Family, known: Iterable[tuple[str, ...]] = ()) -> None:
        super().__init__()
        self._family: Any = family
        self.most = MAX_SERIES
        for values in known:
            self[values] = self._family.labels(*values)

    def __missing__(self, values: tuple[str, ...]) -> Family:
        if len(self) >= self.most:
            values = (OTHER,) * len(values)
        made: Family = self.get(values) or self._family.labels(*values)
        self[values] = made
        return made

    def forget(self, value: str) -> None:
        """Show no series any more whose first label has this value."""
        for values in [values for values in self if values[0] == value]:
            del self[values]
            self._family.remove(*values)


class Metrics:
    """Everything that is counted."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4
    """The media type of what `render` returns."""

    def __init__(self) -> None:
        # A second series for each, with the moment at which the first one was made.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Info("konagraph_build", "What runs.", registry=self._registry).info({"version": __version__})

    def render(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self._registry)

    def counter(self, name: str, text: str) -> Counter:
        """A figure that only grows; names are given without `konagraph_` and `_total`."""
        return Counter(f"konagraph_{name}", text, registry=self._registry)

    def counters(
        self, name: str, text: str, *labels: str, known: Iterable[tuple[str, ...]] = ()
    ) -> Series[Counter]:
        """One such figure for each combination of label values."""
        return Series(Counter(f"konagraph_{name}", text, labels, registry=self._registry), known)

    def durations(self, name: str, text: str, *labels: str) -> Series[Histogram]:
        """How often something took how many seconds, for each combination of label values."""
        family = Histogram(f"konagraph_{name}", text, labels, buckets=BUCKETS, registry=self._registry)
        return Series(family)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A figure that rises and falls."""
        return Gauge(f"konagraph_{name}", text, labels, registry=self._registry)

    def read_counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A figure that only grows and is kept elsewhere: read when Prometheus asks."""
        self._registry.register(_ReadCounter(f"konagraph_{name}", text, read))


class _ReadCounter(Collector):
    def __init__(self, name: str, text: str, read: Callable[[], float]) -> None:
        self._name, self._text, self._read = name, text, read

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._text, self._read())
