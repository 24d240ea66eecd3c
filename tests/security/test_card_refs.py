"""The references that stand for cards and viewers."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from graph.redact import redact
from graph.security.card_refs import CardRefs, is_ref
from schema.secrets import CardNo, Credential, MemberId

KEY = "a key of thirty-two characters or more"
REFS = CardRefs(Credential(KEY))
CARD = CardNo("9491339400000013")

card_numbers = st.from_regex(r"[0-9]{16}", fullmatch=True)


def test_a_reference_is_an_hmac_in_letters() -> None:
    digest = hmac.new(KEY.encode(), b"card:9491339400000013", hashlib.sha256).hexdigest()[:30]
    assert REFS.of(CARD) == "".join("abcdefghijklmnop"["abcdef0123456789".index(digit)] for digit in digest)


def test_a_reference_is_the_same_for_the_same_card_and_key() -> None:
    assert REFS.of(CARD) == CardRefs(Credential(KEY)).of(CardNo(CARD.reveal()))


def test_another_key_gives_other_references() -> None:
    others = CardRefs(Credential(KEY + "!"))
    assert REFS.of(CARD) != others.of(CARD)
    assert REFS.of_viewer("somebody") != others.of_viewer("somebody")


def test_a_card_and_a_viewer_of_the_same_text_have_different_references() -> None:
    assert REFS.of(CARD) != REFS.of_viewer(CARD.reveal())
    assert REFS.of(CARD) != REFS.of_viewer(f"card:{CARD.reveal()}")


def test_a_card_and_a_member_of_the_same_digits_have_different_references() -> None:
    assert REFS.of(CARD) != REFS.of(MemberId(CARD.reveal()))


@given(card_numbers)
def test_a_reference_holds_nothing_that_redaction_would_change(number: str) -> None:
    reference = REFS.of(CardNo(number))
    assert (len(reference), reference.isascii(), reference.isalpha()) == (30, True, True)
    assert reference == redact(reference)
    assert is_ref(reference)


@given(st.lists(card_numbers, unique=True, min_size=2, max_size=50))
def test_different_cards_have_different_references(numbers: list[str]) -> None:
    assert len({REFS.of(CardNo(number)) for number in numbers}) == len(numbers)


@given(st.text(max_size=100))
def test_every_viewers_name_has_a_reference_that_does_not_show_it(name: str) -> None:
    reference = REFS.of_viewer(name)
    assert (len(reference), reference.isascii(), reference.isalpha()) == (30, True, True)


def test_the_key_does_not_show_itself() -> None:
    assert KEY not in repr(REFS)
    assert KEY not in repr(CardRefs.__init__)


def test_nothing_is_kept_of_what_was_named() -> None:
    refs = CardRefs(Credential(KEY))
    before = dict(vars(refs))
    assert REFS.of(CARD) == refs.of(CARD)
    assert REFS.of_viewer("somebody") == refs.of_viewer("somebody")
    assert before == vars(refs)
