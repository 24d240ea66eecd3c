"""No request costs more than it did; and what was won is not lost again unseen.

Compared is how many functions a request calls, not how long it takes: that says the same on a busy machine. Where
a figure has changed for a good reason, in whichever direction, renew the record with

    python -m tests.cost.record

for each version of Python at hand, and look at the difference before you commit it.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cost.counting import CallCount, cost_of
from tests.cost.operations import OPERATIONS, settings_in
from tests.cost.record import VERSION, recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MORE = 1.05
LESS = 0.85
# How many timers of the process's log ring within a request depends on how slow the machine is.
TIMERS = 2
# Of a version that nobody has recorded yet, no more is known than that it calls about as many.
MUCH_MORE, MUCH_LESS = 1.25, 0.7


def bounds(name: str) -> list[tuple[float, float]]:
    """Between which figures each kind of calls may be."""
    figures = recorded()
    known = figures.get(VERSION)
    least, most = (LESS, MORE) if known else (MUCH_LESS, MUCH_MORE)
    expected = known or figures[max(figures, key=lambda version: [int(part) for part in version.split(".")])]
    return [(least * figure - TIMERS, most * figure + TIMERS) for figure in expected[name]]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_calls_about_as_many_functions_as_is_recorded(name: str, tmp_path: Path) -> None:
    cost = cost_of(OPERATIONS[name], settings_in(tmp_path)[name])
    allowed = bounds(name)
    within = [least <= figure <= most for figure, (least, most) in zip(cost, allowed, strict=True)]
    assert all(within), f"{cost} is not within {allowed}"


def test_the_record_has_every_operation_of_every_version() -> None:
    assert recorded()
    for costs in recorded().values():
        assert list(OPERATIONS) == list(costs)


def test_the_same_request_costs_the_same_again(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)["one card"]
    first, second = (cost_of(OPERATIONS["one card"], settings) for _ in range(2))
    # A second may begin in between, for which some seventy functions are called anew, of seven thousand.
    assert first == pytest.approx(second, rel=0.01)


def one() -> int:
    return len([two()])


def two() -> int:
    return abs(-2)


def counted(work: Callable[[], object]) -> tuple[int, int]:
    """The calls of Python and of C."""
    count = CallCount()
    count.start()
    work()
    count.stop()
    return count.python, count.c


def test_calls_of_python_and_of_c_are_counted_apart() -> None:
    assert (2, 2) == counted(one)


def test_every_step_of_a_generator_is_counted() -> None:
    few, many = (counted(functools.partial(list, (None for _ in range(count)))) for count in (2, 12))
    assert (10, 0) == (many[0] - few[0], many[1] - few[1])


def test_nothing_is_counted_once_it_has_stopped() -> None:
    counted(one)
    assert sys.getprofile() is None
