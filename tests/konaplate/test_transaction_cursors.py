"""Where a walk may start and end, and which cursors it takes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import pytest

from graph.konaplate.transaction_walk import walk
from graph.konaplate.view import ArgumentError
from graph.redact import holds_card_number
from schema.secrets import Par
from tests.konaplate.history import KEY, TODAY, History, ViewerSealer, part

DAY: Final = timedelta(days=1)
BAD_CURSOR: Final = "`after` is not a cursor of this card with these arguments"


@pytest.mark.parametrize(
    ("since", "until", "asked"),
    [
        (None, None, ("20261028", "20261127")),
        (None, date(2026, 3, 1), ("20260130", "20260301")),
        (TODAY - 90 * DAY, None, ("20260829", "20261127")),
        (date(2026, 1, 5), date(2026, 1, 5), ("20260105", "20260105")),
        (None, date(1, 1, 9), ("00010101", "00010109")),
    ],
)
async def test_the_days_are_thirty_back_from_today_unless_they_are_given(
    since: date | None, until: date | None, asked: tuple[str, str]
) -> None:
    history = History()
    await part(history, since=since, until=until)
    assert [(key.start_date, key.end_date) for key in history.keys] == [asked]


async def test_a_smaller_limit_of_days_also_bounds_the_default() -> None:
    history = History()
    await walk(KEY, history.load, ViewerSealer(), today=TODAY, max_days=7)
    assert history.keys[0].start_date == "20261120"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": 0}, "`first` must be from 1 to 100"),
        ({"first": -1}, "`first` must be from 1 to 100"),
        ({"first": 101}, "`first` must be from 1 to 100"),
        ({"since": TODAY, "until": TODAY - DAY}, "`from` must not be after `to`, which is today if omitted"),
        ({"since": TODAY + DAY}, "`from` must not be after `to`, which is today if omitted"),
        ({"since": TODAY - 91 * DAY}, "`from` and `to` may be at most 90 days apart"),
        ({"since": date.min, "until": date.max}, "`from` and `to` may be at most 90 days apart"),
        ({"after": ""}, BAD_CURSOR),
        ({"after": "9491339400000013"}, BAD_CURSOR),
        ({"after": "é" * 100}, BAD_CURSOR),
    ],
)
async def test_arguments_are_refused_before_any_call(changes: dict[str, Any], message: str) -> None:
    history = History.of(50)
    with pytest.raises(ArgumentError) as refused:
        await part(history, **changes)
    assert (str(refused.value), history.keys) == (message, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"par": Par("Q" * 27)},
        {"tr_type": "00"},
        {"include_previous_card": True},
        {"since": TODAY - 30 * DAY},
        {"until": TODAY},
        {"viewer": "lee"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_cursor_of_another_card_filter_or_viewer_is_refused_as_a_forged_one_is(changes: Any) -> None:
    history = History.of(50)
    after = (await part(history)).page_info.end_cursor
    assert (await part(history, after=after)).nodes
    calls = len(history.keys)
    with pytest.raises(ArgumentError) as refused:
        await part(history, after=after, **changes)
    assert (str(refused.value), len(history.keys)) == (BAD_CURSOR, calls)


async def test_a_cursor_that_was_cut_is_refused() -> None:
    history = History.of(50)
    cursor = (await part(history)).edges[3].cursor
    for cut in (cursor[:-1], cursor[:-2], cursor[2:], cursor[:20], cursor + "bb"):
        with pytest.raises(ArgumentError):
            await part(history, after=cut)


async def test_a_cursor_of_another_release_is_refused() -> None:
    bound = ("transactions", KEY.par.reveal(), "False   ")
    with pytest.raises(ArgumentError):
        await part(History.of(50), after=ViewerSealer().seal(b"\0 of another form", *bound))


async def test_cursors_are_letters_that_no_detector_takes_for_a_number() -> None:
    cursors = [edge.cursor for edge in (await part(History.of(100), first=100)).edges]
    assert len(set(cursors)) == 100
    assert all(cursor.isascii() and cursor.isalpha() and not holds_card_number(cursor) for cursor in cursors)
    assert {len(cursor) for cursor in cursors} == {94}


async def test_equal_parts_are_equal_calls_and_have_equal_cursors() -> None:
    history = History.of(50)
    one, other = await part(history), await part(history)
    assert one.page_info.end_cursor == other.page_info.end_cursor
    await part(history, after=one.page_info.end_cursor)
    await part(history, after=other.page_info.end_cursor)
    first, second, third, fourth = history.keys
    assert (first, third) == (second, fourth)


async def test_a_walk_that_goes_on_tomorrow_keeps_its_days() -> None:
    history = History.of(50)
    since = TODAY - 90 * DAY
    after = (await part(history, since=since)).page_info.end_cursor
    key = KEY._replace(since=since, after=after)
    await walk(key, history.load, ViewerSealer(), today=TODAY + DAY)
    assert {(key.start_date, key.end_date) for key in history.keys} == {("20260829", "20261127")}


async def test_no_cursor_is_sealed_before_it_is_read() -> None:
    class Counting(ViewerSealer):
        sealed = 0

        def seal(self, clear: bytes, *bound: str) -> str:
            self.sealed += 1
            return super().seal(clear, *bound)

    sealer = Counting()
    found = await walk(KEY, History.of(50).load, sealer, today=TODAY)
    assert sealer.sealed == 0
    assert found.edges[0].cursor == found.page_info.start_cursor
    assert sealer.sealed == 2
