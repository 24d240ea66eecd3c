"""Documents with inline card numbers: cached without them, or parsed as they are."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import pytest
from graphql import parse

from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.limits import DocumentLimits
from graph.graphql.validation import validate
from tests.graphql.documents import CARD, INLINE_CARD, hash_of, texts_within
from tests.graphql.schemas import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

OTHER_CARD = "9491339400000021"
SKELETON = "query Inline { card(cardNo: $konagraph_card_00) { balance } }"


def documents(*, introspection: bool = True, **limits: int) -> Documents:
    return Documents(SCHEMA, DocumentLimits(**limits), introspection=introspection)


def counts(cache: Documents) -> tuple[int, int, int]:
    return cache.hits, cache.misses, len(cache)


def test_documents_that_differ_in_their_card_numbers_alone_are_read_once() -> None:
    cache = documents()
    first, second = cache.resolve(INLINE_CARD), cache.resolve(INLINE_CARD.replace(CARD, OTHER_CARD))
    assert first.document is second.document
    assert [dict(first.hoisted), dict(second.hoisted)] == [
        {"konagraph_card_00": CARD},
        {"konagraph_card_00": OTHER_CARD},
    ]
    assert counts(cache) == (1, 1, 1)


def test_the_hash_is_of_what_is_left_without_the_card_number() -> None:
    assert hash_of(SKELETON) == documents().resolve(INLINE_CARD).document.sha256


def test_a_document_without_card_numbers_has_none() -> None:
    cache = documents()
    text = "query ($n: CardNumber!) { card(cardNo: $n) { balance } }"
    assert cache.resolve(text).hoisted == {}
    assert cache.resolve(text) is cache.resolve(text)


@pytest.mark.parametrize("first", [True, False])
def test_a_skeleton_that_a_client_sends_as_a_text_is_read_as_any_text(*, first: bool) -> None:
    cache = documents()
    if first:
        cache.resolve(INLINE_CARD)
    with pytest.raises(DocumentError) as caught:
        cache.resolve(SKELETON)
    assert [error.message for error in caught.value.errors] == [
        "The variable '$konagraph_card_00' is not defined."
    ]


def test_a_text_that_looks_like_a_skeleton_is_not_taken_for_one() -> None:
    cache = documents()
    cache.resolve(f"query($konagraph_card_00: CardNumber!){SKELETON.removeprefix('query Inline')}")
    with pytest.raises(DocumentError) as caught:
        cache.resolve(f'query("{CARD}": CardNumber!){INLINE_CARD.removeprefix("query Inline")}')
    assert [error.message for error in caught.value.errors] == ["The document is not syntactically valid GraphQL."]


def test_a_variable_of_a_reserved_name_is_a_variable_like_any_other() -> None:
    text = "query ($konagraph_card_00: CardNumber!) { card(cardNo: $konagraph_card_00) { balance } }"
    resolved = documents().resolve(text)
    assert (resolved.hoisted, resolved.document.sha256) == ({}, hash_of(text))


READ_AS_THEY_ARE = {
    "a default value": f'query ($n: CardNumber! = "{CARD}") {{ card(cardNo: $n) {{ balance }} }}',
    "a string of another type": f'{{ __type(name: "{CARD}") {{ name }} }}',
    "a string with a line break": f'{{ __type(name: "{CARD[:8]}\\n{CARD[8:]}") {{ name }} }}',
    "a literal that becomes a list": f'{{ cards(cardNos: "{CARD}") {{ balance }} }}',
    "several operations": f'query A {{ card(cardNo: "{CARD}") {{ balance }} }} query B {{ __typename }}',
    "a comment": f'{{ card(cardNo: "{CARD}") {{ balance }} }} # x',
    "an alias that may be a card number": f'{{ a{OTHER_CARD}: card(cardNo: "{CARD}") {{ balance }} }}',
    "a block string": f'{{ card(cardNo: """{CARD}""") {{ balance }} }}',
}


@pytest.mark.parametrize("text", READ_AS_THEY_ARE.values(), ids=READ_AS_THEY_ARE)
def test_what_cannot_do_with_a_variable_is_read_as_it_is_and_not_kept(text: str) -> None:
    cache = documents()
    first, second = cache.resolve(text), cache.resolve(text)
    assert first.document is not second.document
    assert (first.hoisted, first.document.sha256) == ({}, None)
    assert counts(cache) == (0, 2, 0)
    assert [kept for kept in texts_within(cache) if CARD in kept or OTHER_CARD in kept] == []


def test_after_any_number_of_documents_no_card_number_is_kept() -> None:
    cache = documents()
    wrong = [
        f'{{ card(cardNo: "{CARD}") }}',
        f'{{ card(cardNo: "{CARD}" ',
        f'{{ cart(cardNo: "{CARD}") {{ x }} }}',
    ]
    for text in (INLINE_CARD, *READ_AS_THEY_ARE.values(), *wrong):
        for _ in range(2):
            try:
                cache.resolve(text)
            except DocumentError:
                assert text in wrong
            else:
                assert text not in wrong
    kept = list(texts_within(cache))
    # The search works: it finds the skeleton's text, as a key and as the source of its nodes.
    assert kept.count(SKELETON) >= 1
    assert [text for text in kept if CARD in text or OTHER_CARD in text] == []


def calls_of(functions: Sequence[Callable[..., object]], cache: Documents, text: str) -> tuple[int, ...]:
    """The number of function calls that it takes to resolve a text."""
    counts = dict.fromkeys([function.__code__ for function in functions], 0)

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code in counts:
            counts[frame.f_code] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with contextlib.suppress(DocumentError):
            cache.resolve(text)
    finally:
        sys.setprofile(before)
    return tuple(counts.values())


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (f'{{ cards(cardNos: "{CARD}") {{ balance }} }}', (1, 1)),
        (f'{{ __type(name: "{CARD}") {{ name }} }}', (1, 1)),
        (f'{{ cart(cardNo: "{CARD}") {{ balance }} }}', (1, 1)),
        (INLINE_CARD, (1, 1)),
        # Only invalid GraphQL is parsed twice, to locate the error.
        (f'{{ card(cardNo: "{CARD}" {{ balance }} }}', (2, 0)),
    ],
)
def test_a_document_is_parsed_and_validated_once(text: str, calls: tuple[int, int]) -> None:
    assert calls == calls_of((parse, validate), documents(), text)


def test_a_skeleton_that_is_known_needs_no_parsing() -> None:
    cache = documents()
    texts = (INLINE_CARD, INLINE_CARD.replace(CARD, OTHER_CARD))
    assert [calls_of([parse], cache, text) for text in texts] == [(1,), (0,)]


def test_a_literal_is_one_token_even_where_it_is_read_as_a_variable() -> None:
    text = f'{{ card(cardNo: "{CARD}") {{ balance }} }}'
    assert documents(tokens=11).resolve(text).hoisted
    with pytest.raises(DocumentError) as caught:
        documents(tokens=10).resolve(text)
    assert [error.message for error in caught.value.errors] == ["The document exceeds the limit of its tokens."]


def test_a_text_that_is_too_long_is_refused_as_it_is() -> None:
    with pytest.raises(DocumentError):
        documents(characters=len(INLINE_CARD) - 1).resolve(INLINE_CARD)


def test_errors_point_into_the_text_that_was_sent() -> None:
    text = f'{{\n  a: card(cardNo: "{CARD}") {{ balance }} b: card(cardNo: "{OTHER_CARD}") {{ nothing }} }}'
    with pytest.raises(DocumentError) as caught:
        documents().resolve(text)
    (error,) = caught.value.errors
    assert [(place.line, place.column) for place in error.locations or ()] == [(2, text.index("nothing") - 1)]


@pytest.mark.parametrize("second", [CARD, OTHER_CARD])
def test_fields_of_one_name_need_equal_card_numbers(second: str) -> None:
    cache = documents()
    text = f'{{ card(cardNo: "{CARD}") {{ balance }} card(cardNo: "{second}") {{ cardNo }} }}'
    if second == CARD:
        assert cache.resolve(text).hoisted == {"konagraph_card_00": CARD}
    else:
        with pytest.raises(DocumentError) as caught:
            cache.resolve(text)
        assert [error.message for error in caught.value.errors] == [
            "Fields 'card' conflict; give them different aliases."
        ]


def test_nothing_of_it_is_shown() -> None:
    resolved = documents().resolve(INLINE_CARD)
    assert (repr(resolved), f"{resolved}") == ("Resolved(...)", "Resolved(...)")
    with pytest.raises(TypeError):
        json.dumps(resolved)
