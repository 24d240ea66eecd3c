"""The list of a member's cards: which fields may be missing, and how a card is found in it."""

from __future__ import annotations

from typing import Any

import pytest

from graph.konaplate.endpoints.card_list import CARD_LIST, CardList, CardRow
from graph.konaplate.errors import InvalidFieldError
from schema.secrets import CardNo, MemberId, Par
from tests.konaplate.endpoints.calls import faults
from tests.konaplate.endpoints.pages import CARD_NO, PAR, PHYSICAL_NO, ROW
from tests.konaplate.support import DETAILS, without
from tests.tables import table

DOCUMENTED = ("par", "balance", "isNamed")
MOBILE, PHYSICAL, OTHER = CardNo(CARD_NO), CardNo(PHYSICAL_NO), CardNo("9491339400000000")


def read(*rows: object) -> CardList:
    return CARD_LIST.read({"cardDataInfo": list(rows)}, DETAILS, MemberId("1"))


def row(**changes: object) -> dict[str, Any]:
    return {**ROW, **changes}


def one(**changes: object) -> CardRow:
    return read(row(**changes)).card_data_info[0]


def test_a_row_holds_what_was_sent() -> None:
    read_row = one()
    assert (read_row.par, read_row.card_no, read_row.balance, read_row.pending_amount, read_row.is_named) == (
        Par(PAR), MOBILE, 9_999_999_999, 1_000, True,
    )  # fmt: skip
    assert read_row.limits is not None
    assert (read_row.limits.day, read_row.limits.once, read_row.limits.month) == (300_000, 100_000, 0)
    points = read_row.card_point_info or []
    assert [(each.point_name, each.point_policy_id, each.remaining_point, each.auto_use) for each in points] == [
        ("캐시백", "P1", 120, True),
        ("포인트", "P2", 0, False),
    ]
    assert (read_row.service_id, read_row.service_name) == ("100000000000001", "지역 카드")


@table("name", [name for name in ROW if name not in DOCUMENTED])
def test_a_field_that_is_only_seen_may_be_absent_or_null(name: str) -> None:
    for sent in (without(ROW, name), row(**{name: None})):
        assert faults(read(sent)) == []


@table("name", DOCUMENTED)
def test_a_documented_field_that_is_missing_fails_alone(name: str) -> None:
    for sent in (without(ROW, name), row(**{name: None})):
        assert faults(read(sent, ROW)) == [name]


@table(
    ("name", "value"),
    [
        ("par", 5), ("par", ""), ("balance", -1), ("balance", 10_000_000_000), ("balance", "1,000"),
        ("isNamed", "Y"), ("isNamed", 1), ("pendingAmount", 1.5), ("limits", [1]), ("cardPointInfo", {}),
        ("mobileCardNo", "94913394"), ("mobileCardNo", f"{CARD_NO[:6]}******1234"),
        ("expiryDate", 3112), ("physicalCardNo", int(CARD_NO)),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_spoils_its_own_field(name: str, value: object) -> None:
    assert faults(read(row(**{name: value}), ROW)) == [name]


@table("text", ["3112", "20311231", "311231", "31/12", ""])
def test_the_expiry_date_stays_a_text_in_every_form(text: str) -> None:
    assert one(expiryDate=text).expiry_date == text


@table("limits", [{}, {"day": 1}, {"day": "5", "once": None, "month": 9_999_999_999}])
def test_limits_may_be_in_parts(limits: dict[str, object]) -> None:
    assert faults(read(row(limits=limits))) == []


@table(
    ("changes", "number", "status"),
    [
        ({}, MOBILE, "ACTIVE"),
        ({"physicalCardNo": None, "physicalCardStatus": None}, MOBILE, "ACTIVE"),
        ({"mobileCardNo": None}, PHYSICAL, "SUSPENDED"),
        ({"mobileCardNo": "unreadable"}, PHYSICAL, "SUSPENDED"),
        ({"mobileCardNo": None, "physicalCardNo": None}, None, "ACTIVE"),
        ({"mobileCardNo": None, "physicalCardNo": None, "mobileCardStatus": None}, None, None),
        ({"mobileCardStatus": "FROZEN"}, MOBILE, "FROZEN"),
    ],
)
def test_the_number_and_the_status_are_of_the_same_card(
    changes: dict[str, object], number: CardNo | None, status: str | None
) -> None:
    read_row = one(**changes)
    assert (read_row.card_no, read_row.card_status) == (number, status)


def test_a_number_that_cannot_be_read_is_no_missing_number() -> None:
    assert isinstance(one(mobileCardNo="unreadable", physicalCardNo=None).card_no, InvalidFieldError)
    assert isinstance(one(mobileCardNo=None, physicalCardNo="unreadable").card_no, InvalidFieldError)


@pytest.mark.parametrize("number", [MOBILE, PHYSICAL])
def test_a_card_is_found_by_either_number_wherever_it_is(number: CardNo) -> None:
    others = row(par="P" * 27, mobileCardNo="9491339411111111", physicalCardNo=None)
    for rows in ([ROW], [others, ROW], [ROW, others], [5, ROW], [row(mobileCardNo="?", physicalCardNo=None), ROW]):
        found = read(*rows).row_of(number)
        assert found is not None
        assert found.par == Par(PAR)


@pytest.mark.parametrize(
    "second",
    [
        {"par": "P" * 27},
        {"pendingAmount": 77},
        {"par": "P" * 27, "mobileCardNo": None, "physicalCardNo": MOBILE.reveal()},
    ],
    ids=["another par", "another amount", "as the physical number"],
)
def test_a_card_that_two_different_rows_may_be_is_neither(second: dict[str, object]) -> None:
    for rows in ([ROW, row(**second)], [row(**second), ROW]):
        with pytest.raises(InvalidFieldError):
            read(*rows).row_of(MOBILE)


def test_a_row_that_comes_twice_is_one_card() -> None:
    for twice in (ROW, row(balance=None)):
        assert read(twice, twice).row_of(MOBILE) is not None


def test_a_card_that_is_not_there_is_none() -> None:
    for rows in ([], [ROW], [row(mobileCardNo=None, physicalCardNo=None)]):
        assert read(*rows).row_of(OTHER) is None


@table("rows", [[5], [None], [ROW, 5], [row(mobileCardNo="?")], [row(physicalCardNo=1), ROW]])
def test_a_card_that_may_be_the_unreadable_one_is_not_missing(rows: list[object]) -> None:
    with pytest.raises(InvalidFieldError):
        read(*rows).row_of(OTHER)


def test_a_list_that_cannot_be_read_holds_no_card_and_misses_none() -> None:
    with pytest.raises(InvalidFieldError):
        CARD_LIST.read({"cardDataInfo": {}}, DETAILS, MemberId("1")).row_of(MOBILE)
