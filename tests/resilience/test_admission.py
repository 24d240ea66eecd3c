"""How many pieces of work run at once, and who is kept out."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from graph.resilience.admission import Admission, AtCapacityError
from tests.resilience.clocks import Clock


def test_work_counts_while_it_runs_and_the_limit_is_a_refusal() -> None:
    admission = Admission(2)
    with admission, admission:
        assert (2, True) == (admission.running, admission.full)
        with pytest.raises(AtCapacityError), admission:
            raise AssertionError("it was let in")
        # A refusal takes no place, and gives none back.
        assert 2 == admission.running
    assert (0, False) == (admission.running, admission.full)


def test_work_that_fails_gives_its_place_back() -> None:
    admission = Admission(1)
    with pytest.raises(KeyError), admission:
        raise KeyError
    assert 0 == admission.running


async def test_what_is_about_to_begin_counts_for_one_turn_while_places_are_scarce() -> None:
    admission = Admission(3, Clock())
    loop = asyncio.get_running_loop()
    with admission, admission:
        with admission:
            pass
        admission.expect(loop)
        meanwhile = (admission.booked_up, admission.full)
        await asyncio.sleep(0)
        after = admission.booked_up
        admission.expect(loop)
        again = admission.booked_up
    assert ((True, False), False, True) == (meanwhile, after, again)


@pytest.mark.parametrize(("running", "seconds"), [(2, 0.2), (1, 0.0), (0, 0.0)])
async def test_nobody_is_kept_out_by_those_to_come_unless_it_was_full_a_moment_ago(
    running: int, seconds: float
) -> None:
    clock = Clock()
    admission = Admission(3, clock)
    with admission, admission, admission:
        pass
    clock.now += seconds
    with ExitStack() as begun:
        for _ in range(running):
            begun.enter_context(admission)
        for _ in range(5):
            admission.expect(asyncio.get_running_loop())
        assert not admission.booked_up
