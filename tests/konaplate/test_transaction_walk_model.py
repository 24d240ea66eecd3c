"""Walks over histories that change: each row that stays is shown once, newest first, with few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.konaplate.transaction_walk import MAX_CALLS
from tests.konaplate.history import Entry, History, numbers, part
from tests.tools import examples

if TYPE_CHECKING:
    from datetime import datetime

# Few, so that many rows have the same one.
MINUTES = st.integers(0, 5)
FIRSTS = st.integers(1, 7)
COUNTS = st.integers(1, 12)
_MAX_PARTS: Final = 500

ARRIVALS = st.one_of(
    st.tuples(st.just("arrive"), MINUTES, COUNTS),
    st.tuples(st.just("arrive"), st.just(9), COUNTS),
    st.tuples(st.just("arrive between calls"), st.just(9), COUNTS),
)
CHANGES = ARRIVALS | st.tuples(st.just("vanish"), st.integers(0, 40), COUNTS)


def steps_of(changes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(st.lists(changes, max_size=3), FIRSTS), max_size=8)


class Walk:
    """A client that walks to the end, and notes what it is shown."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.stayed = {entry.number for entry in history.entries if not entry.hidden}
        self.shown: list[int] = []
        self.times: list[datetime] = []
        self.after: str | None = None
        self.has_next = True
        self._next_number = 2 * len(history.entries)

    def change(self, kind: str, place: int, count: int) -> None:
        """Change the history."""
        for _ in range(count):
            if kind == "vanish":
                entries = self.history.entries
                if place < len(entries):
                    self.history.remove(entries[place])
                    self.stayed.discard(entries[place].number)
                continue
            entry = Entry(self._next_number, place)
            self._next_number += 1
            if kind == "arrive":
                self.history.add(entry)
            else:
                self.history.between_calls.append(entry)

    async def go_on(self, first: int) -> int:
        """Ask for the next part, and return the number of calls."""
        before = len(self.history.keys)
        found = await part(self.history, first=first, after=self.after)
        assert len(found.nodes) <= first
        self.shown += numbers(found.nodes)
        self.times += [row.approval_date_time for row in found.nodes if row.approval_date_time]
        self.has_next, self.after = found.page_info.has_next_page, found.page_info.end_cursor
        assert not self.has_next or self.after is not None
        return len(self.history.keys) - before

    def check(self) -> None:
        """What holds at the end of each walk."""
        assert len(self.shown) == len(set(self.shown))
        assert self.stayed - set(self.shown) == set()
        assert self.times == sorted(self.times, reverse=True)


def entries_of(minutes: list[int | None], hidden: list[bool]) -> list[Entry]:
    return [Entry(index, minute, hide) for index, (minute, hide) in enumerate(zip(minutes, hidden, strict=True))]


@st.composite
def histories(draw: st.DrawFn, /, hides: st.SearchStrategy[bool], **forms: st.SearchStrategy[Any]) -> History:
    minutes = draw(st.lists(MINUTES | st.none() if draw(st.booleans()) else MINUTES, max_size=40))
    hidden = [draw(hides) for _ in minutes]
    return History(entries_of(minutes, hidden), **{name: draw(form) for name, form in forms.items()})


async def walk_to_the_end(walk: Walk, steps: list[Any]) -> None:
    for changes, first in steps:
        for kind, place, count in changes:
            walk.change(kind, place, count)
        if walk.has_next:
            assert await walk.go_on(first) <= MAX_CALLS
    for _ in range(_MAX_PARTS):
        if not walk.has_next:
            break
        assert await walk.go_on(3) <= MAX_CALLS
    assert not walk.has_next
    walk.check()


@settings(max_examples=examples(200))
@given(history=histories(hides=st.just(False), counts_pages=st.booleans()), steps=steps_of(CHANGES))
async def test_a_row_that_stays_is_shown_once_while_others_come_and_go(history: History, steps: list[Any]) -> None:
    await walk_to_the_end(Walk(history), steps)


@settings(max_examples=examples(150))
@given(
    history=histories(hides=st.sampled_from([True, True, False]), largest_page=st.sampled_from([5, 1000])),
    # A search that passes such pages has no overlap to tell by that rows have vanished.
    steps=steps_of(ARRIVALS),
)
async def test_pages_with_gaps_and_smaller_pages_than_asked_for_hide_no_row(
    history: History, steps: list[Any]
) -> None:
    await walk_to_the_end(Walk(history), steps)


@given(history=histories(hides=st.just(False), counts_pages=st.booleans()), firsts=st.lists(FIRSTS, min_size=50))
async def test_a_part_costs_one_call_while_nothing_changes(history: History, firsts: list[int]) -> None:
    walk = Walk(history)
    for first in firsts:
        if walk.has_next:
            assert await walk.go_on(first) == 1
