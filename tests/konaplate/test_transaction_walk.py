"""A card's history as a connection: the calls, the cursors, and answers that are not what they seem."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from graph.konaplate.endpoints.transactions import TransactionPage, TransactionsKey
from graph.konaplate.errors import InvalidFieldError
from graph.konaplate.transaction_cursors import WalkPosition
from graph.konaplate.transaction_pages import MAX_ROWS, Pages, overlapping
from graph.konaplate.transaction_walk import MAX_CALLS, MAX_FRUITLESS_CALLS, walk
from graph.konaplate.view import ArgumentError
from graph.redact import holds_card_number
from schema.secrets import Par, PersonalText
from tests.konaplate.history import KEY, TODAY, Entry, History, ViewerSealer, numbers, part
from tests.konaplate.support import DETAILS

if TYPE_CHECKING:
    from graph.konaplate.transaction_history import TransactionHistory

DAY: Final = timedelta(days=1)
_MAX_PARTS: Final = 2000
BAD_CURSOR: Final = "`after` is not a cursor of this card with these arguments"


class Scripted:
    """Answers from a function of page and size, however wrong."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.keys: list[TransactionsKey] = []

    async def load(self, key: TransactionsKey) -> TransactionPage:
        self.keys.append(key)
        return TransactionPage.read(self._answer(key.page, key.page_size), DETAILS)


def answer_of(rows: list[Any], total_pages: object = None) -> dict[str, Any]:
    return {"pageResponse": {"totalPages": total_pages}, "transactionInfo": rows}


async def parts_of(history: Any, **changes: Any) -> list[TransactionHistory]:
    """All parts of a walk to the end."""
    parts = [await part(history, **changes)]
    while parts[-1].page_info.has_next_page:
        parts.append(await part(history, **{**changes, "after": parts[-1].page_info.end_cursor}))
        assert len(parts) < _MAX_PARTS
    return parts


async def all_numbers(history: Any, **changes: Any) -> list[int]:
    """The rows of a walk to the end."""
    return [number for found in await parts_of(history, **changes) for number in numbers(found.nodes)]


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


async def test_a_history_that_is_not_sorted_by_time_is_walked_in_its_own_order() -> None:
    entries = History.of(50).entries[::-1]
    rows = [entry.wire for entry in entries]
    history = Scripted(lambda page, size: answer_of(rows[page * size : (page + 1) * size], -(-50 // size)))
    assert await all_numbers(history, first=7) == [entry.number for entry in entries]


@pytest.mark.parametrize("number", [None, "", 5, {}], ids=repr)
async def test_a_row_without_a_readable_number_that_konaplate_sends_twice_is_shown_once(number: object) -> None:
    rows = [{"nrNumber": number, "merchantName": name} for name in "aab"]
    found = await part(Scripted(lambda _page, _size: answer_of(rows)))
    assert [node.merchant_name for node in found.nodes] == [PersonalText("a"), PersonalText("b")]


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
