"""Whether what a process holds stays flat. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_SAMPLES: Final = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at one moment, while nothing is asked of it."""

    megabytes: float
    """Resident memory."""
    descriptors: float
    tasks: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that must stay flat."""

    name: str
    unit: str
    margin: float
    """By how much the last quarter's median may exceed the second quarter's."""


FIGURES: Final = (
    # Steady, the medians of two quarters differ by about a megabyte: the allocator keeps what it had at once. In
    # half an hour of the default load, 10 MiB between the quarters' middles are some 200 bytes for each request.
    Figure("megabytes", "MiB", 10.0),
    # At rest these do not vary at all, but for a connection that is just being closed. What one request in 20,000
    # leaves behind is more than that in half an hour.
    Figure("descriptors", "", 2.0),
    Figure("tasks", "", 2.0),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one figure."""

    figure: Figure
    first: float
    """Median of the first quarter, in which caches fill; for people only."""
    before: float
    """Median of the second quarter."""
    after: float
    """Median of the last quarter."""

    @property
    def flat(self) -> bool:
        """Whether it did not grow."""
        return self.after - self.before <= self.figure.margin


def judge(samples: Sequence[Sample]) -> list[Verdict]:
    """Compare the second quarter with the last one.

    Medians, because a single sample may have come too early. Not the first quarter, in which caches, pools and the
    interpreter itself fill up to their bounds.

    Raises:
        ValueError: when there are too few samples to say anything.
    """
    if len(samples) < FEWEST_SAMPLES:
        raise ValueError(f"{len(samples)} samples are too few; {FEWEST_SAMPLES} are needed")
    quarter = len(samples) // 4
    parts = (samples[:quarter], samples[quarter : 2 * quarter], samples[-quarter:])
    return [
        Verdict(figure, *(statistics.median(getattr(one, figure.name) for one in part) for part in parts))
        for figure in FIGURES
    ]


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts for people."""
    lines = [f"{'':12} {'1st quarter':>12} {'2nd quarter':>12} {'last quarter':>13} {'may grow by':>12}"]
    for verdict in verdicts:
        name = verdict.figure.unit or verdict.figure.name
        lines.append(
            f"{name:12} {verdict.first:12.1f} {verdict.before:12.1f} {verdict.after:13.1f}"
            f" {verdict.figure.margin:12.1f}  {'flat' if verdict.flat else 'GROWS'}"
        )
    return "\n".join(lines)
