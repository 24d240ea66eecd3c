"""The judge of the soak reports growth, and nothing else."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.soak.judge import FEWEST_SAMPLES, MARGINS, Sample, judge, table
from tests.soak.run import Result

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = 400


def series(
    megabytes: Callable[[float], float] = lambda _part: 90.0,
    descriptors: Callable[[float], float] = lambda _part: 40.0,
    tasks: Callable[[float], float] = lambda _part: 60.0,
) -> list[Sample]:
    """A soak's samples; each value as a function of the elapsed share of the time."""
    parts = [place / SAMPLES for place in range(SAMPLES)]
    return [Sample(megabytes(part), descriptors(part), tasks(part)) for part in parts]


def growing(samples: list[Sample]) -> list[str]:
    return [verdict.name for verdict in judge(samples) if not verdict.flat]


def test_constant_values_are_flat() -> None:
    assert growing(series()) == []


def test_a_leak_of_memory_grows() -> None:
    # 210 bytes for each of 60 requests per second, for half an hour.
    leaked = 210 * 60 * 1_800 / 1024 / 1024
    assert growing(series(megabytes=lambda part: 90 + leaked * part)) == ["megabytes"]
    assert growing(series(megabytes=lambda part: 90 + 0.9 * leaked * part)) == []


def test_a_descriptor_in_five_minutes_grows() -> None:
    assert growing(series(descriptors=lambda part: 40 + 6 * part)) == ["descriptors"]


def test_a_task_in_five_minutes_grows() -> None:
    assert growing(series(tasks=lambda part: 60 + 6 * part)) == ["tasks"]


def test_everything_that_grows_is_named() -> None:
    samples = series(*(lambda part: 100 * (1 + part),) * len(MARGINS))
    assert growing(samples) == ["megabytes", "descriptors", "tasks"]


def test_caches_that_fill_in_the_first_quarter_are_no_leak() -> None:
    assert growing(series(megabytes=lambda part: 60 + 400 * min(part, 0.25))) == []


def test_a_leak_that_begins_late_grows() -> None:
    assert growing(series(megabytes=lambda part: 90 + 100 * max(0, part - 0.6))) == ["megabytes"]


def test_shrinking_values_are_flat() -> None:
    assert growing(series(descriptors=lambda part: 90 - 60 * part)) == []


def test_a_few_samples_that_came_too_early_are_no_leak() -> None:
    assert growing(series(tasks=lambda part: 500 if 0.9 < part < 0.95 else 60)) == []


def test_varying_values_are_flat() -> None:
    chance = random.Random(4)  # noqa: S311 - noise, not a secret
    assert growing(series(*(lambda _part: chance.uniform(30, 32),) * len(MARGINS))) == []


def test_a_leak_shows_through_what_varies() -> None:
    chance = random.Random(4)  # noqa: S311 - noise, not a secret
    assert growing(series(tasks=lambda part: chance.uniform(30, 32) + 6 * part)) == ["tasks"]


def test_too_few_samples_say_nothing() -> None:
    samples = series()
    assert growing(samples[:FEWEST_SAMPLES]) == []
    with pytest.raises(ValueError, match="15 samples are too few"):
        judge(samples[: FEWEST_SAMPLES - 1])


def test_the_table_says_what_grows() -> None:
    lines = table(judge(series(tasks=lambda part: 60 + 100 * part))).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["flat", "flat", "GROWS"]
    assert lines[-1].split() == ["tasks", "72.4", "97.4", "147.4", "2.0", "GROWS"]


def test_a_problem_or_a_leak_fails_the_soak() -> None:
    def result(samples: list[Sample], *problems: str) -> Result:
        return Result(samples, judge(samples), 1, 0, Counter(), Counter(problems))

    assert result(series()).passed
    assert not result(series(), "500").passed
    assert not result(series(tasks=lambda part: 100 * part)).passed
