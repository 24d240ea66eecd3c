"""From the figures of the rounds to medians, spreads and ratios. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Rounds = Sequence[Mapping[str, Any]]

SPEED = "requests_per_second"


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


def spread(rounds: Rounds, figure: str) -> Spread:
    """The spread of one figure of one target."""
    return Spread.of([one[figure] for one in rounds])


def ratio(rounds: Rounds, others: Rounds, figure: str = SPEED) -> Spread:
    """One target's figure as a multiple of another's: first within each round, then the median.

    A machine that is slow for a while is slow for both sides of a pair.
    """
    return Spread.of([one[figure] / other[figure] for one, other in zip(rounds, others, strict=True)])


def busiest(cases: Mapping[str, Mapping[str, Rounds]]) -> tuple[float, float]:
    """The most upstream calls a second of any run, and the largest share of a core that upstream and wrk used."""
    everything = [one for targets in cases.values() for rounds in targets.values() for one in rounds]
    calls = max(one["upstream_calls_per_second"] for one in everything)
    share = max(one["upstream_share"] + one["generator_share"] for one in everything)
    return calls, share
