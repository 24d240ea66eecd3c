"""Handles and sealed texts: equal for equal things, of no use to anybody else, and readable by nobody."""

from __future__ import annotations

import string
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.redact import holds_card_number
from graph.security.handles import HANDLE_LETTERS, MAX_KEY_BYTES, Handles, Kind, Target
from schema.secrets import Credential

SECRET = Credential("a secret of thirty-two characters!")
OTHER = Credential("another one of thirty-two letters!")
HANDLES = Handles([SECRET])
CARD_NO = "9491339400000013"
HANDLE = HANDLES.make("kim", Kind.CARD, CARD_NO)
SEALED = HANDLES.seal(b"page 2", "kim", "a par")
KEYS = st.text(string.ascii_letters + string.digits + ":", max_size=MAX_KEY_BYTES)
# With lone surrogates, which JSON can spell.
TEXTS = st.text(st.characters())


def is_letters(text: str) -> bool:
    """Whether a text consists of ASCII letters."""
    return text.isascii() and text.isalpha()


@given(viewer=TEXTS, kind=st.sampled_from(Kind), key=KEYS)
def test_a_handle_opens_for_its_viewer_and_is_the_same_each_time(viewer: str, kind: Kind, key: str) -> None:
    handle = HANDLES.make(viewer, kind, key)
    assert HANDLES.open(viewer, handle) == Target(kind, key)
    assert Handles([SECRET]).make(viewer, kind, key) == handle


@given(key=KEYS)
def test_all_handles_have_one_length_and_are_letters_that_no_detector_takes_for_a_number(key: str) -> None:
    handle = HANDLES.make("kim", Kind.CARD, key)
    assert (len(handle), is_letters(handle)) == (HANDLE_LETTERS, True)
    assert not holds_card_number(handle)


def test_the_longest_documented_key_fits() -> None:
    key = f"{'9' * 19}:{'A' * 27}"
    assert HANDLES.open("kim", HANDLES.make("kim", Kind.ROW, key)) == Target(Kind.ROW, key)


@pytest.mark.parametrize("key", ["x" * (MAX_KEY_BYTES + 1), "é" * MAX_KEY_BYTES, "ends with\0"])
def test_a_key_that_does_not_fit_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"^the key does not fit into a handle$"):
        HANDLES.make("kim", Kind.CARD, key)


def test_handles_of_another_viewer_kind_or_key_are_others() -> None:
    handles = {
        HANDLES.make(viewer, kind, key)
        for viewer in ("kim", "lee")
        for kind in Kind
        for key in (CARD_NO, CARD_NO[:-1])
    }
    assert len(handles) == 2 * len(Kind) * 2


@given(viewer=TEXTS.filter(lambda viewer: viewer != "kim"))
def test_a_handle_is_of_no_use_to_another_viewer(viewer: str) -> None:
    assert HANDLES.open(viewer, HANDLE) is None


@given(one=TEXTS, other=TEXTS)
def test_no_two_viewers_share_handles(one: str, other: str) -> None:
    ours, theirs = (HANDLES.make(viewer, Kind.CARD, CARD_NO) for viewer in (one, other))
    assert (ours == theirs) == (one == other)


def test_texts_of_a_former_secret_open_until_it_is_removed() -> None:
    former, both = Handles([OTHER]), Handles([SECRET, OTHER])
    handle, sealed = former.make("kim", Kind.MEMBER, "1001"), former.seal(b"page 2", "kim")
    assert both.open("kim", handle) == Target(Kind.MEMBER, "1001")
    assert both.unseal(sealed, "kim") == b"page 2"
    assert both.make("kim", Kind.MEMBER, "1001") == HANDLES.make("kim", Kind.MEMBER, "1001")
    assert (HANDLES.open("kim", handle), HANDLES.unseal(sealed, "kim")) == (None, None)


@given(place=st.integers(0, HANDLE_LETTERS - 1), letter=st.characters())
def test_a_handle_with_another_letter_does_not_open(place: int, letter: str) -> None:
    forged = HANDLE[:place] + letter + HANDLE[place + 1 :]
    assert (HANDLES.open("kim", forged) is not None) == (forged == HANDLE)


@given(place=st.integers(0, len(SEALED) - 1), letter=st.characters())
def test_a_sealed_text_with_another_letter_does_not_open(place: int, letter: str) -> None:
    forged = SEALED[:place] + letter + SEALED[place + 1 :]
    assert (HANDLES.unseal(forged, "kim", "a par") is not None) == (forged == SEALED)


@pytest.mark.parametrize(
    "cut", [HANDLE[:-1], HANDLE[:-2], HANDLE[2:], HANDLE + "b", HANDLE + "bb", HANDLE.upper()]
)
def test_a_handle_that_was_cut_or_extended_does_not_open(cut: str) -> None:
    assert HANDLES.open("kim", cut) is None


@given(text=TEXTS | st.text("bcdfghjklmnpqrst", max_size=200))
def test_a_text_that_was_never_sealed_does_not_open(text: str) -> None:
    assert HANDLES.open("kim", text) is None
    assert HANDLES.unseal(text, "kim") is None


@pytest.mark.parametrize("letters", range(0, len(SEALED), 2))
def test_a_sealed_text_that_was_cut_does_not_open(letters: int) -> None:
    assert HANDLES.unseal(SEALED[:letters], "kim", "a par") is None


@given(clear=st.binary(min_size=1, max_size=200), bound=st.lists(TEXTS, max_size=4))
def test_a_sealed_text_opens_with_what_it_is_bound_to(clear: bytes, bound: list[str]) -> None:
    sealed = HANDLES.seal(clear, *bound)
    assert HANDLES.unseal(sealed, *bound) == clear
    assert (HANDLES.seal(clear, *bound), is_letters(sealed)) == (sealed, True)


@pytest.mark.parametrize(
    "bound", [(), ("kim",), ("lee", "a par"), ("a par", "kim"), ("kima par",), ("kima", " par")]
)
def test_a_sealed_text_does_not_open_with_anything_else(bound: tuple[str, ...]) -> None:
    assert HANDLES.unseal(SEALED, *bound) is None


def test_a_handle_is_no_sealed_text_and_a_sealed_text_no_handle() -> None:
    assert HANDLES.unseal(HANDLE, "kim") is None
    assert HANDLES.open("kim", HANDLES.seal(b"\1" + b"x" * MAX_KEY_BYTES, "kim")) is None


def test_a_handle_of_a_kind_that_only_a_later_release_knows_does_not_open() -> None:
    assert HANDLES.open("kim", HANDLES.make("kim", cast("Kind", max(Kind) + 1), CARD_NO)) is None


def test_a_target_does_not_print_its_key() -> None:
    assert repr(Target(Kind.CARD, CARD_NO)) == "Target(CARD)"
