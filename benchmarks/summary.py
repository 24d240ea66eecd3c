"""From the figures of the rounds to medians, spreads and ratios."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.targets import BASELINE, GATEWAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AIM: Final = 1 / 3
"""The gateway's share of the hand-written endpoint's throughput that it must not fall below."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, and the extremes."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        """`median (least - most)`."""
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} - {self.most:,.{digits}f})"


def spread(rounds: Sequence[Mapping[str, Any]], figure: str) -> Spread:
    """The spread of one figure of one target."""
    return Spread.of([one[figure] for one in rounds])


def ratio(targets: Mapping[str, Sequence[Mapping[str, Any]]], name: str, baseline: str = BASELINE) -> Spread:
    """Throughput as a multiple of another server's: first within each round, then the median.

    A machine that is slow for a while is slow for both sides of a pair.
    """
    figure = "requests_per_second"
    pairs = zip(targets[name], targets[baseline], strict=True)
    return Spread.of([one[figure] / other[figure] for one, other in pairs])


def reaches_aim(targets: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    """Whether the gateway keeps its share."""
    return ratio(targets, GATEWAY).median >= AIM


def busiest(scenarios: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> tuple[float, float]:
    """The most upstream calls a second of any run, and the largest share of a core that upstream and wrk used."""
    everything = [one for targets in scenarios.values() for rounds in targets.values() for one in rounds]
    calls = max(one["upstream_calls_per_second"] for one in everything)
    share = max(one["upstream_share"] + one["generator_share"] for one in everything)
    return calls, share
