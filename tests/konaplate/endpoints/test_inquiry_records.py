"""What is special about single inquiry APIs: forms of dates, words, orders and keys."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from graph.konaplate.endpoints.service_info import ServiceInfo
from graph.konaplate.endpoints.tax_deduction import TAX_DEDUCTION, TaxDeductionInfo
from graph.konaplate.endpoints.terms import TERMS, TermsKey, TermsList
from graph.konaplate.endpoints.virtual_account import VIRTUAL_ACCOUNT
from graph.konaplate.errors import InvalidFieldError, InvalidResponseError
from schema.secrets import CardNo, IdentityNo, MemberId, Par
from tests.konaplate.endpoints.calls import OK, Call, faults, read
from tests.konaplate.endpoints.pages import (
    ACCOUNT_NO,
    CARD_NO,
    PAR,
    TERMS_ROW,
)
from tests.konaplate.support import DETAILS, encoded, without
from tests.tables import table

KST = timezone(timedelta(hours=9))


def kst(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=KST)  # type: ignore[misc,arg-type]


# Income-tax deduction.

CREATED = kst(2025, 12, 24, 10, 15)


def deduction(**fields: object) -> TaxDeductionInfo:
    return TAX_DEDUCTION.read({"par": PAR, **fields}, DETAILS, Par(PAR))


@table(
    ("value", "expected"),
    [
        (20_260_101, date(2026, 1, 1)), ("20260101", date(2026, 1, 1)), (20_260_101_093_000, date(2026, 1, 1)),
        ("20260101093000", date(2026, 1, 1)), (None, None),
    ],
)  # fmt: skip
def test_the_first_day_of_deduction_is_a_number_or_a_text(value: object, expected: date | None) -> None:
    assert deduction(deductionDate=value).deduction_date == expected


@table("value", [0, -1, 260_101, "2026-01-01", "soon", "", 20_261_332, True, [], {}])
def test_a_day_of_deduction_that_is_none_spoils_its_own_field(value: object) -> None:
    read_record = deduction(deductionDate=value, created="20251224101500")
    assert faults(read_record) == ["deductionDate"]
    assert (read_record.created, read_record.is_registered) == (CREATED, True)


@table(
    ("fields", "expected"),
    [
        ({}, False),
        ({"deductionDate": None, "created": None}, False),
        ({"deductionDate": 20_260_101}, True),
        ({"created": "20251224101500"}, True),
        ({"deductionDate": 20_260_101, "created": "nonsense"}, True),
    ],
)
def test_a_card_is_registered_if_there_is_a_date(fields: dict[str, object], expected: bool) -> None:
    assert deduction(**fields).is_registered is expected


@table("fields", [{"deductionDate": "soon"}, {"created": "soon"}, {"deductionDate": 0, "created": "soon"}])
def test_nobody_knows_whether_a_card_is_registered_whose_dates_are_nonsense(fields: dict[str, object]) -> None:
    assert isinstance(deduction(**fields).is_registered, InvalidFieldError)


@table("par", [f"{PAR[:-1]}Y", None, "", 5])
def test_a_deduction_of_another_card_is_refused_as_a_whole(par: object) -> None:
    with pytest.raises(InvalidResponseError):
        deduction(par=par)


# Terms.


def terms(*rows: object) -> TermsList:
    return TERMS.read({"termsList": list(rows)}, DETAILS, TermsKey("KO"))


def test_terms_hold_what_was_sent() -> None:
    (row,) = terms(TERMS_ROW).terms_list
    assert (row.tc_id, row.tc_action_type, row.title, row.url, row.required, row.order, row.is_agree) == (
        17, "PY", "전자금융거래 이용약관", "https://example.com/terms/17", "MANDATORY", 10, True,
    )  # fmt: skip
    assert row.agree_date == kst(2026, 1, 2, 3, 4, 5, 678_000)
    assert row.view_position_type == "OPEN_BANK"


@table("name", ["tcActionType", "agreeDate", "viewPositionType"])
def test_an_optional_field_of_terms_may_be_absent(name: str) -> None:
    assert faults(terms(without(TERMS_ROW, name))) == []


@table("name", ["tcId", "title", "url", "required", "order", "isAgree"])
def test_a_required_field_of_terms_fails_alone(name: str) -> None:
    assert faults(terms(without(TERMS_ROW, name), TERMS_ROW)) == [name]


def test_terms_are_sorted_by_number_and_what_has_none_comes_last() -> None:
    orders = ["10", "9", "x", 1, "100", None, "2"]
    rows = [{**TERMS_ROW, "tcId": place, "order": order} for place, order in enumerate(orders)]
    assert [each.tc_id for each in terms(*rows).in_order] == [3, 6, 1, 0, 4, 2, 5]


def test_terms_of_equal_order_stay_as_they_came_and_an_unreadable_one_is_last() -> None:
    listed = terms(5, {**TERMS_ROW, "tcId": 2}, {**TERMS_ROW, "tcId": 1}).in_order
    assert [getattr(each, "tc_id", type(each)) for each in listed] == [2, 1, InvalidFieldError]


def test_a_list_of_terms_that_cannot_be_read_is_a_fault() -> None:
    assert isinstance(TERMS.read({"termsList": 5}, DETAILS, TermsKey("KO")).in_order, InvalidFieldError)


@table(
    ("key", "sent"),
    [
        (TermsKey("KO"), {"locale": "KO"}),
        (TermsKey("EN", "DEDUCT"), {"locale": "EN", "tcActionType": "DEDUCT"}),
        (TermsKey("KO", None, MemberId("9" * 19)), {"locale": "KO", "userId": 9_999_999_999_999_999_999}),
    ],
)
def test_terms_are_asked_for_with_what_is_known(key: TermsKey, sent: dict[str, Any]) -> None:
    assert TERMS.request(key) == sent


# Virtual accounts.


@table(
    ("sent", "word"),
    [
        ("FIXATION", "FIXATION"), ("ROTATION", "ROTATION"), ("01", "FIXATION"), ("02", "ROTATION"), ("03", "03"),
        ("LENT", "LENT"), ("", None), (None, None),
    ],
)  # fmt: skip
def test_the_words_of_a_connection_have_two_forms_and_others_survive(sent: str | None, word: str | None) -> None:
    fields = {"accountNo": ACCOUNT_NO, "bankCode": "020", "connectType": sent}
    account = VIRTUAL_ACCOUNT.read(fields, DETAILS, CardNo(CARD_NO))
    assert (account.connect_word, account.connect_type) == (word, sent)
    assert (account.account_no, account.account_no.masked) == (IdentityNo(ACCOUNT_NO), "****5678")


def test_a_connection_of_another_kind_is_a_fault_in_both_forms() -> None:
    fields = {"accountNo": ACCOUNT_NO, "bankCode": "020", "connectType": 1}
    account = VIRTUAL_ACCOUNT.read(fields, DETAILS, CardNo(CARD_NO))
    shown: list[object] = [account.connect_word, account.connect_type]
    assert [InvalidFieldError] * 2 == list(map(type, shown))


# Card products.


async def products(rows: object, *keys: str) -> dict[str, object]:
    answer = await read("service_info", list(keys), {"serviceInfos": rows})
    return {
        key: each.service_name if isinstance(each, ServiceInfo) else each and type(each)
        for key, each in answer.items()
    }


async def test_products_are_matched_by_id_and_a_missing_one_is_no_product() -> None:
    rows = [{"serviceId": "b", "serviceName": "B"}, {"serviceId": "x", "serviceName": "X"}]
    assert await products(rows, "a", "b") == {"a": None, "b": "B"}
    assert await products([], "a") == {"a": None}


async def test_a_row_that_cannot_be_read_may_be_any_product() -> None:
    assert await products([{"serviceName": "?"}, {"serviceId": "b", "serviceName": "B"}], "a", "b") == {
        "a": InvalidResponseError,
        "b": "B",
    }


async def test_a_product_without_a_name_has_a_fault_there() -> None:
    answer = await read("service_info", ["a"], {"serviceInfos": [{"serviceId": "a"}]})
    assert faults(answer["a"]) == ["serviceName"]


# Member authentication.


@table(("value", "expected"), [(True, True), (False, False)])
async def test_a_member_is_authenticated_or_not(value: bool, expected: bool) -> None:
    call = await Call.of("identity_check", MemberId("1001"), encoded({"isAuthed": value, **OK}))
    assert call.answer.is_authed is expected


@table("value", ["Y", "true", 1, "", {}])
async def test_no_other_word_says_so(value: object) -> None:
    assert faults(await read("identity_check", MemberId("1001"), {"isAuthed": value})) == ["isAuthed"]
