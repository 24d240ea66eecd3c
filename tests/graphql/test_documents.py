"""Documents: limits, the cache, and the choice of the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.errors import GatewayError
from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.limits import DocumentLimits
from schema.errors import ErrorCode
from tests.graphql.schemas import SCHEMA

if TYPE_CHECKING:
    from graphql import GraphQLError

    from graph.graphql.operation import Document

CARD = "9491339400000013"


def documents(*, introspection: bool = True, **limits: int) -> Documents:
    return Documents(SCHEMA, DocumentLimits(**limits), introspection=introspection)


def refusal(text: str, **limits: int) -> list[GraphQLError]:
    with pytest.raises(DocumentError) as caught:
        documents(introspection=True, **limits).resolve(text)
    return caught.value.errors


def limit_of(errors: list[GraphQLError]) -> tuple[ErrorCode, str | int | None, str | int | None]:
    (error,) = errors
    cause = error.original_error
    assert isinstance(cause, GatewayError)
    return cause.code, cause.extensions.get("limit"), cause.extensions.get("maximum")


def test_a_valid_document_is_parsed_once() -> None:
    cache = documents()
    assert cache.resolve("{ __typename }") is cache.resolve("{ __typename }")
    assert (cache.hits, cache.misses, len(cache)) == (1, 1, 1)


def test_a_refused_document_is_not_remembered() -> None:
    cache = documents()
    for _ in range(2):
        with pytest.raises(DocumentError):
            cache.resolve("{ nothing }")
    assert (cache.hits, cache.misses, len(cache)) == (0, 2, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"{{ __typename }} # {CARD}",
        f"{{ a{CARD}: __typename }}",
        f"query Q{CARD} {{ __typename }}",
        f'query ($n: CardNumber = "{CARD}") {{ card(cardNo: $n) {{ balance }} }}'.replace("Number =", "Number! ="),
        "{ __typename } # 9491-3394-0000-0013",
        "{ __typename } # 9491 3394 0000 0013",
        "{ __typename } # 1234567890123",
        '{ card(cardNo: "\\u0039\\u0034\\u0039\\u00313394000000\\u00313") { balance } }',
        '{ card(cardNo: "\\u{39}491339400000013") { balance } }',
    ],
)
def test_a_document_that_may_hold_a_card_number_is_executed_but_never_remembered(text: str) -> None:
    cache = documents()
    assert cache.resolve(text).document is not cache.resolve(text).document
    assert (cache.hits, cache.misses, len(cache)) == (0, 2, 0)


def test_the_least_recently_used_document_makes_room() -> None:
    cache = documents(cached=2)
    first, second, third = "{ a: __typename }", "{ b: __typename }", "{ c: __typename }"
    kept = cache.resolve(first)
    gone = cache.resolve(second)
    cache.resolve(first)
    cache.resolve(third)
    assert len(cache) == 2
    assert kept is cache.resolve(first)
    assert gone is not cache.resolve(second)


def test_the_cache_is_bounded_by_the_length_of_its_texts_too() -> None:
    cache = documents(cached_characters=100)
    for name in "abcdef":
        cache.resolve(f"{{ {name}: __typename }} #{' ' * 20}")
    assert len(cache) == 2


def test_a_text_longer_than_the_whole_cache_is_not_kept() -> None:
    cache = documents(cached_characters=10)
    cache.resolve("{ a: __typename }")
    assert len(cache) == 0


def test_a_document_of_exactly_the_allowed_length_is_read() -> None:
    text = "{ __typename }"
    assert documents(characters=len(text)).resolve(text).document.operations.keys() == {None}


def test_a_document_that_is_too_long_names_the_limit() -> None:
    assert limit_of(refusal("#" + "x" * 15_000)) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "length", 15_000)


def test_a_document_of_exactly_the_allowed_tokens_is_read() -> None:
    # Braces and names; the end of the document does not count.
    assert documents(tokens=5).resolve("{ a: __typename }").document.operations.keys() == {None}
    assert limit_of(refusal("{ a: __typename }", tokens=4)) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "tokens", 4)


def test_too_many_comments_name_the_limit() -> None:
    assert limit_of(refusal("#\n" * 4 + "{ __typename }", comments=3)) == (
        ErrorCode.QUERY_LIMIT_EXCEEDED,
        "comments",
        3,
    )


@pytest.mark.parametrize(
    "text",
    [
        "{ a " * 300 + "}" * 300,
        "{ a(b: " + "[" * 500 + "]" * 500 + ") }",
        "query ($a: " + "[" * 290 + "Int" + "]" * 290 + ") { a }",
    ],
)
def test_a_document_that_is_nested_too_deeply_names_the_limit(text: str) -> None:
    assert limit_of(refusal(text, tokens=10_000)) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "depth", None)


def test_fragments_nested_too_deeply_name_the_limit() -> None:
    chain = "".join(f"fragment F{index} on Query {{ ...F{index + 1} }} " for index in range(300))
    text = "{ ...F0 } " + chain + "fragment F300 on Query { __typename }"
    assert limit_of(refusal(text, tokens=10_000)) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "depth", None)


def test_a_syntax_error_tells_its_place_and_none_of_the_text() -> None:
    (error,) = refusal(f'{{ card(cardNo: "{CARD}" balance }}')
    assert isinstance(error.original_error, GatewayError)
    assert ErrorCode.GRAPHQL_PARSE_FAILED is error.original_error.code
    assert CARD not in error.message
    assert [(place.line, place.column) for place in error.locations or ()] == [(1, 43)]


def test_the_only_operation_needs_no_name() -> None:
    document = documents().resolve("query A { __typename }").document
    assert document.operation(None).name == "A"
    assert document.operation("A").name == "A"


@pytest.mark.parametrize("name", ["B", "", "a"])
def test_a_name_of_no_operation_is_a_bad_request(name: str) -> None:
    with pytest.raises(GatewayError) as caught:
        documents().resolve("query A { __typename }").document.operation(name)
    assert ErrorCode.BAD_REQUEST is caught.value.code


def test_several_operations_need_a_name() -> None:
    # The specification forbids running the first one, as some servers do.
    document = documents().resolve("query A { a: __typename } query B { b: __typename }").document
    with pytest.raises(GatewayError) as caught:
        document.operation(None)
    assert ErrorCode.BAD_REQUEST is caught.value.code


SPREAD_TWICE = """query ($n: CardNumber!) { ...F }
  fragment F on Query { ...G }
  fragment G on Query { card(cardNo: $n) { balance } }"""


def takes_card_numbers(document: Document, name: str | None = None) -> bool:
    return document.operation(name).size.takes_card_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename }", False),
        ('{ __type(name: "Card") { name } }', False),
        ("query ($n: CardNumber!) { card(cardNo: $n) { balance } }", True),
        ("query ($n: CardNumber!) { ... { card(cardNo: $n) { balance } } }", True),
        (SPREAD_TWICE, True),
        ("query ($n: [CardNumber!]!) { __typename cards(cardNos: $n) { balance } }", True),
    ],
)
def test_an_operation_knows_whether_it_could_be_given_a_card_number(text: str, expected: bool) -> None:
    assert expected is takes_card_numbers(documents().resolve(text).document)


def test_each_operation_of_a_document_is_looked_at_on_its_own() -> None:
    document = (
        documents()
        .resolve("query A { __typename } query B($n: CardNumber!) { card(cardNo: $n) { balance } }")
        .document
    )
    assert (takes_card_numbers(document, "A"), takes_card_numbers(document, "B")) == (False, True)
