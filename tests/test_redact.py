"""Redaction masks every card number, whatever surrounds it, and nothing else."""

from __future__ import annotations

import json
import string
import sys
import unicodedata
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.redact import HIDDEN, holds_card_number, may_hold_card_number, redact, safe_name
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = "9491339400000013"
MASK = "949133******0013"


def most_digits(text: str) -> int:
    """The most digits between two ASCII letters, counted independently of the code under test."""
    most = digits = 0
    for character in text:
        if character.isascii() and character.isalpha():
            digits = 0
        digits += character.isdigit()
        most = max(most, digits)
    return most


SEPARATORS = st.characters().filter(lambda character: not (character.isascii() and character.isalnum()))
"""Every Unicode character except ASCII letters and digits; digits of other scripts count as digits."""
# All digits are there, as the last test of them shows.
FIRST_PLANES = 0x20000
ZEROS = [chr(code) for code in range(FIRST_PLANES) if chr(code).isdigit() and unicodedata.digit(chr(code)) == 0]
SCRIPTS = st.sampled_from([zero for zero in ZEROS if chr(ord(zero) + 9).isdecimal() and zero.isdecimal()])
ESCAPES: dict[str, Callable[[str], str]] = {
    "JSON": lambda digit: f"\\u{ord(digit):04x}" if ord(digit) < 0x10000 else f"\\u{{{ord(digit):x}}}",
    "GraphQL": lambda digit: f"\\u{{{ord(digit):x}}}",
    "surrogates": lambda digit: json.dumps(digit)[1:-1] if not digit.isascii() else f"\\u{ord(digit):04X}",
    "escaped twice": lambda digit: f"\\\\u{{0000{ord(digit):X}}}",
    "URL": lambda digit: "".join(f"%{byte:02X}" for byte in digit.encode()),
    "URL twice": lambda digit: "".join(f"%25{byte:02x}" for byte in digit.encode()),
    "HTML": lambda digit: f"&#{ord(digit)};",
    "HTML, hexadecimal": lambda digit: f"&#x{ord(digit):x};",
}
NUMBERS = st.text("0123456789", min_size=1, max_size=40)
GROUPED = NUMBERS.flatmap(
    lambda digits: st.lists(
        st.sampled_from(["", "", "", " ", "-", ".", "_", "  ", "가", "x"]),
        min_size=len(digits),
        max_size=len(digits),
    ).map(lambda between: "".join(map("".join, zip(digits, between, strict=True))))
)
FOREIGN_DIGITS = st.text("0123456789０１٣٤²", min_size=10, max_size=25)
LINES = st.lists(GROUPED | NUMBERS | FOREIGN_DIGITS | st.text(max_size=5) | st.just(MASK), max_size=6).map("".join)


@given(LINES)
def test_no_thirteen_digits_survive_between_two_letters(text: str) -> None:
    assert most_digits(redact(text)) < 13


@given(LINES | st.text("\\u%&#x;{}039AaF", max_size=200))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)

    assert once == redact(once)
    assert (once != text) == holds_card_number(text)
    assert may_hold_card_number(text) or not holds_card_number(text)


@given(LINES)
def test_a_text_with_few_digits_is_untouched(text: str) -> None:
    if most_digits(text) >= 13:
        assert holds_card_number(text)
    elif not set(text) & set("\\%&"):
        assert text == redact(text)


@given(st.lists(st.text(SEPARATORS, max_size=3), min_size=16, max_size=16), SCRIPTS)
def test_a_number_is_found_in_any_script_with_anything_between_its_digits(between: list[str], zero: str) -> None:
    digits = [chr(ord(zero) + int(digit)) for digit in CARD]
    text = "".join(map("".join, zip(digits, between, strict=True)))

    assert holds_card_number(f"see {text} there")
    assert most_digits(redact(f"see {text} there")) < 13


