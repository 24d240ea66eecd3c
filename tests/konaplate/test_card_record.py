"""The record of a card: every field fails alone, and drift is kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given

from graph.konaplate.endpoints.card_info import CARD_INFO, CardInfo, CashReceipt
from graph.konaplate.errors import InvalidFieldError, KonaplateError
from graph.konaplate.responses import SPOILED
from schema.secrets import IdentityNo, MemberId
from tests.konaplate.json_values import json_objects
from tests.konaplate.support import (
    CARD,
    DETAILS,
    USER_ID,
    as_sent,
    card_fields,
    deterministic,
    leaks,
    without,
)
from tests.support import filled
from tests.tables import table

ABSENT: Final = ...
NO_TEXT: Final[list[object]] = [5, Decimal("1.5"), SPOILED, True, False, [], ["a"], {}, {"a": 1}]
NO_NUMBER: Final[list[object]] = [
    True,
    False,
    -1,
    "-1",
    Decimal("1.5"),
    Decimal("-0.5"),
    Decimal("1e300"),
    Decimal("-1e300"),
    Decimal("1e-400"),
    Decimal("1e-99999999"),
    Decimal("0.99999999999999999999"),
    Decimal("4503599627370497.5"),
    5.0,
    SPOILED,
    "",
    " 5",
    "5\n",
    "+5",
    "1.0",
    "1e3",
    "0x10",
    "５",
    "abc",
    "9" * 20,
    "0" * 19 + "7",
    [],
    [5],
    {},
]
FAULTS: Final[dict[str, list[object]]] = {
    "userId": [
        *NO_NUMBER,
        10**19,
        "10000000000000000000",
        Decimal("1e19"),
        Decimal("1e18"),
        Decimal("9007199254740993.0"),
    ],
    "balance": [*NO_NUMBER, ABSENT, None, 10**10, "10000000000", Decimal("1e10"), USER_ID],
    "serviceId": [*NO_TEXT, ABSENT, None],
    "serviceName": [*NO_TEXT, ABSENT, None],
    "ownerKa": NO_TEXT,
    "cardStatus": NO_TEXT,
    "cashReceiptInfo": [5, 1.5, True, False, "", "0", [], [{"approvalDiv": "0", "idNo": "1", "manYn": "0"}]],
    "isAutoRechargeBeforePayment": [ABSENT, None, 0, 1, 1.0, "true", "Y", "", [], {}, SPOILED],
}
INNER: Final = ["approvalDiv", "idNo", "manYn"]


def read(fields: dict[str, Any]) -> CardInfo:
    return CARD_INFO.read(fields, DETAILS, CARD)


def record_with(name: str, value: object) -> CardInfo:
    fields = without(card_fields(), name) if value is ABSENT else card_fields(**{name: value})
    return read(fields)


def assert_fault(value: object, name: str) -> None:
    """The error of one field: its name and the call, nothing of the value."""
    assert isinstance(value, InvalidFieldError)
    assert (name, DETAILS) == (value.field, value.details)
    assert leaks(value) == []


def test_a_good_card_has_every_field() -> None:
    expected = filled(
        CardInfo,
        user_id=MemberId(str(USER_ID)),
        balance=9_999_999_999,
        service_id="100000000000001",
        service_name="지역 카드",
        owner_ka="200000000000002",
        cash_receipt_info=CashReceipt("0", IdentityNo("01098765432"), "1"),
        card_status="ACTIVE",
        is_auto_recharge_before_payment=True,
    )
    assert read(card_fields()) == expected


@table(("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values])
def test_a_bad_field_fails_alone(name: str, value: object) -> None:
    record = as_sent(record_with(name, value))
    assert_fault(record[name], name)
    neighbours = without(as_sent(read(card_fields())), name)
    assert neighbours == without(record, name)


def test_every_field_of_a_card_has_faults_here() -> None:
    assert FAULTS.keys() == card_fields().keys()


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
@pytest.mark.parametrize("name", ["userId", "ownerKa", "cashReceiptInfo", "cardStatus"])
def test_an_optional_field_may_be_missing(name: str, value: object) -> None:
    assert as_sent(record_with(name, value))[name] is None


@table("value", [ABSENT, None, *NO_TEXT])
@table("name", INNER)
def test_a_bad_field_of_the_receipt_fails_alone(name: str, value: object) -> None:
    well = card_fields()["cashReceiptInfo"]
    receipt = without(well, name) if value is ABSENT else {**well, name: value}
    record = read(card_fields(cashReceiptInfo=receipt))
    good = read(card_fields())
    assert isinstance(record.cash_receipt_info, CashReceipt)
    assert isinstance(good.cash_receipt_info, CashReceipt)
    assert_fault(as_sent(record.cash_receipt_info)[name], name)
    assert without(as_sent(good.cash_receipt_info), name) == without(as_sent(record.cash_receipt_info), name)
    assert without(as_sent(good), "cashReceiptInfo") == without(as_sent(record), "cashReceiptInfo")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "1"),
        (9_223_372_036_854_775_807, "9223372036854775807"),
        (9_223_372_036_854_775_808, "9223372036854775808"),
        (9_999_999_999_999_999_999, "9999999999999999999"),
        ("9223372036854775808", "9223372036854775808"),
        ("9999999999999999999", "9999999999999999999"),
        ("0000000000000000007", "7"),
        (Decimal("7.0"), "7"),
        (Decimal("7e3"), "7000"),
        (Decimal("9007199254740992.0"), "9007199254740992"),
    ],
)
def test_a_member_id_keeps_every_digit(value: object, expected: str) -> None:
    user_id = record_with("userId", value).user_id
    assert isinstance(user_id, MemberId)
    assert user_id.reveal() == expected


@pytest.mark.parametrize(
    "zero", [0, "0", "000", "0" * 30, "0.0", "-0", Decimal("0.0"), Decimal("-0.0"), Decimal("0e9")]
)
def test_zero_in_any_form_is_nobodys_id(zero: object) -> None:
    assert record_with("userId", zero).user_id is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (9_999_999_999, 9_999_999_999),
        ("0", 0),
        ("9999999999", 9_999_999_999),
        ("0000000000000004200", 4_200),
        (Decimal("4200.0"), 4_200),
        (Decimal("4.2e3"), 4_200),
        (Decimal("-0.0"), 0),
    ],
)
def test_a_balance_is_a_whole_number_however_it_is_written(value: object, expected: int) -> None:
    balance = record_with("balance", value).balance
    assert (int, expected) == (type(balance), balance)


@pytest.mark.parametrize("word", ["BLOCKED", "active", "카드", "", "UNKNOWN"])
def test_an_unknown_status_survives(word: str) -> None:
    record = record_with("cardStatus", word)
    assert (word, ()) == (record.card_status, record.drift)


@pytest.mark.parametrize("name", ["approvalDiv", "manYn"])
def test_an_unknown_word_of_the_receipt_survives(name: str) -> None:
    receipt = {**card_fields()["cashReceiptInfo"], name: "7"}
    record = read(card_fields(cashReceiptInfo=receipt))
    assert isinstance(record.cash_receipt_info, CashReceipt)
    assert as_sent(record.cash_receipt_info)[name] == "7"


@pytest.mark.parametrize(
    ("name", "size"), [("serviceId", 15), ("serviceName", 256), ("ownerKa", 15), ("cardStatus", 10)]
)
def test_a_text_longer_than_documented_is_kept_and_reported(name: str, size: int) -> None:
    fits, drifts = record_with(name, "가" * size), record_with(name, "가" * (size + 1))
    assert ("가" * size, ()) == (as_sent(fits)[name], fits.drift)
    assert ("가" * (size + 1), (name,)) == (as_sent(drifts)[name], drifts.drift)


@pytest.mark.parametrize(("name", "size"), [("approvalDiv", 1), ("idNo", 20), ("manYn", 1)])
def test_a_text_of_the_receipt_longer_than_documented_is_kept_and_reported(name: str, size: int) -> None:
    for length, drift in ((size, ()), (size + 1, (name,))):
        receipt = {**card_fields()["cashReceiptInfo"], name: "1" * length}
        record = read(card_fields(cashReceiptInfo=receipt))
        assert isinstance(record.cash_receipt_info, CashReceipt)
        value = as_sent(record.cash_receipt_info)[name]
        kept = value.reveal() if isinstance(value, IdentityNo) else value
        assert ("1" * length, drift) == (kept, record.drift)


def test_all_that_drifts_is_reported_and_what_fails_is_not() -> None:
    fields = card_fields(serviceId="1" * 16, ownerKa="1" * 16, serviceName=5)
    assert read(fields).drift == ("serviceId", "ownerKa")


def test_fields_that_are_not_documented_are_not_read() -> None:
    fields = card_fields(cardNo=CARD.reveal(), par="1" * 27, response={"code": "000_000"})
    assert read(card_fields()) == read(fields)


def test_a_card_shows_its_personal_data_masked() -> None:
    record = read(card_fields())
    assert leaks(record) == []
    assert "MemberId(****5808)" in repr(record)
    assert "IdentityNo(010-****-5432)" in repr(record)


def test_a_field_that_fails_shows_nothing_of_its_value() -> None:
    fields: dict[str, Any] = {name: [CARD.reveal(), str(USER_ID), "01098765432"] for name in card_fields()}
    assert leaks(read(fields)) == []


@deterministic
@given(fields=json_objects())
def test_no_json_object_makes_a_card_raise(fields: dict[str, Any]) -> None:
    record = read(fields)
    faults = [value for value in as_sent(record).values() if isinstance(value, KonaplateError)]
    assert {type(fault) for fault in faults} <= {InvalidFieldError}
    balance = as_sent(record)["balance"]
    assert isinstance(balance, InvalidFieldError) or 0 <= balance < 10**10
