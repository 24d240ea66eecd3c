"""Whether what a process holds stays flat. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_SAMPLES: Final = 16


class Sample(NamedTuple):
    """What the process holds while nothing is asked of it."""

    megabytes: float
    """Resident memory."""
    descriptors: float
    tasks: float


MARGINS: Final = Sample(megabytes=10, descriptors=2, tasks=2)
"""By how much the last quarter's median may exceed the second quarter's.

Steady, two quarters differ by about a megabyte. In half an hour of the default load, 10 MiB are some 200 bytes for
each request, and two descriptors or tasks one in 20,000 requests.
"""


class Verdict(NamedTuple):
    """What became of one figure."""

    name: str
    margin: float
    first: float
    """Median of the first quarter, in which caches fill; for people only."""
    before: float
    """Median of the second quarter."""
    after: float
    """Median of the last quarter."""

    @property
    def flat(self) -> bool:
        """Whether it did not grow."""
        return self.after - self.before <= self.margin


def judge(samples: Sequence[Sample]) -> list[Verdict]:
    """Compare the second quarter with the last one, by medians: a single sample may have come too early.

    Raises:
        ValueError: there are too few samples to say anything.
    """
    if len(samples) < FEWEST_SAMPLES:
        raise ValueError(f"{len(samples)} samples are too few; {FEWEST_SAMPLES} are needed")
    quarter = len(samples) // 4
    parts = (samples[:quarter], samples[quarter : 2 * quarter], samples[-quarter:])
    medians = [[statistics.median(figure) for figure in zip(*part, strict=True)] for part in parts]
    return [Verdict(*row) for row in zip(Sample._fields, MARGINS, *medians, strict=True)]


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts for people."""
    lines = [f"{'':12} {'1st quarter':>12} {'2nd quarter':>12} {'last quarter':>13} {'may grow by':>12}"]
    lines += [
        f"{one.name:12} {one.first:12.1f} {one.before:12.1f} {one.after:13.1f} {one.margin:12.1f}"
        f"  {'flat' if one.flat else 'GROWS'}"
        for one in verdicts
    ]
    return "\n".join(lines)
