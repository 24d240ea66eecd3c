"""Which rows of a history are one, and which are two."""

from __future__ import annotations

import pytest

from schema.secrets import PersonalText
from tests.konaplate.history import Entry, History, numbers, part
from tests.konaplate.scripted_history import Scripted, all_numbers, answer_of


async def test_the_last_shown_row_may_vanish_from_among_others_of_its_second() -> None:
    history = History([Entry(number, 5) for number in range(4)])
    after = (await part(history, first=1)).page_info.end_cursor
    history.remove(Entry(3, 5))
    assert numbers((await part(history, after=after)).nodes) == [2, 1, 0]


async def test_a_cancel_of_the_same_second_is_a_row_of_its_own() -> None:
    history = History([Entry(2, 5), Entry(3, 5), Entry(4, 5)])
    assert await all_numbers(history, first=1) == [4, 3, 2]


async def test_more_rows_of_one_second_than_a_cursor_holds_are_told_apart_by_position() -> None:
    history = History([Entry(number, 5) for number in range(350)])
    after, shown = None, list[int]()
    for number in range(1000, 1010):
        history.add(Entry(number, 6))
        found = await part(history, first=40, after=after)
        shown += numbers(found.nodes)
        after = found.page_info.end_cursor
    assert [number for number in shown if number < 1000] == list(range(349, -1, -1))


async def test_rows_of_one_second_that_a_cursor_no_longer_holds_are_not_shown_again() -> None:
    history = History([Entry(number, 5) for number in range(350)])
    after = (await part(history, first=100)).page_info.end_cursor
    after = (await part(history, first=100, after=after)).page_info.end_cursor
    for number in range(1000, 1110):
        history.add(Entry(number, 6))
    assert await all_numbers(history, first=40, after=after) == list(range(149, -1, -1))


@pytest.mark.parametrize("time", [None, "27/11/2026 10:00", 5])
async def test_rows_without_a_readable_time_are_told_apart_by_what_they_hold(time: object) -> None:
    rows = [{**Entry(number, 1).wire, "approvalDateTime": time} for number in range(90)]
    history = Scripted(lambda page, size: answer_of(rows[page * size : (page + 1) * size], -(-90 // size)))
    assert await all_numbers(history) == list(range(90))


async def test_a_row_without_a_time_is_not_shown_again_behind_one_that_came_in_before_it() -> None:
    history = History([*(Entry(number, 5) for number in range(3)), Entry(4, None)], counts_pages=False)
    after = (await part(history, first=4)).page_info.end_cursor
    history.add(Entry(6, 1))
    history.add(Entry(8, 0))
    for _ in range(2):
        history.add(Entry(100 + len(history.entries), 6))
    assert 4 not in await all_numbers(history, first=1, after=after)


async def test_rows_that_differ_only_in_a_secret_are_two_rows() -> None:
    row = {**Entry(2, 1).wire, "nrNumber": None}
    rows = [row, {**row, "merchantName": "다른 가게"}, row]
    found = await part(Scripted(lambda _page, _size: answer_of(rows, 1)))
    assert [row.merchant_name and row.merchant_name.reveal() for row in found.nodes] == ["가게", "다른 가게"]


@pytest.mark.parametrize("number", ["", "0", "17"])
async def test_rows_of_one_number_and_second_that_differ_in_amount_or_type_are_rows_of_their_own(
    number: str,
) -> None:
    row = {**Entry(2, 1).wire, "nrNumber": number}
    rows = [row, {**row, "trAmount": 2_000}, {**row, "trType": "01"}, {**row, "trAmount": 2_000}]
    found = await part(Scripted(lambda _page, _size: answer_of(rows, 1)))
    assert [(each.tr_amount, each.tr_type) for each in found.nodes] == [(2, None), (2_000, None), (2, "01")]


async def test_rows_without_a_number_are_told_apart_by_all_that_they_hold() -> None:
    row = {**Entry(2, 1).wire, "nrNumber": ""}
    found = await part(Scripted(lambda _page, _size: answer_of([row, {**row, "balanceAfter": 5}], 1)))
    assert len(found.nodes) == 2


async def test_a_shown_row_whose_other_fields_change_is_not_a_new_row() -> None:
    rows = [{**Entry(number, 5).wire} for number in range(4)]
    history = Scripted(lambda page, size: answer_of(rows[page * size : (page + 1) * size], -(-4 // size)))
    after = (await part(history, first=2)).page_info.end_cursor
    rows[1]["cashReciptInfo"] = {"approvalNo": "1"}
    assert numbers((await part(history, first=2, after=after)).nodes) == [2, 3]


async def test_a_row_that_konaplate_sends_twice_is_shown_once_and_the_part_filled() -> None:
    rows = [Entry(number, 5).wire for number in (9, 8, 8, 7, 6, 5)]
    history = Scripted(lambda page, size: answer_of(rows[page * size : (page + 1) * size], -(-6 // size)))
    assert numbers((await part(history, first=3)).nodes) == [9, 8, 7]
    assert len(history.keys) == 2


@pytest.mark.parametrize("number", [None, "", 5, {}], ids=repr)
async def test_a_row_without_a_readable_number_that_konaplate_sends_twice_is_shown_once(number: object) -> None:
    rows = [{"nrNumber": number, "merchantName": name} for name in "aab"]
    found = await part(Scripted(lambda _page, _size: answer_of(rows)))
    assert [node.merchant_name for node in found.nodes] == [PersonalText("a"), PersonalText("b")]
