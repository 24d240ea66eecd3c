"""From the figures of the rounds to medians and ratios. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Figures = Mapping[str, Sequence[float]]
    """One server's in one case: by name, a value for each round."""

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
        """The median and, in parentheses, the extremes."""
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"


def ratio(ours: Figures, theirs: Figures, figure: str = SPEED) -> Spread:
    """One server's figure as a multiple of another's: within each round, then the median.

    A machine that is slow for a while is slow for both sides of a pair.
    """
    return Spread.of([own / other for own, other in zip(ours[figure], theirs[figure], strict=True)])
