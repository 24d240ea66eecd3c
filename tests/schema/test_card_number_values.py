"""`CardNo` accepts only 16 ASCII digits, and never quotes what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.secrets import CardNo
from tests.tables import table

DIGITS = "0123456789"
REFUSAL = "a card number is 16 ASCII digits"

REFUSED = {
    "nothing": "",
    "15 digits": "949133940000001",
    "17 digits": "94913394000000130",
    "32 digits": "94913394000000139491339400000013",
    "a letter": "949133940000001a",
    "hexadecimal": "0x91339400000013",
    "an exponent": "949133940000e013",
    "a decimal point": "94913394000000.3",
    "an underscore": "9491_33940000013",
    "full-width digits": "９４９１３３９４００００００１３",
    "one full-width digit": "949133940000001３",
    "Arabic-Indic digits": "٩٤٩١٣٣٩٤٠٠٠٠٠٠١٣",
    "one Arabic-Indic digit": "949133940000001٣",
    "superscript digits": "⁹⁴⁹¹³³⁹⁴⁰⁰⁰⁰⁰⁰¹³",
    "a mathematical digit": "949133940000001𝟑",
    "a trailing line break": "9491339400000013\n",
    "a trailing line break in place of a digit": "949133940000001\n",
    "a leading line break": "\n9491339400000013",
    "a trailing carriage return and line break": "9491339400000013\r\n",
    "a line separator": "9491339400000013\u2028",
    "a line break within": "94913394\n00000013",
    "a trailing NUL": "9491339400000013\0",
    "a NUL in place of a digit": "949133940000001\0",
    "a plus sign": "+949133940000001",
    "a minus sign": "-949133940000001",
    "a leading space": " 949133940000001",
    "a trailing space": "9491339400000013 ",
    "groups with spaces": "9491 3394 0000 0013",
    "groups with dashes": "9491-3394-0000-0013",
    "a no-break space": "\u00a0949133940000001",
    "a zero-width space": "9491339400000013\u200b",
    "a byte order mark": "\ufeff9491339400000013",
    "a combining mark": "9491339400000013\u0301",
    "a lone surrogate": "949133940000001\ud800",
}


@table("text", REFUSED.values())
def test_anything_but_sixteen_ascii_digits_is_refused_without_an_echo(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        CardNo(text)

    assert caught.value.args == (REFUSAL,)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@given(st.text(DIGITS + "０٣² \n\r\0+-.eE_a", min_size=14, max_size=18) | st.text())
def test_every_other_text_is_refused_with_the_same_words(text: str) -> None:
    if len(text) == 16 and set(text) <= set(DIGITS):
        assert text == CardNo(text).reveal()
        return
    with pytest.raises(ValueError) as caught:
        CardNo(text)

    assert caught.value.args == (REFUSAL,)


@given(st.text(DIGITS, min_size=16, max_size=16))
def test_sixteen_digits_are_taken_whether_or_not_they_pass_the_luhn_check(text: str) -> None:
    assert text == CardNo(text).reveal()
