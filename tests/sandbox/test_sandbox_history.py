"""The transaction histories of the sandbox's cards: filters, pages that misbehave, and what a transaction says."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.app import create_sandbox
from tests.independent.raw_client import Draft
from tests.sandbox.calls import API, NOW, answered, ask, credentials, new_sandbox, refusal, send
from tests.tables import table

if TYPE_CHECKING:
    from starlette.applications import Starlette

TODAY = f"{NOW:%Y%m%d}"
ALL = {"startDate": "20250101", "endDate": TODAY}
LAST_30_DAYS = {"startDate": f"{NOW - timedelta(days=30):%Y%m%d}", "endDate": TODAY}
TYPES = {"00": "payment", "01": "charge", "02": "refund", "03": "transfer"}


async def par_of(user_id: int, place: int) -> str:
    rows = (await answered("card/list", {"userId": user_id}))["cardDataInfo"]
    par: str = rows[place]["par"]
    return par


async def page(par: str, number: int, size: int, *, to: Starlette | None = None, **clear: Any) -> dict[str, Any]:
    asked = {"page": number, "pageSize": size, "sort": "approvalDateTime", "orderByDirection": "DESC"}
    return await answered("transaction/card", {"par": par, **ALL, "pageRequest": asked, **clear}, to=to)


async def everything(user_id: int, place: int, **clear: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await page(await par_of(user_id, place), 0, 10_000, **clear))["transactionInfo"]
    return rows


async def walked(par: str, size: int, *, to: Starlette | None = None) -> list[list[dict[str, Any]]]:
    """The rows of all pages, as far as each of them says that there is another."""
    pages: list[list[dict[str, Any]]] = []
    total = 1
    while len(pages) < total:
        answer = await page(par, len(pages), size, to=to)
        total = answer["pageResponse"]["totalPages"]
        pages.append(answer["transactionInfo"])
    return pages


def key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["nrNumber"], row["authCancelType"], row["approvalDateTime"]


@table(
    ("user_id", "place", "count"),
    [(2001, 0, 1), (2003, 0, 45), (2005, 0, 35), (2005, 1, 130), (2005, 2, 3), (2005, 3, 0), (2012, 0, 2_000)],
)
async def test_a_card_has_so_many_transactions(user_id: int, place: int, count: int) -> None:
    assert len(await everything(user_id, place)) == count


@table(
    ("user_id", "place"), [(2001, 0), (2003, 0), (2005, 0), (2005, 1), (2012, 0), (2012, 4), (2012, 5), (1001, 0)]
)
async def test_balances_follow_from_each_other_up_to_the_cards_own(user_id: int, place: int) -> None:
    rows = await everything(user_id, place, includePreviousCard=True)
    card = (await answered("card/list", {"userId": user_id}))["cardDataInfo"][place]

    assert [rows[0]["balanceAfter"], *(row["balanceBefore"] for row in rows[:-1])] == [
        card["balance"],
        *(row["balanceAfter"] for row in rows[1:]),
    ]
    for row in rows:
        adds = (row["trType"] == "01") != (row["authCancelType"] == "CANCEL")
        assert row["balanceAfter"] - row["balanceBefore"] == (row["trAmount"] if adds else -row["trAmount"])
        assert 0 <= row["balanceBefore"] <= 9_999_999_999
        assert 0 < row["trAmount"] <= row["orgAmount"]


async def test_a_transaction_has_the_fields_that_were_seen() -> None:
    for row in await everything(2012, 0):
        assert row.keys() == {
            "trType", "rcgType", "nrNumber", "trAmount", "orgAmount", "approvalCode", "balanceBefore",
            "balanceAfter", "merchantName", "bizLicenseNo", "authCancelType", "approvalDateTime", "discountAmount",
            "usedPointAmount", "savedPointAmount", "cashReciptInfo", "rechargeCancelable",
        }  # fmt: skip
        assert row["trType"] in TYPES
        assert row["authCancelType"] in ("AUTH", "CANCEL")
        assert re.fullmatch(r"[A-Z0-9]{18}", row["nrNumber"])
        assert re.fullmatch(r"[0-9]{14}", row["approvalDateTime"])
        assert (row["merchantName"] is None) == (row["trType"] != "00")
        receipt = row["cashReciptInfo"]
        assert receipt is None or receipt["approvalDate"] == row["approvalDateTime"][:8]


async def test_every_kind_of_transaction_is_there_with_cancels_that_follow_what_they_cancel() -> None:
    rows = await everything(2012, 0)

    assert {row["trType"] for row in rows} == TYPES.keys()
    assert {row["rechargeCancelable"] for row in rows} == {0, 1}
    assert {row["cashReciptInfo"] is None for row in rows} == {True, False}
    assert len({row["approvalCode"] for row in rows}) < len(rows)
    cancels = [place for place, row in enumerate(rows) if row["authCancelType"] == "CANCEL"]
    assert len(cancels) > 20
    for place in cancels:
        assert key(rows[place + 1])[:2] == (rows[place]["nrNumber"], "AUTH")


async def test_one_history_is_of_cancels_and_refunds() -> None:
    rows = await everything(2012, 5)

    assert {(row["trType"], row["authCancelType"]) for row in rows} == {
        ("00", "AUTH"),
        ("00", "CANCEL"),
        ("02", "AUTH"),
    }


@table(("user_id", "place"), [(2005, 0), (2005, 1), (2012, 0), (2012, 4), (2012, 5)])
async def test_transactions_are_told_apart_by_number_cancel_and_time_and_some_have_equal_times(
    user_id: int, place: int
) -> None:
    rows = await everything(user_id, place)
    times = [row["approvalDateTime"] for row in rows]

    assert times == sorted(times, reverse=True)
    assert len({key(row) for row in rows}) == len(rows) > len(set(times))


async def test_one_history_is_of_a_single_second() -> None:
    assert {row["approvalDateTime"] for row in await everything(2012, 4)} == {f"{NOW:%Y%m%d%H%M%S}"}


@table(("user_id", "place"), [(2001, 0), (2003, 0), (2005, 0), (2005, 1), (2005, 2), (2012, 0), (1001, 0)])
async def test_the_newest_transaction_is_of_now_and_the_last_30_days_show_some(user_id: int, place: int) -> None:
    rows = await everything(user_id, place, **LAST_30_DAYS)

    assert rows[0]["approvalDateTime"] == f"{NOW:%Y%m%d%H%M%S}"
    assert all(row["approvalDateTime"] >= LAST_30_DAYS["startDate"] for row in rows)


async def test_both_days_of_a_span_are_included() -> None:
    every = await everything(2012, 0)
    day = every[500]["approvalDateTime"][:8]
    of_the_day = [row for row in every if row["approvalDateTime"].startswith(day)]

    assert len(of_the_day) > 2
    assert await everything(2012, 0, startDate=day, endDate=day) == of_the_day
    assert await everything(2012, 0, startDate="20240101", endDate="20240131") == []


@pytest.mark.parametrize("kind", TYPES)
async def test_transactions_are_filtered_by_type(kind: str) -> None:
    every = await everything(2012, 0)

    assert await everything(2012, 0, trType=kind) == [row for row in every if row["trType"] == kind]
    assert await everything(2012, 0, trType="") == every


async def test_transactions_are_filtered_by_number() -> None:
    every = await everything(2012, 5)
    number = next(row["nrNumber"] for row in every if row["authCancelType"] == "CANCEL")

    assert [row["authCancelType"] for row in await everything(2012, 5, nrNumber=number)] == ["CANCEL", "AUTH"]


async def test_the_history_before_a_reissue_is_included_on_demand() -> None:
    since, every = await everything(2005, 0), await everything(2005, 0, includePreviousCard=True)

    assert since == every[:35]
    assert len(every) == 40
    assert await everything(2005, 0, includePreviousCard=False) == since


@pytest.mark.parametrize("size", [1, 7, 20, 35, 100])
async def test_steady_pages_hold_every_transaction_once(size: int) -> None:
    par = await par_of(2005, 0)
    pages = await walked(par, size)

    assert [row for rows in pages for row in rows] == await everything(2005, 0)
    assert [len(rows) for rows in pages[:-1]] == [size] * (len(pages) - 1)
    beyond = await page(par, len(pages), size)
    assert beyond["transactionInfo"] == []
    assert beyond["pageResponse"] == {"page": len(pages), "totalPages": len(pages), "numberOfElements": 0}


async def test_a_history_without_transactions_has_no_pages() -> None:
    answer = await page(await par_of(2005, 3), 0, 20)
    assert answer == {
        "pageResponse": {"page": 0, "totalPages": 0, "numberOfElements": 0},
        "transactionInfo": [],
    }


async def test_without_a_page_request_ten_come_the_oldest_first() -> None:
    par = await par_of(2005, 1)
    every = (await page(par, 0, 10_000))["transactionInfo"]
    plain = await answered("transaction/card", {"par": par, **ALL})
    second = await answered("transaction/card", {"par": par, **ALL, "pageRequest": {"page": 1}})

    assert plain["transactionInfo"] == every[::-1][:10]
    assert plain["pageResponse"] == {"page": 0, "totalPages": 13, "numberOfElements": 10}
    assert second["transactionInfo"] == every[::-1][10:20]


async def test_pages_shift_by_a_new_transaction_at_each_call() -> None:
    par, to = await par_of(2012, 1), new_sandbox()
    first, again = await page(par, 0, 10, to=to), await page(par, 0, 10, to=to)
    pages = await walked(par, 10, to=to)

    assert again["transactionInfo"][1:] == first["transactionInfo"][:-1]
    assert key(again["transactionInfo"][0]) not in {key(row) for row in first["transactionInfo"]}
    for before, after in pairwise(pages):
        assert before[-1] == after[0]
    distinct = {key(row) for rows in pages for row in rows}
    assert {key(row) for row in await everything(2012, 1)} > {key(row) for row in first["transactionInfo"][1:]}
    assert len(distinct) == sum(map(len, pages)) - len(pages) + 1 >= 40


async def test_each_sandbox_counts_its_own_calls() -> None:
    par = await par_of(2012, 1)
    one, other = new_sandbox(), new_sandbox()

    before = await page(par, 0, 10, to=one)
    await page(par, 0, 10, to=one)

    assert await page(par, 0, 10, to=other) == before


async def test_the_first_page_may_promise_more_than_there_is() -> None:
    par = await par_of(2012, 2)
    totals = [(await page(par, number, 20))["pageResponse"]["totalPages"] for number in range(3)]
    pages = await walked(par, 20)

    assert totals == [5, 2, 2]
    assert [len(rows) for rows in pages] == [20, 20]


async def test_a_page_among_full_ones_may_be_empty() -> None:
    pages = await walked(await par_of(2012, 3), 15)

    assert [len(rows) for rows in pages] == [15, 0, 15, 10]
    assert len({key(row) for rows in pages for row in rows}) == 40


@table(
    ("clear", "code"),
    [
        ({"par": None}, "000_003"),
        ({"startDate": None}, "000_003"),
        ({"endDate": None}, "000_003"),
        ({"par": ""}, "000_002"),
        ({"par": "P" * 26}, "000_015"),
        ({"par": "P" * 27}, "003_021"),
        ({"startDate": "2026-11-01"}, "000_015"),
        ({"startDate": "20261131"}, "000_002"),
        ({"startDate": "２０２６１１０１"}, "000_002"),
        ({"startDate": 20261101}, "000_002"),
        ({"endDate": ""}, "000_002"),
        ({"startDate": "20261128"}, "000_002"),
        ({"trType": "04"}, "000_002"),
        ({"trType": 0}, "000_002"),
        ({"trType": "PAYMENT"}, "000_002"),
        ({"includePreviousCard": "false"}, "000_002"),
        ({"includePreviousCard": 0}, "000_002"),
        ({"userId": 0}, "000_002"),
        ({"userId": "2005"}, "000_002"),
        ({"userId": 10**15}, "000_002"),
        ({"userId": 2003}, "003_021"),
        ({"pageRequest": []}, "000_002"),
        ({"pageRequest": {"page": -1}}, "000_002"),
        ({"pageRequest": {"page": 1_001}}, "000_002"),
        ({"pageRequest": {"page": "0"}}, "000_002"),
        ({"pageRequest": {"page": False}}, "000_002"),
        ({"pageRequest": {"pageSize": 0}}, "000_002"),
        ({"pageRequest": {"pageSize": 10_001}}, "000_002"),
        ({"pageRequest": {"orderByDirection": "desc"}}, "000_002"),
        ({"pageRequest": {"sort": "trAmount"}}, "000_002"),
        ({"pageRequest": {"size": 10}}, "000_002"),
        ({"nrNumber": ""}, "000_002"),
        ({"page": 0}, "020_001"),
    ],
)
async def test_a_wrong_request_for_transactions_is_refused(clear: dict[str, Any], code: str) -> None:
    good = {"par": await par_of(2005, 0), **ALL}
    assert refusal(await ask("transaction/card", {**good, **clear}))[:2] == (400, code)


async def test_a_member_may_be_named_whose_card_it_is() -> None:
    par = await par_of(2005, 0)
    assert (await page(par, 0, 5, userId=2005))["transactionInfo"] == (await page(par, 0, 5))["transactionInfo"]


async def test_two_sandboxes_answer_alike_to_the_byte() -> None:
    par = await par_of(2005, 0)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("card/list", {"userId": 2012}),
        ("card/info", {"cardNo": "9491339420050014"}),
        ("transaction/card", {"par": par, **ALL, "pageRequest": {"pageSize": 100}}),
        ("transaction/card", {"par": await par_of(2012, 1), **ALL}),
        ("virtual-account/inquiry", {"cardNo": "9491339420050014"}),
        ("cards/deduction", {"par": par}),
        ("terms/all", {"userId": 2005}),
        ("service/info/list", {"serviceIdList": ["SANDBOX00000001"]}),
    ]
    sandboxes = [new_sandbox(encrypted=False), new_sandbox(encrypted=False)]
    for api, clear in asked:
        draft = Draft(json.dumps(clear).encode(), API[api][0]).without("X-KM-Crypto-Key-Id")
        one, other = [await send(draft, to=sandbox) for sandbox in sandboxes]
        assert one.status_code == 200
        assert one.content == other.content


async def test_times_stay_for_a_day_and_then_start_anew() -> None:
    clock = [NOW.timestamp()]
    to = create_sandbox(credentials(), clock=lambda: clock[0])
    par, span = await par_of(2005, 0), {"startDate": "20261101", "endDate": "20261130"}
    first = await page(par, 0, 5, to=to, **span)

    clock[0] += 86_399
    assert await page(par, 0, 5, to=to, **span) == first
    clock[0] += 1
    tomorrow = await page(par, 0, 5, to=to, **span)
    assert tomorrow["transactionInfo"][0]["approvalDateTime"] == f"{NOW + timedelta(days=1):%Y%m%d%H%M%S}"
