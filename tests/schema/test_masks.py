"""Masks: what anybody may see of a card number, a phone number or another identity value."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.secrets import CardNo, Credential, IdentityNo, MemberId, PersonalText, Secret
from tests.tables import table

DIGITS = st.text("0123456789")
CARD_NUMBERS = st.text("0123456789", min_size=16, max_size=16)
# Any text, and texts like those of these types.
TEXTS = st.text() | DIGITS | st.from_regex(r"01[0-9]-?[0-9]{3,4}-?[0-9]{4}\n?", fullmatch=True)
FREE_TYPES = [Credential, MemberId, PersonalText, IdentityNo]


def long_run(text: str) -> re.Match[str] | None:
    """A run of 13 to 19 digits, possibly grouped by spaces or dashes."""
    return re.search(r"\d{13,19}", re.sub(r"[ -]", "", text))


@pytest.mark.parametrize("kind", FREE_TYPES)
@given(clear=TEXTS)
def test_no_long_run_of_digits_survives_a_mask(kind: type[Secret], clear: str) -> None:
    assert long_run(kind(clear).masked) is None


@pytest.mark.parametrize("kind", FREE_TYPES)
@given(clear=TEXTS)
def test_a_mask_shows_at_most_four_characters_of_the_end_and_a_phone_prefix(
    kind: type[Secret], clear: str
) -> None:
    prefix, hidden, end = kind(clear).masked.partition("****")

    assert hidden == "****"
    assert len(end) <= 5
    assert end == "" or clear.endswith(end.removeprefix("-"))
    assert prefix == "" or (len(prefix) == 4 and clear.startswith(prefix.removesuffix("-")))


@pytest.mark.parametrize("kind", FREE_TYPES)
@given(clear=st.text(max_size=4))
def test_a_short_value_is_wholly_hidden(kind: type[Secret], clear: str) -> None:
    assert kind(clear).masked == "****"


@pytest.mark.parametrize("kind", [Credential, PersonalText])
@given(clear=TEXTS)
def test_nothing_of_a_credential_or_a_personal_text_is_shown(kind: type[Secret], clear: str) -> None:
    assert kind(clear).masked == "****"


@given(clear=CARD_NUMBERS)
def test_a_card_number_shows_its_first_six_and_last_four(clear: str) -> None:
    masked = CardNo(clear).masked

    assert re.fullmatch(r"[0-9]{6}\*{6}[0-9]{4}", masked)
    assert clear[:6] == masked[:6]
    assert clear[-4:] == masked[-4:]
    assert long_run(masked) is None


@table(
    ("clear", "mask"),
    [
        ("01012345678", "010-****-5678"),
        ("010-1234-5678", "010-****-5678"),
        ("0111234567", "011-****-4567"),
        ("019-123-4567", "019-****-4567"),
        ("+821012345678", "****5678"),
        ("010123456789", "****6789"),
        ("010 1234 5678", "****5678"),
        ("0212345678", "****5678"),
        ("1234567890", "****7890"),
        ("123-45-67890", "****7890"),
        ("9550123456789", "****6789"),
        ("12345", "****2345"),
        ("1234", "****"),
        ("", "****"),
    ],
)
def test_an_identity_value_is_masked_by_its_kind(clear: str, mask: str) -> None:
    assert mask == IdentityNo(clear).masked


@pytest.mark.parametrize(
    ("clear", "mask"),
    [("9999999999999999999", "****9999"), ("10012", "****0012"), ("1001", "****"), ("7", "****")],
)
def test_a_member_id_shows_its_last_four_digits(clear: str, mask: str) -> None:
    assert mask == MemberId(clear).masked
