"""No request calls more functions than its budget allows.

The number of calls is the same on every machine, however busy it is; times are not. `python -m tests.cost` prints
the figures. Lower a budget when something was won, so that it is not lost again unseen.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.cost.counting import CallCount, cost_of
from tests.cost.operations import OPERATIONS, settings_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Budget(NamedTuple):
    """Calls for one request on Python 3.11; later versions make a few less."""

    python: float
    c: float
    scheduled: float


BUDGETS: Final = {
    "one card": Budget(465, 530, 13),
    "one card of a known caller": Budget(485, 570, 13),
    "a card and its member": Budget(670, 740, 21),
    "twenty aliases of fifteen cards": Budget(3_850, 4_240, 113),
    "a wallet of five cards": Budget(3_900, 6_350, 59),
}
MARGIN: Final = 1.1
# How many timers of the process's log ring within a request depends on how slow the machine is.
TIMERS: Final = 2


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_keeps_to_its_budget(name: str, tmp_path: Path) -> None:
    cost = cost_of(OPERATIONS[name], settings_in(tmp_path)[name])
    allowed = Budget(*(MARGIN * figure + TIMERS for figure in BUDGETS[name]))
    assert all(spent <= most for spent, most in zip(cost, allowed, strict=False)), f"{cost} is more than {allowed}"


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
    assert counted(one) == (2, 2)


def test_every_step_of_a_generator_is_counted() -> None:
    few, many = (counted(functools.partial(list, (None for _ in range(count)))) for count in (2, 12))
    assert (many[0] - few[0], many[1] - few[1]) == (10, 0)


def test_nothing_is_counted_once_it_has_stopped() -> None:
    counted(one)
    assert sys.getprofile() is None
