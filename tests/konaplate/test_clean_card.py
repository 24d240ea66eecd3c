"""The clean case of a card: read at once, to the same record as field by field, or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.konaplate.clean import clean_card, read_card
from graph.konaplate.errors import InvalidFieldError
from graph.konaplate.json_bodies import read_object
from graph.konaplate.records import MAX_BALANCE, MAX_USER_ID, card_record
from tests.konaplate.json_values import json_objects, json_values
from tests.konaplate.support import DETAILS, card_fields, encoded, without
from tests.konaplate.test_card_record import ABSENT, FAULTS, INNER

many = settings(derandomize=True, deadline=None, max_examples=500)

SIZES: Final = {"serviceId": 15, "serviceName": 256, "ownerKa": 15, "cardStatus": 10}
INNER_SIZES: Final = {"approvalDiv": 1, "idNo": 20, "manYn": 1}
NUMBERS: Final = {"balance": MAX_BALANCE, "userId": MAX_USER_ID}
OPTIONAL: Final = ["userId", "ownerKa", "cashReceiptInfo", "cardStatus"]


def card_with(name: str, value: object) -> dict[str, Any]:
    return without(card_fields(), name) if value is ABSENT else card_fields(**{name: value})


def receipt_with(name: str, value: object) -> dict[str, Any]:
    well = card_fields()["cashReceiptInfo"]
    return card_fields(cashReceiptInfo=without(well, name) if value is ABSENT else {**well, name: value})


def comparable(value: object) -> object:
    """A record as what can be compared: two faults are equal that say the same."""
    if isinstance(value, InvalidFieldError):
        return type(value), value.field, value.details
    if isinstance(value, msgspec.Struct):
        return type(value), [comparable(getattr(value, name)) for name in value.__struct_fields__]
    return type(value), value


def assert_same(fields: dict[str, Any]) -> None:
    by_field = comparable(card_record(fields, DETAILS))
    assert by_field == comparable(read_card(fields, DETAILS))
    clean = clean_card(fields)
    assert clean is None or by_field == comparable(clean)


def test_a_good_card_is_clean() -> None:
    assert card_record(card_fields(), DETAILS) == clean_card(card_fields())


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_card_without_an_optional_field_is_clean(name: str, value: object) -> None:
    assert card_record(card_with(name, value), DETAILS) == clean_card(card_with(name, value))


def test_fields_that_nobody_reads_leave_a_card_clean() -> None:
    fields = card_fields(par="1" * 27, response={"code": "000_000"}, limits=[{"day": 1.5}], cardNo=None)
    assert card_record(fields, DETAILS) == clean_card(fields)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FAULTS.items() for value in values], ids=repr
)
def test_a_card_with_a_fault_is_not_clean(name: str, value: object) -> None:
    assert clean_card(card_with(name, value)) is None
    assert_same(card_with(name, value))


@pytest.mark.parametrize("value", [ABSENT, None, 5, True, [], {}], ids=repr)
@pytest.mark.parametrize("name", INNER)
def test_a_card_with_a_fault_in_its_receipt_is_not_clean(name: str, value: object) -> None:
    assert clean_card(receipt_with(name, value)) is None
    assert_same(receipt_with(name, value))


@pytest.mark.parametrize("letter", ["1", "가", "🙂"])
@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_a_text_is_clean_up_to_its_documented_size(name: str, size: int, letter: str) -> None:
    fits, drifts = card_with(name, letter * size), card_with(name, letter * (size + 1))
    assert (True, False) == (clean_card(fits) is not None, clean_card(drifts) is not None)
    assert read_card(drifts, DETAILS).drift == (name,)


@pytest.mark.parametrize(("name", "size"), INNER_SIZES.items())
def test_a_text_of_the_receipt_is_clean_up_to_its_documented_size(name: str, size: int) -> None:
    fits, drifts = receipt_with(name, "1" * size), receipt_with(name, "1" * (size + 1))
    assert (True, False) == (clean_card(fits) is not None, clean_card(drifts) is not None)
    assert read_card(drifts, DETAILS).drift == (name,)


@pytest.mark.parametrize(("name", "largest"), NUMBERS.items())
def test_a_number_is_clean_from_zero_to_its_largest(name: str, largest: int) -> None:
    assert [None] * 2 == [clean_card(card_with(name, number)) for number in (-1, largest + 1)]
    for number in (0, largest):
        assert card_record(card_with(name, number), DETAILS) == clean_card(card_with(name, number))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("number", ["7", Decimal("7.0"), Decimal("-0.0"), "0000000000000000007"], ids=repr)
def test_a_number_in_another_form_is_read_though_it_is_not_clean(name: str, number: object) -> None:
    assert clean_card(card_with(name, number)) is None
    assert_same(card_with(name, number))


_faults = st.one_of(
    [
        st.tuples(st.just(name), st.sampled_from([*values, *SIZES, "1" * 15, "1" * 16, None, ABSENT, 0, 1.0, "5"]))
        for name, values in FAULTS.items()
    ]
)
_changes = st.one_of(_faults, st.tuples(st.sampled_from(sorted(FAULTS)), json_values()))


@many
@given(changes=st.lists(_changes, max_size=3), more=json_objects(["response", "code", "par", "encData"]))
def test_a_card_that_is_nearly_well_reads_the_same_both_ways(
    changes: list[tuple[str, object]], more: dict[str, Any]
) -> None:
    fields = {**more, **card_fields()}
    for name, value in changes:
        fields = without(fields, name) if value is ABSENT else {**fields, name: value}
    assert_same(fields)


@many
@given(fields=json_objects())
def test_any_object_reads_the_same_both_ways(fields: dict[str, Any]) -> None:
    assert_same(fields)


@many
@given(
    first=st.sampled_from(sorted(FAULTS)),
    raw=st.one_of(
        st.from_regex(r"\A-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?\Z"),
        json_values().map(lambda value: encoded(value).decode()),
    ),
)
def test_a_member_that_comes_twice_and_odd_numbers_read_the_same_both_ways(first: str, raw: str) -> None:
    body = encoded(card_fields())
    for text in (
        body[:-1] + b',"%b":%b}' % (first.encode(), raw.encode()),
        b'{"%b":%b,' % (first.encode(), raw.encode()) + body[1:],
    ):
        fields = read_object(text)
        assert fields is not None
        assert_same(fields)
