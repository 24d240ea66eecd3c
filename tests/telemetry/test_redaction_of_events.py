"""Redaction: every value is harmless, or the whole event is withheld."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.telemetry.redaction import redact_event
from schema.secrets import CardNo, Credential, MemberId, PersonalText
from tests.tables import table
from tests.test_redact import most_digits

CARD = "9491339400000013"
MASK = "949133******0013"
WITHHELD = {"event": "event withheld: it could not be redacted", "level": "error"}


class Leaky:
    """An object whose repr contains a card number."""

    def __repr__(self) -> str:
        return f"Leaky(card={CARD}, name=홍길동)"


class Exploding:
    """An object whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError(CARD)


def redacted(**event: Any) -> dict[str, Any]:
    return dict(redact_event(None, "info", event))


@table(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (-5, -5),
        (999_999_999_999, 999_999_999_999),
        (int(CARD), MASK),
        (-int(CARD), f"-{MASK}"),
        (1_000_000_000_000, "[hidden]"),
        (9_999_999_999_999_999_999, "[hidden]"),
        (10**30, "[hidden]"),
        (12.5, 12.5),
        (0.1 + 0.2, 0.1 + 0.2),
        (9_491_339_400_000_012.0, "[hidden]"),
        (1_000_000_000_000.0, "[hidden]"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ("a text", "a text"),
        (f"card {CARD}", f"card {MASK}"),
        (CardNo(CARD), MASK),
        (MemberId(CARD), "****0013"),
        (Credential(CARD), "****"),
        (PersonalText("홍길동"), "****"),
        ([CARD, [1, CardNo(CARD)]], [MASK, [1, MASK]]),
        ((1, CARD), [1, MASK]),
        ({"a": {"b": CARD}}, {"a": {"b": MASK}}),
        ({CARD: 1}, {MASK: 1}),
        ({CardNo(CARD): 1}, {MASK: 1}),
        ({int(CARD): 1}, {MASK: 1}),
    ],
)
def test_a_value_is_kept_as_far_as_it_is_harmless(value: Any, expected: Any) -> None:
    result = redacted(event="e", value=value)

    assert result == {"event": "e", "value": expected}
    assert type(expected) is type(result["value"])


def test_the_names_of_fields_are_redacted_too() -> None:
    assert redacted(**{"event": "e", CARD: 1}) == {"event": "e", MASK: 1}


def looped() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


@table(
    "value",
    [
        Leaky(),
        [Leaky()],
        {"a": Leaky()},
        Exploding(),
        {Exploding(): 1},
        ValueError(CARD),
        CARD.encode(),
        {CARD},
        Path(CARD),
        Decimal(CARD),
        dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        10**5000,
        looped(),
        [[[[[["deep"]]]]]],
        {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}},
    ],
)
def test_an_event_that_cannot_be_cleaned_is_replaced_as_a_whole(value: Any) -> None:
    assert redacted(event="e", other="홍길동", value=value) == WITHHELD


def test_the_correlation_id_of_a_call_is_kept_although_it_may_be_all_digits() -> None:
    assert redacted(correlation_id="221108120814-0123456") == {"correlation_id": "221108120814-0123456"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CARD, MASK),
        (f"221108120814-0123456\n{CARD}", "[hidden]"),
        ("221108120814-01234567", "[hidden]"),
        ("２２１１０８１２０８１４-0123456", "[hidden]"),
        (int(CARD), MASK),
        (CardNo(CARD), MASK),
    ],
)
def test_nothing_else_passes_under_the_name_of_a_correlation_id(value: Any, expected: str) -> None:
    assert redacted(correlation_id=value) == {"correlation_id": expected}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.100.113.200", "203.100.113.200"),
        ("2001:4860:4860::8888", "2001:4860:4860::8888"),
        ("2001:4860:4860:1000:2000:3000:4000:8888", "2001:4860:4860:1000:2000:3000:4000:8888"),
        ("9491.3394.0000.0013", MASK),
        ("9491:33940000:0013", MASK),
    ],
)
def test_an_address_is_kept_and_what_is_none_is_not(address: str, expected: str) -> None:
    assert redacted(address=address) == {"address": expected}


def test_an_object_under_the_name_of_a_correlation_id_withholds_the_event() -> None:
    assert redacted(correlation_id=Leaky()) == WITHHELD


def test_only_the_field_of_its_name_may_hold_a_correlation_id() -> None:
    assert redacted(other="221108120814-0123456") == {"other": "[hidden]"}


def leaves(value: Any) -> list[Any]:
    """Every key and value below this one."""
    if isinstance(value, dict):
        return [*value, *(leaf for item in value.values() for leaf in leaves(item))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


CARD_NUMBERS = st.from_regex(r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}", fullmatch=True)
TEXTS = st.text() | st.tuples(st.text(), CARD_NUMBERS, st.text()).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**12, 10**19) | st.floats(10**12, 10**20) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_no_event_carries_a_long_run_of_digits(event: dict[str, Any]) -> None:
    for leaf in leaves(dict(redact_event(None, "info", event))):
        assert most_digits(leaf if isinstance(leaf, str) else repr(leaf)) < 13


OWN_NAMES = st.sampled_from(["correlation_id", "document", "address", "timestamp", CARD])
PARTS = st.text("0123456789", max_size=13) | st.just("221108120814-0123456") | TEXTS
FIELDS = PARTS | st.lists(PARTS, max_size=3) | st.lists(PARTS, max_size=3).map(tuple) | VALUES


@given(st.dictionaries(OWN_NAMES | PARTS, FIELDS, max_size=5))
def test_redaction_of_a_field_does_not_depend_on_other_fields(event: dict[str, Any]) -> None:
    alone = [item for name, value in event.items() for item in redact_event(None, "info", {name: value}).items()]
    assert json.dumps(dict(alone)) == json.dumps(redact_event(None, "info", event))


@given(st.lists(st.text("0123456789 -.", max_size=12), max_size=8))
def test_digits_of_several_fields_are_no_card_number(texts: list[str]) -> None:
    event = {f"field{'x' * index}": text for index, text in enumerate(texts)}
    assert event == redact_event(None, "info", dict(event))
