"""Correlation ids: their form, and that no two calls share one."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.protocol import CorrelationIds, Timestamp, Zone
from tests.konaplate.support import deterministic

FORM = re.compile(r"[0-9]{12}-[0-9a-f]{7}", re.ASCII)
SPAN = 2**28
MOMENT = Timestamp.at(1_741_230_000_042, Zone.KST)

starts = st.one_of(st.integers(0, SPAN - 1), st.integers(SPAN - 200, SPAN - 1))


def taken(start: int, count: int) -> list[str]:
    ids = CorrelationIds(start)
    return [ids.next(MOMENT) for _ in range(count)]


def test_ids_count_up_from_their_start() -> None:
    assert taken(0x0ABCDEF, 2) == ["250306120000-0abcdef", "250306120000-0abcdf0"]


def test_ids_go_round_after_the_last_number() -> None:
    assert taken(SPAN - 1, 3) == ["250306120000-fffffff", "250306120000-0000000", "250306120000-0000001"]


@deterministic
@given(start=starts)
def test_every_id_has_twenty_characters_whatever_the_start(start: int) -> None:
    ids = taken(start, 300)
    assert [len(each) for each in ids] == [20] * 300
    assert [each for each in ids if not FORM.fullmatch(each)] == []


@deterministic
@given(start=starts)
def test_no_id_comes_twice_within_a_moment_whatever_the_start(start: int) -> None:
    assert len(set(taken(start, 300))) == 300


@deterministic
@given(start=starts, steps=st.lists(st.integers(0, 3_000), min_size=2, max_size=50))
def test_no_id_comes_twice_while_the_clock_goes_on(start: int, steps: list[int]) -> None:
    ids = CorrelationIds(start)
    moments = itertools.accumulate(steps, initial=1_741_230_000_000)
    taken_ids = [ids.next(Timestamp.at(epoch_ms, Zone.KST)) for epoch_ms in moments]
    assert len(taken_ids) == len(set(taken_ids))


@pytest.mark.parametrize("zone", Zone)
def test_an_id_starts_with_the_time_of_its_zone(zone: Zone) -> None:
    moment = Timestamp.at(1_735_657_200_000, zone)
    expected = {Zone.KST: "250101000000-0000000", Zone.UTC: "241231150000-0000000"}[zone]
    assert CorrelationIds(0).next(moment) == expected