@given(st.text(SEPARATORS.filter(lambda character: character not in "\\%&#;0123456789"), max_size=2), SCRIPTS)
@pytest.mark.parametrize("escaped", ESCAPES.values(), ids=ESCAPES)
def test_a_number_is_found_in_any_escapes(escaped: Callable[[str], str], between: str, zero: str) -> None:
    text = between.join(escaped(chr(ord(zero) + int(digit))) for digit in CARD)

    assert holds_card_number(f"see {text} there")
    assert not holds_card_number(redact(f"see {text} there"))


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("letter", "abfnrtv")
def test_an_escaped_control_character_is_no_letter(letter: str, depth: int) -> None:
    text = ("\\" * depth + letter).join(CARD[start : start + 4] for start in range(0, 16, 4))

    assert holds_card_number(f"see {text} there")
    assert redact(f"see {text} there") == HIDDEN


@given(st.lists(st.text(string.ascii_letters, min_size=128, max_size=128), min_size=1, max_size=5))
def test_ids_are_no_card_numbers_wherever_they_are(ids: list[str]) -> None:
    for text in (
        *ids,
        " ".join(ids),
        json.dumps(ids),
        json.dumps({"ids": ids, "first": 20}),
        urlencode({"id": ids}),
    ):
        assert not holds_card_number(text)
        assert text == redact(text)


@table("zero", ["0", "٠", "𝟎"])
@table("escaped", ESCAPES.values())
def test_an_escaped_number_is_found_and_does_not_stay(escaped: Callable[[str], str], zero: str) -> None:
    text = "".join(escaped(chr(ord(zero) + int(digit))) for digit in CARD)

    assert holds_card_number(f"see {text} there")
    assert not holds_card_number(redact(f"see {text} there"))


def test_every_digit_of_unicode_is_one() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isdigit()]

    assert [digit for digit in every if not holds_card_number(digit * 13)] == []


@pytest.mark.parametrize("form", ["NFKC", "NFD"])
def test_a_number_is_found_however_the_text_is_normalized(form: Literal["NFKC", "NFD"]) -> None:
    assert holds_card_number(unicodedata.normalize(form, "９４９１-３３９４\u0301-００００-００１３"))


@given(st.text("0123456789", min_size=16, max_size=16), st.sampled_from(["", " ", "-", ".", "_"]))
def test_sixteen_digits_show_the_first_six_and_the_last_four(digits: str, separator: str) -> None:
    number = separator.join(digits[start : start + 4] for start in range(0, 16, 4))

    assert redact(f"card {number}!") == f"card {digits[:6]}******{digits[-4:]}!"


@table(
    ("text", "expected"),
    [
        (CARD, MASK),
        (f'{{"cardNo":"{CARD}"}}', f'{{"cardNo":"{MASK}"}}'),
        (f"a{CARD}b", f"a{MASK}b"),
        (f"{CARD}, then {CARD}", f"{MASK}, then {MASK}"),
        (f"{CARD},{CARD}", HIDDEN),
        (f"{CARD}\n{CARD}", HIDDEN),
        (f"[{CARD}]", f"[{MASK}]"),
        ("9491__3394__0000__0013", MASK),
        ("9491\t3394\t0000\t0013", MASK),
        ("9491\u00a03394\u20130000/0013", MASK),
        ("9491\n# 3394\r\n# 0000\n# 0013", MASK),
        ("9491\u200b3394\u200f0000\u03010013", MASK),
        ("9491ㅡ3394ー0000一0013", MASK),
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
        (f"{CARD}.0", HIDDEN),
        ("9" * 5000, HIDDEN),
        ("９４９１３３９４００００００１３", HIDDEN),
        ("٩٤٩١٣٣٩٤٠٠٠٠٠٠١٣", HIDDEN),
        (f"{CARD[:-1]}٣", HIDDEN),
    ],
)
def test_what_may_be_a_card_number_is_masked(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert holds_card_number(text)


@table(
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
        "100 % of 12 \\ 3 & 4",
        "2001:db8::8a2e:370:7334",
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
