"""Redaction: no card number passes, whatever surrounds it, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.redact import HIDDEN, holds_card_number, redact, safe_name

CARD = "9491339400000013"
MASK = "949133******0013"


def longest_run(text: str) -> int:
    """Digits in the longest run, which single separators may group. Written without the code under test."""
    longest = digits = 0
    after_separator = False
    for place, character in enumerate(text):
        ahead = text[place + 1 : place + 3]
        separates = character in " -" or (character in "._" and len(ahead) == 2 and ahead.isdecimal())
        if character.isdecimal():
            digits, after_separator = digits + 1, False
        elif separates and digits and not after_separator:
            after_separator = True
        else:
            digits, after_separator = 0, False
        longest = max(longest, digits)
    return longest


def grouped(digits: str, separators: list[str]) -> str:
    return "".join(digit + separator for digit, separator in zip(digits, separators, strict=True))


NUMBERS = st.text("0123456789", min_size=1, max_size=40)
GROUPED = NUMBERS.flatmap(
    lambda digits: st.lists(
        st.sampled_from(["", "", "", " ", "-", ".", "_", "  "]), min_size=len(digits), max_size=len(digits)
    ).map(lambda separators: grouped(digits, separators))
)
FOREIGN_DIGITS = st.text("0123456789０１٣٤", min_size=10, max_size=25)
LINES = st.lists(GROUPED | NUMBERS | FOREIGN_DIGITS | st.text(max_size=5) | st.just(MASK), max_size=6).map("".join)


@given(LINES)
def test_no_run_of_thirteen_digits_survives(text: str) -> None:
    assert longest_run(redact(text)) < 13


@given(LINES)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)

    assert once == redact(once)


@given(LINES)
def test_a_text_without_a_long_run_is_untouched(text: str) -> None:
    if longest_run(text) < 13:
        assert text == redact(text)
        assert not holds_card_number(text)
    else:
        assert text != redact(text)
        assert holds_card_number(text)


@given(st.text("0123456789", min_size=16, max_size=16), st.sampled_from(["", " ", "-", ".", "_"]))
def test_sixteen_digits_show_the_first_six_and_the_last_four(digits: str, separator: str) -> None:
    number = separator.join(digits[start : start + 4] for start in range(0, 16, 4))

    assert f"card {digits[:6]}******{digits[-4:]}!" == redact(f"card {number}!")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CARD, MASK),
        (f'{{"cardNo":"{CARD}"}}', f'{{"cardNo":"{MASK}"}}'),
        (f"a{CARD}b", f"a{MASK}b"),
        (f"{CARD},{CARD}", f"{MASK},{MASK}"),
        (f"{CARD}\n{CARD}", f"{MASK}\n{MASK}"),
        ("9491-3394-0000-0013", MASK),
        ("9491 3394 0000 0013", MASK),
        ("9491.3394.0000.0013", MASK),
        ("9491_3394_0000_0013", MASK),
        ("9491 3394-00000013", MASK),
        ("1234567890123", HIDDEN),
        ("1234567890123456789", HIDDEN),
        (f"{CARD}1", HIDDEN),
        (f"{CARD}12345678", HIDDEN),
        (f"{CARD} 123456789", HIDDEN),
        (f"1-{CARD}", HIDDEN),
        (f"{CARD}.0", f"{MASK}.0"),
        ("9" * 5000, HIDDEN),
        ("９４９１３３９４００００００１３", HIDDEN),
        ("٩٤٩١٣٣٩٤٠٠٠٠٠٠١٣", HIDDEN),
        (f"{CARD[:-1]}٣", HIDDEN),
    ],
)
def test_what_may_be_a_card_number_is_masked(text: str, expected: str) -> None:
    assert expected == redact(text)
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain text, 한국어",
        "123456789012",
        MASK,
        "010-****-5678",
        "2026-01-02T03:04:05.678901Z",
        "127.0.0.1:8000",
        "203.100.113.200",
        "001_006",
        "a1b2c3d4-e5f6-4a0b-8c0d-0123456789ab",
    ],
)
def test_what_cannot_be_a_card_number_is_untouched(text: str) -> None:
    assert text == redact(text)
    assert not holds_card_number(text)


@pytest.mark.parametrize("name", ["", "card", "Card20261231", "_", "이름", "a1b2c3d4e5f6g7h8"])
def test_a_name_with_few_digits_is_shown(name: str) -> None:
    assert name == safe_name(name)


@pytest.mark.parametrize(
    "name", ["card949133940", f"c{CARD}", "a1b2c3d4e5f6g7h8i9", "_9_4_9_1_3_3_9_4_0", "n９４９１３３９４０"]
)
def test_a_name_that_could_spell_a_card_number_is_hidden(name: str) -> None:
    assert safe_name(name) == HIDDEN


@given(st.text("abc_0123456789", max_size=40))
def test_a_safe_name_never_has_more_than_eight_digits(name: str) -> None:
    assert sum(character.isdigit() for character in safe_name(name)) <= 8
