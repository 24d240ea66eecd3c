"""Families of metrics that cost a request next to nothing.

prometheus-client's own counters and histograms take a lock and walk all buckets for each observation, several
microseconds each. Everything that counts here runs in one event loop, so that a plain dictionary will do; the
library renders it when Prometheus asks.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

OTHER: Final = "other"
"""Stands for every label value that would be one too many."""

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds: from an answer without any upstream call to the deadline of a request."""

MAX_SERIES: Final = 2_000
"""How many combinations of label values a family keeps apart."""


class Counts(Collector):
    """A counter for each combination of label values.

    Args:
        registry: where it is shown.
        name: without the `_total` that the exposition adds.
        text: what it counts.
        labels: the names of the labels.
        known: combinations that are there from the start at 0, so that a first event is seen as a rise.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        text: str,
        labels: Sequence[str] = (),
        known: Iterable[tuple[str, ...]] = (),
    ) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._values: dict[tuple[str, ...], int] = dict.fromkeys(known if labels else ((),), 0)
        registry.register(self)

    def add(self, *values: str, amount: int = 1) -> None:
        """Count; the values are those of the labels, in their order."""
        counts = self._values
        if values not in counts and len(counts) >= MAX_SERIES:
            values = (OTHER,) * len(values)
        counts[values] = counts.get(values, 0) + amount

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, count in list(self._values.items()):
            family.add_metric(values, count)
        yield family


class Durations(Collector):
    """A histogram of seconds for each combination of label values. Arguments as those of `Counts`."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str]) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self.most = MAX_SERIES
        """How many combinations are kept apart."""
        # For each combination: how many fell into each bucket, the last one without a bound; then their sum.
        self._values: dict[tuple[str, ...], list[float]] = {}
        registry.register(self)

    def add(self, seconds: float, *values: str) -> None:
        """Observe one duration."""
        counts = self._values.get(values)
        if counts is None:
            counts = self._new(values)
        counts[bisect_left(BUCKETS, seconds)] += 1
        counts[-1] += seconds

    def _new(self, values: tuple[str, ...]) -> list[float]:
        if len(self._values) >= self.most:
            values = (OTHER,) * len(values)
        return self._values.setdefault(values, [0] * (len(BUCKETS) + 2))

    def forget(self, value: str) -> None:
        """Show no series any more whose first label has this value."""
        for values in [values for values in self._values if values[0] == value]:
            del self._values[values]

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        names = [*(str(bound) for bound in BUCKETS), "+Inf"]
        for values, counts in list(self._values.items()):
            buckets = list(zip(names, accumulate(counts[:-1]), strict=True))
            family.add_metric(values, buckets, counts[-1])
        yield family


class Readings(Collector):
    """Gauges, or counters, that are read where they are kept when Prometheus asks.

    Args:
        registry: where they are shown.
        name: as that of `Counts`.
        text: what they tell.
        read: yields the labels' values and the figure of each series.
        labels: the names of the labels.
        counter: whether they only ever grow.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        text: str,
        read: Callable[[], Iterable[tuple[tuple[str, ...], float]]],
        labels: Sequence[str] = (),
        *,
        counter: bool = False,
    ) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._read = read
        self._kind = CounterMetricFamily if counter else GaugeMetricFamily
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        family = self._kind(self._name, self._text, labels=self._labels)
        for values, figure in self._read():
            family.add_metric(values, figure)
        yield family
