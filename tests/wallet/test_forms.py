"""What rows and answers lack, and the forms of their dates, times, amounts and numbers."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from graph.konaplate.protocol import KST
from tests.security.callers import codes
from tests.tables import table
from tests.wallet.bank import (
    FIRST,
    FIVE,
    INTROSPECTION,
    THREE,
    TWELVE,
    bank,
    both_ways,
    member,
    rows,
    wallet,
)

if TYPE_CHECKING:
    from pathlib import Path

INVALID: Final = "UPSTREAM_INVALID_RESPONSE"
ROW: Final = """id cardNo maskedCardNo balance cardStatus cardStatusRaw serviceId serviceName isRegistered
  product { serviceId serviceName } pendingAmount isNamed expiryDate limits { day once month }
  points { pointName pointPolicyId remainingPoint autoUse } physicalCard { cardNo maskedCardNo cardStatus }"""
LIST: Final = f"{{ viewer {{ member {{ userId cards {{ {ROW} member {{ userId }} }} }} }} }}"
OWNER: Final = member(2005, INTROSPECTION)
DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+09:00")


async def cards_of(folder: Path, *of_member: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """The cards that member 2005 sees whose list has these rows, and the errors below them."""
    async with wallet(folder, bank(card_list=rows(*of_member))) as running:
        answer, calls = await both_ways(running, OWNER, LIST)
    assert calls[0] == "card_list"
    return answer["data"]["viewer"]["member"]["cards"], [(path[3:], code) for path, code in codes(answer)]


async def test_a_row_may_lack_whatever_is_not_documented(tmp_path: Path) -> None:
    row = {name: FIVE[0].row[name] for name in ("par", "balance", "isNamed")}
    cards, errors = await cards_of(tmp_path, row)
    (card,) = cards
    assert errors == []
    assert len(card.pop("id")) == 128
    there = {
        "balance": row["balance"],
        "isNamed": True,
        "isRegistered": True,
        "maskedCardNo": "*" * 16,
        "member": {"userId": "2005"},
    }
    assert {name: value for name, value in card.items() if value is not None} == there


async def test_each_field_that_is_not_documented_may_be_missing_or_null(tmp_path: Path) -> None:
    full = dict(FIVE[1].row)
    optional = [name for name in full if name not in ("par", "balance", "isNamed")]
    assert len(optional) > 12
    changed = [{each: value for each, value in full.items() if each != name} for name in optional]
    cards, errors = await cards_of(tmp_path, *changed, *({**full, name: None} for name in optional))
    assert errors == []
    assert cards[: len(optional)] == cards[len(optional) :]
    assert [card["balance"] for card in cards] == [full["balance"]] * len(cards)


# Changes of a row, the fields that cannot be shown, and what others show.
UNREADABLE: dict[str, tuple[dict[str, Any], set[str], dict[str, Any]]] = {
    "a balance": ({"balance": "much"}, {"balance"}, {"pendingAmount": 0}),
    "a pending amount": ({"pendingAmount": -1}, {"pendingAmount"}, {"balance": 182_350}),
    "a name": ({"isNamed": "Y"}, {"isNamed"}, {"balance": 182_350}),
    "limits": ({"limits": "none"}, {"limits"}, {"balance": 182_350}),
    "a limit": ({"limits": {"day": "x", "once": 5}}, {"limits.day"}, {"balance": 182_350}),
    "points": ({"cardPointInfo": {}}, {"points"}, {"balance": 182_350}),
    "a point": ({"cardPointInfo": [{"remainingPoint": "x"}]}, {"points.0.remainingPoint"}, {"isNamed": True}),
    "a mobile number": (
        {"mobileCardNo": "949133940000001"},
        set(),
        {"cardNo": FIVE[0].numbers[1], "physicalCard": "there"},
    ),
    "both numbers": (
        {"mobileCardNo": 5, "physicalCardNo": "x"},
        {"cardNo", "physicalCard"},
        {"balance": 182_350, "maskedCardNo": "*" * 16},
    ),
    "a physical number": ({"physicalCardNo": "x"}, {"physicalCard"}, {"cardNo": FIRST}),
    "a product": ({"serviceId": 5}, {"serviceId", "product"}, {"serviceName": "샌드박스 선불카드"}),
}


@pytest.mark.slow
@table("changes, unreadable, shown", UNREADABLE.values())
async def test_what_cannot_be_read_is_an_error_of_its_field_alone(
    changes: dict[str, Any], unreadable: set[str], shown: dict[str, Any], tmp_path: Path
) -> None:
    cards, errors = await cards_of(tmp_path, {**FIVE[0].row, **changes}, dict(FIVE[1].row))
    found = {(path[0], ".".join(map(str, path[1:])), code) for path, code in errors}
    assert {(place, code) for place, _, code in found} <= {(0, INVALID)}
    assert {path for _, path, _ in found} == unreadable
    for name, value in shown.items():
        assert cards[0][name] == value or (value == "there" and cards[0][name] is not None)
    assert len(cards[0]["id"]) == 128
    assert cards[1]["balance"] == FIVE[1].row["balance"]


async def test_a_card_by_its_number_is_not_taken_for_one_that_cannot_be_read(tmp_path: Path) -> None:
    query = f'{{ card(cardNo: "{FIRST}") {{ balance isNamed }} }}'
    lists: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
        "it is there": ([dict(FIVE[1].row), dict(FIVE[0].row)], []),
        "it is there beside one that cannot be read": (
            [{**FIVE[1].row, "mobileCardNo": "x", "physicalCardNo": None}, dict(FIVE[0].row)],
            [],
        ),
        "it may be the one that cannot be read": ([{**FIVE[0].row, "mobileCardNo": "x"}], [INVALID]),
        "it is not there": ([dict(FIVE[1].row)], []),
        "no card is": ([], []),
    }
    for name, (of_member, expected) in lists.items():
        async with wallet(tmp_path, bank(card_list=rows(*of_member))) as running:
            answer, _ = await both_ways(running, OWNER, query)
        assert [code for _, code in codes(answer)] == expected, name
        found = "it is there" in name
        assert answer["data"]["card"] == {"balance": 182_350, "isNamed": True if found else None}, name


async def test_a_physical_card_is_found_by_its_own_number(tmp_path: Path) -> None:
    twin, only = FIVE[0].numbers[1], THREE[2].numbers[0]
    query = "query ($n: CardNumber!) { card(cardNo: $n) { cardNo pendingAmount physicalCard { cardNo } } }"
    async with wallet(tmp_path) as running:
        one, _ = await both_ways(running, OWNER, query, {"n": twin})
        other, _ = await both_ways(running, member(2003, INTROSPECTION), query, {"n": only})
        listed, _ = await both_ways(running, member(2003, INTROSPECTION), LIST)
    assert one["data"]["card"] == {"cardNo": twin, "pendingAmount": 0, "physicalCard": {"cardNo": twin}}
    assert other["data"]["card"] == {"cardNo": only, "pendingAmount": 0, "physicalCard": {"cardNo": only}}
    assert listed["data"]["viewer"]["member"]["cards"][2]["cardNo"] == only


# Konaplate's words, and what is shown of them.
DEDUCTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "none": ({}, {"isRegistered": False, "deductionDate": None, "created": None}, []),
    "null": (
        {"deductionDate": None, "created": None},
        {"isRegistered": False, "deductionDate": None, "created": None},
        [],
    ),
    "a number of 8 digits": ({"deductionDate": 20250102}, {"deductionDate": "2025-01-02"}, []),
    "a number of 14 digits": ({"deductionDate": 20250102030405}, {"deductionDate": "2025-01-02"}, []),
    "a text": ({"deductionDate": "20250102"}, {"deductionDate": "2025-01-02"}, []),
    "a leap day": ({"deductionDate": "20240229"}, {"deductionDate": "2024-02-29"}, []),
    "no leap day": ({"deductionDate": "20250229"}, {"deductionDate": None}, ["deductionDate"]),
    "nonsense": ({"deductionDate": "next year"}, {"deductionDate": None}, ["deductionDate"]),
    "zero": ({"deductionDate": 0}, {"deductionDate": None}, ["deductionDate"]),
    "a fraction": ({"deductionDate": 20250102.5}, {"deductionDate": None}, ["deductionDate"]),
    "an object": ({"deductionDate": {}}, {"deductionDate": None}, ["deductionDate"]),
    "a time": ({"created": "20250102030405"}, {"created": "2025-01-02T03:04:05+09:00"}, []),
    "a time with milliseconds": (
        {"created": "20250102030405678"},
        {"created": "2025-01-02T03:04:05.678+09:00"},
        [],
    ),
    "a day for a time": ({"created": "20250102"}, {"created": None}, ["created"]),
    "no time of the day": ({"created": "20250102240000"}, {"created": None}, ["created"]),
}


async def test_dates_of_a_deduction_are_read_in_each_form_and_fail_alone(tmp_path: Path) -> None:
    query = f"""{{ card(cardNo: "{FIRST}") {{ balance
      taxDeduction {{ isRegistered deductionDate created }} }} }}"""
    for name, (fields, shown, unreadable) in DEDUCTIONS.items():
        par = FIVE[0].par
        answered = {"rows": {par: {"par": par, **fields}}, "reserved_rows": {}}
        async with wallet(tmp_path, bank(tax_deduction=answered)) as running:
            answer, _ = await both_ways(running, OWNER, query)
        card = answer["data"]["card"]
        assert card["balance"] == 182_350, name
        assert {each: card["taxDeduction"][each] for each in shown} == shown, name
        below = [(path[2:], code) for path, code in codes(answer) if path[-1] != "isRegistered"]
        assert below == [((each,), INVALID) for each in unreadable], name


async def test_the_sandboxes_nonsense_is_an_error_of_one_field_of_one_card(tmp_path: Path) -> None:
    query = "{ viewer { member { cards { balance taxDeduction { deductionDate created } } } } }"
    async with wallet(tmp_path) as running:
        answer, _ = await both_ways(running, member(2012, INTROSPECTION), query)
    assert codes(answer) == [(("viewer", "member", "cards", 7, "taxDeduction", "deductionDate"), INVALID)]
    cards = answer["data"]["viewer"]["member"]["cards"]
    assert cards[6]["taxDeduction"]["deductionDate"] == "2025-01-02"
    assert cards[7]["taxDeduction"] == {"deductionDate": None, "created": "2025-01-02T03:04:05+09:00"}


async def test_amounts_are_whole_numbers_in_either_form(tmp_path: Path) -> None:
    most = 9_999_999_999
    cards, errors = await cards_of(
        tmp_path,
        {**FIVE[0].row, "balance": most, "pendingAmount": str(most)},
        {**FIVE[1].row, "balance": 5.0, "limits": {"day": "0", "once": most, "month": 1}},
        {**FIVE[2].row, "balance": most + 1, "pendingAmount": 0.5},
    )
    assert (cards[0]["balance"], cards[0]["pendingAmount"]) == (most, most)
    assert (cards[1]["balance"], cards[1]["limits"]) == (5, {"day": 0, "once": most, "month": 1})
    assert errors == [((2, "balance"), INVALID), ((2, "pendingAmount"), INVALID)]


def as_of(text: str) -> datetime:
    assert DATE_TIME.fullmatch(text)
    return datetime.fromisoformat(text)


async def test_as_of_is_when_konaplate_answered_with_the_card(tmp_path: Path) -> None:
    query = f"""{{ viewer {{ member {{ cards {{ asOf isNamed ownerKa }} again: cards {{ asOf }} }} }}
      card(cardNo: "{FIRST}") {{ asOf isNamed pendingAmount }} again: card(cardNo: "{FIRST}") {{ asOf }} }}"""
    async with wallet(tmp_path) as running:
        before = datetime.now(KST)
        answer = await running.ask(OWNER, query)
        after = datetime.now(KST)
        await asyncio.sleep(0.01)
        later = await running.ask(OWNER, query)
    data = answer["data"]
    listed = data["viewer"]["member"]
    # One answer of Konaplate, one time: neither the way to another answer nor an alias changes it.
    (list_time,) = {card["asOf"] for card in listed["cards"] + listed["again"]}
    (card_time,) = {data["card"]["asOf"], data["again"]["asOf"]}
    # To the millisecond.
    start = before - timedelta(milliseconds=1)
    assert start <= as_of(list_time) <= after
    assert start <= as_of(card_time) <= after
    assert as_of(later["data"]["card"]["asOf"]) > as_of(card_time)


async def test_calls_that_requests_share_show_one_time(tmp_path: Path) -> None:
    query = "{ viewer { member { cards { asOf } } } }"
    async with wallet(tmp_path) as running:
        answers = await asyncio.gather(*(running.ask(OWNER, query) for _ in range(4)))
        calls = len(running.calls)
    times = {card["asOf"] for each in answers for card in each["data"]["viewer"]["member"]["cards"]}
    assert 1 <= len(times) <= calls < 4


async def test_terms_are_in_the_order_of_numbers_in_texts(tmp_path: Path) -> None:
    query = """{ terms { tcId order isAgree agreeDate required }
      viewer { member { terms(actionType: "PY") { tcId tcActionType isAgree agreeDate } } } }"""
    async with wallet(tmp_path) as running:
        answer, _ = await both_ways(running, OWNER, query)
    anybodys = answer["data"]["terms"]
    assert [each["order"] for each in anybodys] == [1, 2, 9, 10, 11, 100]
    assert {(each["isAgree"], each["agreeDate"]) for each in anybodys} == {(False, None)}
    own = answer["data"]["viewer"]["member"]["terms"]
    assert [each["tcId"] for each in own] == ["502", "501"]
    assert {each["agreeDate"] for each in own} == {"2024-01-02T03:04:05.678+09:00"}


async def test_unknown_words_are_unknown_and_shown_as_they_are(tmp_path: Path) -> None:
    cards, errors = await cards_of(tmp_path, {**FIVE[0].row, "mobileCardStatus": "INACTIVE"}, dict(TWELVE[11].row))
    assert errors == []
    assert {(card["cardStatus"], card["cardStatusRaw"]) for card in cards} == {("UNKNOWN", "INACTIVE")}
