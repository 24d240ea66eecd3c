"""The lines that every request writes: the same lines as by the long way, or the long way itself."""

from __future__ import annotations

import json
import logging
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.telemetry.lines import Lines, line_of, to_json
from graph.telemetry.redaction import is_clean, redact_event
from schema.secrets import CardNo, PersonalText

CARD = "9491339400000013"
HASH = f"{CARD}abcdef{CARD}abcdef{CARD}abcd"


class Word(StrEnum):
    """A text of another kind."""

    CARD = CARD
    SHORT = "short"


class Figure(IntEnum):
    """A number of another kind."""

    CARD = int(CARD)
    SMALL = 3


DIGITS = st.text("0123456789 -._,x５٣", min_size=8, max_size=24)
TEXTS = (
    st.text()
    | st.tuples(st.text(), DIGITS, st.text()).map("".join)
    | st.sampled_from([CARD, HASH, HASH[:-1], "221108120814-0123456", "9491-3394 0000.0013", "\ud800", "\x85"])
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.integers(10**12 - 2, 10**12 + 2)
    | st.integers(2**63 - 1, 2**65)
    | st.floats()
    | st.floats(10**11, 10**14)
    | TEXTS
)
KINDS: st.SearchStrategy[Any] = st.sampled_from(
    [
        CardNo(CARD),
        PersonalText("홍길동"),
        Word.CARD,
        Word.SHORT,
        Figure.CARD,
        Figure.SMALL,
        b"bytes",
        object(),
        {1, 2},
    ]
)
LISTS = st.lists(TEXTS, max_size=3)
NESTED = st.lists(SCALARS | LISTS | KINDS, max_size=3) | st.dictionaries(TEXTS, SCALARS | KINDS, max_size=3)
NAMES = st.sampled_from(["event", "document", "sha256", "correlation_id", "request_id", "operation", "codes", "n"])


@given(st.dictionaries(NAMES, SCALARS | LISTS | LISTS.map(tuple) | NESTED | KINDS, max_size=6))
def test_the_short_way_and_the_long_way_come_to_the_same_line(event: dict[str, Any]) -> None:
    assert to_json(redact_event(None, "info", event)) + b"\n" == line_of(event)


@given(st.dictionaries(NAMES, SCALARS | LISTS, max_size=4))
def test_a_line_is_ascii_in_one_line_and_holds_what_the_event_holds(event: dict[str, Any]) -> None:
    line = line_of(event)
    assert line.isascii()
    assert [line] == line.splitlines(keepends=True)
    assert json.loads(json.dumps(redact_event(None, "info", event))) == json.loads(line)


@pytest.mark.parametrize(
    "value",
    [
        CARD,
        f"text {CARD}",
        "9491-3394-0000-0013",
        "1234567890123",
        "１２３４５６７８９０１２３",
        [CARD],
        ("a", CARD),
        10**12,
        -(10**12),
        1e12,
        float("nan"),
        float("-inf"),
        CardNo(CARD),
        Word.SHORT,
        Figure.SMALL,
        b"",
        {},
        [1],
        [["a"]],
        object(),
    ],
    ids=repr,
)
def test_what_may_have_to_be_masked_or_is_of_another_kind_takes_the_long_way(value: object) -> None:
    assert not is_clean({"value": value})


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        10**12 - 1,
        -(10**12) + 1,
        12.5,
        "",
        "a" * 100,
        "123456789012",
        CARD[:12] + "x",
        [],
        ["a"],
        (),
    ],
    ids=repr,
)
def test_an_ordinary_value_takes_the_short_way(value: object) -> None:
    assert is_clean({"value": value})


def test_a_hash_and_a_correlation_id_take_the_short_way_under_their_names_alone() -> None:
    assert is_clean({"document": HASH, "sha256": HASH, "correlation_id": "221108120814-0123456"})
    assert not is_clean({"other": HASH})
    assert not is_clean({"other": "221108120814-0123456"})
    assert not is_clean({"document": CARD})


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_777_777_777_123_456_789, "2026-05-03T03:09:37.123456Z"),
        (1_777_777_777_000_000_999, "2026-05-03T03:09:37.000000Z"),
        (1_777_777_778_999_999_999, "2026-05-03T03:09:38.999999Z"),
    ],
)
def test_a_line_has_its_moment_to_the_microsecond(moment: int, expected: str) -> None:
    line = Lines("x", lambda: moment).line(logging.INFO, {"event": "e"})
    assert {"event": "e", "logger": "x", "level": "info", "timestamp": expected} == json.loads(line)


def test_lines_of_the_same_and_of_other_seconds_have_their_own_moments() -> None:
    seconds = [5, 5, 6, 5, 86_400]
    clock = iter(second * 10**9 + 1000 for second in seconds)
    lines = Lines("x", lambda: next(clock))
    stamps = [json.loads(lines.line(logging.INFO, {}))["timestamp"][8:] for _ in seconds]
    assert stamps == [
        "01T00:00:05.000001Z",
        "01T00:00:05.000001Z",
        "01T00:00:06.000001Z",
        "01T00:00:05.000001Z",
        "02T00:00:00.000001Z",
    ]
