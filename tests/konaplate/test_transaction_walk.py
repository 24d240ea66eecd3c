"""A card's history as a connection: the calls that it takes, and answers that are not what they seem."""

from __future__ import annotations

from typing import Any

import pytest

from graph.konaplate.endpoints.transactions import TransactionsKey
from graph.konaplate.errors import InvalidFieldError
from graph.konaplate.transaction_cursors import WalkPosition
from graph.konaplate.transaction_pages import MAX_ROWS, Pages, overlapping
from graph.konaplate.transaction_walk import MAX_CALLS, MAX_FRUITLESS_CALLS
from tests.konaplate.history import KEY, TODAY, Entry, History, numbers, part
from tests.konaplate.scripted_history import Scripted, all_numbers, answer_of, parts_of
from tests.konaplate.support import DETAILS


async def test_a_part_from_the_start_is_one_call_for_as_many_rows() -> None:
    history = History.of(50)
    found = await part(history)
    assert history.keys == [
        TransactionsKey(
            par=KEY.par,
            user_id=KEY.user_id,
            start_date="20261028",
            end_date="20261127",
            tr_type=None,
            include_previous_card=False,
            page=0,
            page_size=20,
        )
    ]
    assert numbers(found.nodes) == [entry.number for entry in history.entries[:20]]
    assert [edge.node for edge in found.edges] == found.nodes
    assert (found.page_info.has_next_page, found.page_info.has_previous_page) == (True, False)
    assert found.page_info.start_cursor == found.edges[0].cursor
    assert found.page_info.end_cursor == found.edges[-1].cursor


async def test_each_further_part_is_one_call_that_overlaps_the_rows_before() -> None:
    history = History.of(100)
    parts = await parts_of(history)
    assert [len(found.nodes) for found in parts] == [20] * 5
    assert [(key.page, key.page_size) for key in history.keys] == [(0, 20), (0, 40), (1, 30), (2, 27), (3, 25)]
    assert [found.page_info.has_previous_page for found in parts] == [False, True, True, True, True]


async def test_a_walk_goes_on_from_any_edge_with_any_number_of_rows() -> None:
    history = History.of(50)
    expected = [entry.number for entry in history.entries]
    edges = (await part(history, first=10)).edges
    for index, edge in enumerate(edges):
        for first in (1, 3, 100):
            found = await part(history, first=first, after=edge.cursor)
            assert numbers(found.nodes) == expected[index + 1 : index + 1 + first]


@pytest.mark.parametrize("answer", [{}, {"transactionInfo": []}, answer_of([], 0), answer_of([], 1)])
async def test_an_empty_history_has_no_cursors_and_no_next_page(answer: dict[str, Any]) -> None:
    history = Scripted(lambda _page, _size: answer)
    info = (await part(history)).page_info
    assert (info.has_next_page, info.start_cursor, info.end_cursor) == (False, None, None)
    assert len(history.keys) == 1


async def test_without_a_count_of_pages_a_full_page_has_a_next_one() -> None:
    history = History(History.of(40).entries, counts_pages=False)
    parts = await parts_of(history)
    assert [len(found.nodes) for found in parts] == [20, 20, 0]
    assert parts[-1].page_info.end_cursor is None


async def test_empty_pages_in_the_middle_are_passed() -> None:
    rows = {0: [Entry(40, 4).wire], 9: [Entry(30, 3).wire]}
    history = Scripted(lambda page, _size: answer_of(rows.get(page, []), 10))
    parts = await parts_of(history, first=1)
    assert [numbers(found.nodes) for found in parts if found.nodes] == [[40], [30]]
    assert all(found.page_info.end_cursor for found in parts[:-1])


async def test_rows_that_come_in_are_not_shown_in_place_of_those_that_follow() -> None:
    history = History.of(60)
    expected = [entry.number for entry in history.entries]
    after = (await part(history)).page_info.end_cursor
    for number in range(1001, 1031):
        history.add(Entry(number, 90))
    found = await part(history, after=after)
    assert numbers(found.nodes) == expected[20:40]


