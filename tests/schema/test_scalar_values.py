"""`CardNumber` and `Won`, through the schema that clients see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError, GraphQLScalarType, parse_value
from hypothesis import given
from hypothesis import strategies as st

from schema.query import build_schema
from schema.secrets import CardNo
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = "9491339400000013"
CANARY = "94913394"
REFUSAL = "A CardNumber is a string of 16 digits."
BIGGEST = 2**53 - 1


def scalar(name: str) -> GraphQLScalarType:
    found = build_schema().get_type(name)
    assert isinstance(found, GraphQLScalarType)
    return found


CARD_NUMBER = scalar("CardNumber")
WON = scalar("Won")


def from_variable(value: Any) -> Any:
    return CARD_NUMBER.parse_value(value)


def from_literal(text: str) -> Any:
    return CARD_NUMBER.parse_literal(parse_value(text))


def test_a_card_number_comes_from_a_variable_as_a_secret() -> None:
    assert CardNo(CARD) == from_variable(CARD)


@pytest.mark.parametrize("literal", [f'"{CARD}"', f'"""{CARD}"""', f'"\\u0039{CARD[1:]}"'])
def test_a_card_number_comes_from_a_string_literal_as_a_secret(literal: str) -> None:
    assert CardNo(CARD) == from_literal(literal)


@table(
    "literal",
    [
        CARD,
        f"{CARD}.0",
        "true",
        "null",
        f"C{CARD}",
        f'["{CARD}"]',
        f'{{cardNo: "{CARD}"}}',
        f'"{CARD}0"',
        f'"{CARD[:-1]}"',
        f'"{CARD}\\n"',
        f'"{CARD[:-1]}\\u0663"',
        '""',
    ],
)
def test_any_other_literal_is_refused_without_an_echo(literal: str) -> None:
    refused_without_an_echo(lambda: from_literal(literal))


@pytest.mark.parametrize(
    "value", [None, True, int(CARD), float(CARD), [CARD], {"cardNo": CARD}, CARD.encode(), f"{CARD}\n", CARD[1:]]
)
def test_any_other_variable_is_refused_without_an_echo(value: Any) -> None:
    refused_without_an_echo(lambda: from_variable(value))


def refused_without_an_echo(convert: Callable[[], Any]) -> None:
    with pytest.raises(GraphQLError) as caught:
        convert()

    assert caught.value.message == REFUSAL
    # Nor may its cause keep the value.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert caught.value.original_error is None


def test_a_refused_literal_is_located_in_the_document() -> None:
    node = parse_value('"1234"')

    with pytest.raises(GraphQLError) as caught:
        CARD_NUMBER.parse_literal(node)

    assert [node] == caught.value.nodes


@pytest.mark.parametrize("value", [CardNo(CARD), CARD])
def test_a_card_number_is_answered_in_clear(value: Any) -> None:
    assert CARD_NUMBER.serialize(value) == CARD


@pytest.mark.parametrize("value", [int(CARD), None, f"{CARD}0", f"{CARD}\n", CARD.encode(), "kim"])
def test_nothing_else_is_answered_as_a_card_number(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        CARD_NUMBER.serialize(value)

    assert CANARY not in str(caught.value)


@table("amount", [0, 1, 9_999_999_999, BIGGEST, -1, -BIGGEST])
@table("convert", [WON.serialize, WON.parse_value])
def test_whole_won_within_the_range_of_a_json_number_pass_unchanged(
    amount: int, convert: Callable[[Any], Any]
) -> None:
    converted = convert(amount)

    assert amount == converted
    assert type(converted) is int


@table(
    "value",
    [BIGGEST + 1, -BIGGEST - 1, 10**30, True, False, 0.0, 1.0, 1.5, float("nan"), float("inf"), "1", None, [1]],
)
@table("convert", [WON.serialize, WON.parse_value])
def test_what_is_no_amount_of_whole_won_is_refused(value: Any, convert: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        convert(value)


@given(st.integers())
def test_won_never_lose_a_digit(amount: int) -> None:
    if abs(amount) <= BIGGEST:
        assert amount == int(float(WON.serialize(amount)))
        return
    with pytest.raises(TypeError):
        WON.serialize(amount)
