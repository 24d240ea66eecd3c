"""Limits: each at its maximum and one beyond, named in the error, and checked before validation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from graphql import get_introspection_query

from graph.errors import GatewayError
from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.limits import DocumentLimits
from schema.errors import ErrorCode
from tests.graphql.schemas import SCHEMA
from tests.tables import table

if TYPE_CHECKING:
    from types import FrameType

    from graphql import GraphQLError

CARD = "9491339400000013"


def refusal(text: str, **limits: int) -> list[GraphQLError]:
    with pytest.raises(DocumentError) as caught:
        Documents(SCHEMA, DocumentLimits(**limits), introspection=True).resolve(text)
    return caught.value.errors


def limit_of(text: str, **limits: int) -> tuple[ErrorCode, object, object]:
    (error,) = refusal(text, **limits)
    cause = error.original_error
    assert isinstance(cause, GatewayError)
    assert f"The document exceeds the limit of its {cause.extensions['limit']}." == cause.message == error.message
    return cause.code, cause.extensions["limit"], cause.extensions.get("maximum")


def is_accepted(text: str, **limits: int) -> bool:
    return bool(Documents(SCHEMA, DocumentLimits(**limits), introspection=True).read(text).operations)


def nested(depth: int) -> str:
    return "{ a " * depth + "}" * depth


def of_card(selection: str) -> str:
    return f"query ($n: CardNumber!) {{ card(cardNo: $n) {{ {selection} }} }}"


def aliased(count: int) -> str:
    return of_card(" ".join(f"a{index}: balance" for index in range(count)))


def directives(count: int) -> str:
    return of_card("balance @skip(if: false) " * count)


def operations(count: int) -> str:
    return " ".join(f"query Q{index} {{ __typename }}" for index in range(count))


SCHEMA_TYPES = "{ __schema { types { name } } }"
ADDRESS = of_card("member { profile { addressInfo { address } } }")

# 200 of them: ten cards with nineteen fields each, some of them twice.
LEAVES = "cardNo maskedCardNo balance cardStatus cardStatusRaw serviceId serviceName ownerKa isRegistered"
TEN_CARDS = " ".join(f"a{index}: card(cardNo: $n) {{ {LEAVES} {LEAVES} __typename }}" for index in range(10))
FIELDS = f"query ($n: CardNumber!) {{ {TEN_CARDS} }}"

AT_THE_MAXIMUM = {
    "depth": (ADDRESS, {"depth": 5}, "depth"),
    "aliases": (aliased(15), {}, "aliases"),
    "root fields": ("{" + "__typename " * 10 + "}", {}, "rootFields"),
    "fields": (FIELDS, {}, "fields"),
    "directives": (directives(20), {}, "directives"),
    "operations": (operations(10), {}, "operations"),
    "introspection depth": (SCHEMA_TYPES, {"introspection_depth": 3}, "introspectionDepth"),
    "introspection fields": (
        SCHEMA_TYPES,
        {"introspection_fields": 3},
        "introspectionFields",
    ),
    "aliases within introspection": (
        "{ __schema { types {" + " ".join(f"a{index}: name" for index in range(100)) + "} } }",
        {},
        "aliases",
    ),
    "aliases of introspection": (
        "{" + " ".join(f'a{index}: __type(name: "Card") {{ name }}' for index in range(10)) + "}",
        {"aliases": 0},
        "aliases",
    ),
    "aliases in a fragment within introspection": (
        "{ ...F } fragment F on Query { __schema { types { ...G } } }"
        "fragment G on __Type {" + " ".join(f"a{index}: name" for index in range(16)) + "}",
        {},
        "aliases",
    ),
    "directives within introspection": (
        "{ __schema @skip(if: false) { types {"
        + " ".join(f"a{index}: name @skip(if: false)" for index in range(30))
        + "} } }",
        {"directives": 0},
        "directives",
    ),
    "directives of fragments within introspection": (
        "{ __schema { ... @skip(if: false) { ...F @skip(if: false) } } } fragment F on __Schema { __typename }",
        {"directives": 0},
        "directives",
    ),
    "introspection beside cards": (
        "query ($n: CardNumber!) { card(cardNo: $n) { a: balance } __schema { types { b: name c: name } } }",
        {"aliases": 1, "fields": 2, "depth": 2, "introspection_fields": 4, "introspection_depth": 3},
        "introspection",
    ),
}


@table(("text", "limits", "name"), AT_THE_MAXIMUM.values())
def test_a_document_at_a_limit_is_accepted(text: str, limits: dict[str, int], name: str) -> None:
    assert is_accepted(text, **limits), name


BEYOND = {
    "depth": (nested(9), {}, ("depth", 8)),
    "depth of a valid document": (ADDRESS, {"depth": 4}, ("depth", 4)),
    "aliases": (aliased(16), {}, ("aliases", 15)),
    "aliases of root fields": (
        "{" + " ".join(f"a{index}: __typename" for index in range(16)) + "}",
        {},
        ("aliases", 15),
    ),
    "root fields": ("{" + "__typename " * 11 + "}", {}, ("rootFields", 10)),
    "root fields of a fragment": (
        "{ ...F ...F } fragment F on Query {" + "__typename " * 6 + "}",
        {},
        ("rootFields", 10),
    ),
    "fields": (of_card("balance " * 200), {}, ("fields", 200)),
    "fields of a fragment": (
        of_card("...F " * 8) + " fragment F on Card {" + "balance " * 26 + "}",
        {},
        ("fields", 200),
    ),
    "fields of a fragment that is not used": (
        "{ __typename } fragment F on Card {" + "balance " * 201 + "}",
        {},
        ("fields", 200),
    ),
    "fields of a fragment that another one replaces": (
        "{ ...F } fragment F on Query { card {" + "balance " * 200 + "} } fragment F on Query { __typename }",
        {},
        ("fields", 200),
    ),
    "450 repeated fields": (of_card("balance " * 450), {}, ("fields", 200)),
    "directives": (directives(21), {}, ("directives", 20)),
    "60 directives that do not exist": ("{ __typename" + " @a" * 60 + "}", {}, ("directives", 20)),
    "directives of a variable": ("query ($a: Int" + " @a" * 21 + ") { __typename }", {}, ("directives", 20)),
    "directives of the operation": ("query" + " @a" * 21 + "{ __typename }", {}, ("directives", 20)),
    "operations": (operations(11), {}, ("operations", 10)),
    "150 operations": ("{ a }" * 150, {}, ("operations", 10)),
    "introspection depth": ("{ __schema" + nested(20) + "}", {}, ("introspectionDepth", 20)),
    "introspection fields": (
        "{ __schema { ...F0 } }"
        + "".join(f"fragment F{index} on __Schema {{ ...F{index + 1} ...F{index + 1} }}" for index in range(10))
        + "fragment F10 on __Schema { __typename }",
        {},
        ("introspectionFields", 1_000),
    ),
    "directives within introspection": (
        "{ __schema { types { name" + " @a" * 8 + "} } }",
        {"introspection_fields": 10},
        ("introspectionFields", 10),
    ),
    "195 equal fields": (of_card("balance " * 195), {}, ("comparisons", 1_000)),
    "580 equal fields of introspection": (
        "{ __schema { types {" + "name " * 580 + "} } }",
        {},
        ("comparisons", 1_000),
    ),
    "equal fields of two fragments": (
        of_card("...A ...B")
        + f"fragment A on Card {{ {'balance ' * 40} }} fragment B on Card {{ {'balance ' * 40} }}",
        {},
        ("comparisons", 1_000),
    ),
    "601 tokens": ("{" + "a " * 599 + "}", {}, ("tokens", 600)),
    "16 KB of comments": ("#" * 16_384 + "\n{ __typename }", {}, ("length", 15_000)),
    "101 comments": ("#\n" * 101 + "{ __typename }", {}, ("comments", 100)),
    "5,000 braces": ("{a" * 5_000 + "}" * 5_000, {}, ("depth", None)),
}


@table(("text", "limits", "named"), BEYOND.values())
def test_a_document_beyond_a_limit_is_refused_by_its_name(
    text: str, limits: dict[str, int], named: tuple[str, int | None]
) -> None:
    assert (ErrorCode.QUERY_LIMIT_EXCEEDED, *named) == limit_of(text, **limits)


@pytest.mark.parametrize("levels", [21, 48, 60])
@pytest.mark.parametrize("where", ["card", "root", "introspection"])
def test_doubled_fragments_are_refused_in_few_steps(levels: int, where: str) -> None:
    on, leaf, start, limit = {
        "card": ("Card", "balance", of_card("...F0"), ("fields", 200)),
        "root": ("Query", "__typename", "{ ...F0 }", ("rootFields", 10)),
        "introspection": ("__Schema", "__typename", "{ __schema { ...F0 } }", ("introspectionFields", 1_000)),
    }[where]
    chain = [f"fragment F{index} on {on}{{...F{index + 1}...F{index + 1}}}" for index in range(levels)]
    text = " ".join([start, *chain, f"fragment F{levels} on {on} {{ {leaf} }}"])

    steps = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = limit_of(text, tokens=1_000)
    finally:
        sys.setprofile(before)
    assert (ErrorCode.QUERY_LIMIT_EXCEEDED, *limit) == found
    # Calls and returns, most of them of the parser; a hundred thousand take about ten milliseconds. Expanding
    # fragments would take millions.
    assert steps < 1_500 * (levels + 10)


def test_sixty_levels_of_doubled_fragments_are_over_the_default_limit_of_tokens() -> None:
    chain = [f"fragment F{index} on Query{{...F{index + 1}...F{index + 1}}}" for index in range(60)]
    text = " ".join(["{ ...F0 }", *chain, "fragment F60 on Query { __typename }"])
    assert limit_of(text) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "tokens", 600)


@pytest.mark.parametrize(
    "text",
    [
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
        of_card("...F") + " fragment F on Card { balance member { ...G } } fragment G on Member { userId ...G }",
    ],
)
def test_circular_fragments_are_a_validation_error(text: str) -> None:
    errors = refusal(text)
    causes = [error.original_error for error in errors if isinstance(error.original_error, GatewayError)]
    assert {cause.code for cause in causes} == {ErrorCode.GRAPHQL_VALIDATION_FAILED}
    assert any("spreads itself" in error.message for error in errors)


def test_a_circle_hides_nothing_from_the_limits() -> None:
    circle = "fragment A on Card { ...B ...A } fragment B on Card { ...A " + "balance " * 200 + "}"
    assert limit_of(f"{of_card('...A')} {circle}") == (ErrorCode.QUERY_LIMIT_EXCEEDED, "fields", 200)


def test_limits_come_before_validation() -> None:
    # Only the limit is reported: the rules, some of them quadratic, did not run.
    text = "{" + " ".join(f"a{index}: nothing(x: [{{y: z}}])" for index in range(16)) + "}"
    assert limit_of(text) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "aliases", 15)


FULL_INTROSPECTION = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)


def test_the_full_introspection_query_is_within_the_limits() -> None:
    assert is_accepted(FULL_INTROSPECTION)


def test_introspection_counts_against_no_other_limit_but_root_fields() -> None:
    assert is_accepted(FULL_INTROSPECTION, depth=1, fields=1, root_fields=1)
    assert limit_of(FULL_INTROSPECTION + " { __typename }", operations=1)[1] == "operations"


def test_no_limit_tells_what_the_document_held() -> None:
    text = f"query Q{CARD} {{" + f'a{CARD}: card(cardNo: "{CARD}") {{ balance }} ' * 16 + "}"
    (error,) = refusal(text)
    assert isinstance(error.original_error, GatewayError)
    assert CARD not in f"{error} {error!r} {error.original_error!r} {error.original_error.extensions}"