async def test_a_search_past_many_new_rows_goes_on_in_large_steps() -> None:
    history = History.of(60)
    expected = [entry.number for entry in history.entries]
    after = (await part(history, first=1)).page_info.end_cursor
    for number in range(1001, 1501):
        history.add(Entry(number, 90))
    before, shown = len(history.keys), list[int]()
    while not shown:
        found = await part(history, first=1, after=after)
        after, shown = found.page_info.end_cursor, numbers(found.nodes)
    assert shown == expected[1:2]
    assert len(history.keys) - before <= 3 * MAX_CALLS


@pytest.mark.parametrize("vanished", [1, 20, 290, 590, 600])
async def test_rows_that_vanish_take_none_with_them(vanished: int) -> None:
    history = History.of(700)
    expected = [entry.number for entry in history.entries]
    after = None
    for _ in range(6):
        after = (await part(history, first=100, after=after)).page_info.end_cursor
    for entry in history.entries[:vanished]:
        history.remove(entry)
    assert await all_numbers(history, first=100, after=after) == expected[600:]


async def test_a_history_that_is_not_sorted_by_time_is_walked_in_its_own_order() -> None:
    entries = History.of(50).entries[::-1]
    rows = [entry.wire for entry in entries]
    history = Scripted(lambda page, size: answer_of(rows[page * size : (page + 1) * size], -(-50 // size)))
    assert await all_numbers(history, first=7) == [entry.number for entry in entries]


# None of the numbers counts the page that it comes with.
@pytest.mark.parametrize("total_pages", ["many", -1, True, None, 0])
async def test_an_unreadable_count_of_pages_is_no_count(total_pages: object) -> None:
    rows = [entry.wire for entry in History.of(50).entries]
    history = Scripted(lambda page, size: answer_of(rows[page * size : (page + 1) * size], total_pages))
    assert len(await all_numbers(history)) == 50


@pytest.mark.parametrize(
    "answer",
    [
        lambda _page, _size: answer_of([Entry(2, 1).wire], 9_999_999_999),
        lambda page, _size: answer_of([], page + 2),
        lambda page, size: answer_of([Entry(2, 1).wire] * size if page % 2 else [], page + 2),
        lambda page, size: answer_of([Entry(2 * page + 2 * size, None).wire] * size, 9_999_999_999),
    ],
    ids=["the same page again", "always one more page", "the same row again", "another row for each size"],
)
@pytest.mark.no_cover
async def test_a_walk_ends_whatever_the_numbers_say(answer: Any) -> None:
    history = Scripted(answer)
    parts = await parts_of(history, first=5)
    assert len(history.keys) <= len(parts) * MAX_CALLS
    assert len(history.keys) <= (MAX_FRUITLESS_CALLS + MAX_CALLS) * (1 + sum(len(found.nodes) for found in parts))


@pytest.mark.parametrize(("number", "more"), [(MAX_ROWS // 100 - 2, True), (MAX_ROWS // 100 - 1, False)])
async def test_no_page_is_read_behind_a_hundred_thousand_rows(number: int, *, more: bool) -> None:
    history = Scripted(lambda page, _size: answer_of([Entry(page, 1).wire], page + 2))
    pages = Pages(KEY, WalkPosition(TODAY, TODAY), 100, number)
    await pages.read_next(history.load)
    assert pages.more == more


@pytest.mark.parametrize("rows", [{}, "none", [Entry(2, 1).wire, "a row"], [Entry(2, 1).wire, None]])
async def test_a_page_without_a_readable_list_of_rows_fails(rows: object) -> None:
    with pytest.raises(InvalidFieldError) as failed:
        await part(Scripted(lambda _page, _size: {"transactionInfo": rows}))
    assert failed.value.field == "transactionInfo"


async def test_a_history_tells_when_its_last_page_arrived() -> None:
    history = Scripted(lambda _page, _size: answer_of([]))
    assert (await part(history)).as_of == DETAILS.answered_at


async def test_rows_and_keys_do_not_print_what_is_personal() -> None:
    printed = repr((await part(History.of(3)), KEY))
    assert [secret for secret in ("가게", KEY.par.reveal(), "1001") if secret in printed] == []


@pytest.mark.parametrize("width", [1, 2, 7, 20, 99, 100])
def test_one_page_holds_all_that_a_part_needs(width: int) -> None:
    for offset in range(1, 2500):
        size, page = overlapping(offset, width)
        assert page * size < offset
        assert (page + 1) * size >= offset + width
        assert size <= max(2 * width + 1, width + 20)
