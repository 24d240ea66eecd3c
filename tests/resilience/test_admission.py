"""The limit of concurrent work."""

from __future__ import annotations

import pytest

from graph.resilience.slots import Admission, AtCapacityError


def test_work_counts_while_it_runs_and_the_limit_is_a_refusal() -> None:
    admission = Admission(2)
    with admission, admission:
        with pytest.raises(AtCapacityError):
            admission.check()
        with pytest.raises(AtCapacityError), admission:
            raise AssertionError("it was let in")
        # A rejection neither takes nor returns a place.
        assert admission.running == 2
    admission.check()
    assert admission.running == 0


def test_work_that_fails_gives_its_place_back() -> None:
    admission = Admission(1)
    with pytest.raises(KeyError), admission:
        raise KeyError
    assert admission.running == 0
