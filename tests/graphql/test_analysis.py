"""The analysis of documents, valid and invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import OperationDefinitionNode, parse
from graphql import build_schema as build_graphql_schema

from graph.graphql.analysis import analyse
from graph.graphql.cost import COST, SATURATED, FieldCost, default_numbers
from tests.graphql.schemas import SCHEMA

if TYPE_CHECKING:
    from graph.graphql.analysis import Analysis
    from graph.graphql.size import Size


def sizes(text: str) -> Analysis:
    return analyse(parse(text), SCHEMA)


def only(text: str) -> Size:
    ((_, size),) = sizes(text).operations
    return size


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("{ a }", 1),
        ("{ a { b { c } } d }", 3),
        ("{ a { ... { b { ... on Card { c } } } } }", 3),
        ("{ ...F } fragment F on Query { a { b } }", 2),
        ("{ a { b { ...F } } } fragment F on Card { c { d } }", 4),
        ("{ a { b { c } ...F } } fragment F on Card { d }", 3),
        ("{ __schema { a { b { c { d } } } } e }", 1),
    ],
)
def test_depth_is_how_many_fields_stand_within_each_other(text: str, depth: int) -> None:
    assert depth == only(text).depth


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("{ a a a }", 3),
        ("{ a { b } ... { c ... on Query { d } } }", 4),
        ("{ ...F ...F } fragment F on Query { a { b } }", 4),
        ("{ __typename __schema { a b c } }", 1),
    ],
)
def test_fields_are_counted_wherever_they_stand(text: str, fields: int) -> None:
    assert fields == only(text).fields


@pytest.mark.parametrize(
    ("text", "root_fields"),
    [
        ("{ a { b c d } e }", 2),
        ("{ ... { a ... on Query { b } } }", 2),
        ("{ ...F c } fragment F on Query { a b { c } }", 3),
        ("{ a { ...F } } fragment F on Query { a b }", 1),
        ("{ __schema { a } __type { b } }", 2),
    ],
)
def test_root_fields_are_those_of_the_operation_and_of_what_it_spreads(text: str, root_fields: int) -> None:
    assert root_fields == only(text).root_fields


def test_aliases_of_introspection_are_not_counted() -> None:
    text = "{ x: a { y: b } z: __schema { u: a ...F } ...F ...F } fragment F on Query { v: c }"
    assert only(text).aliases == 4


def test_directives_are_counted_wherever_they_may_stand() -> None:
    text = """query Q($v: Int @d) @d @d {
      a @d ... @d { b } ... on Query @d { c } ...F @d ...F
    }
    fragment F on Query @d { e @d }"""
    # Two of the fragment, twice.
    assert only(text).directives == 3 + 4 + 2 * 2


def test_introspection_counts_apart_also_through_a_fragment_that_is_used_on_both_sides() -> None:
    size = only("""{ a { ...F } __schema { b { ...F } } ...G }
      fragment F on T { c { d } }
      fragment G on Query { e __type { f { g } } }""")
    assert (size.fields, size.depth) == (1 + 2 + 1, 3)
    assert (size.introspection_fields, size.introspection_depth) == (2 + 2 + 3, 4)


def test_each_operation_is_measured_on_its_own() -> None:
    analysis = sizes("query A { a ...F } query B { b { c } } mutation C { d } fragment F on Query { e e e }")
    assert [size.fields for _, size in analysis.operations] == [4, 2, 1]


def test_a_fragment_that_no_operation_uses_is_measured_too() -> None:
    analysis = sizes("{ a } fragment F on Query { b ...G } fragment G on Query { c { d } }")
    assert [size.fields for size in analysis.unused] == [3, 2]


def test_a_fragment_whose_name_is_taken_again_is_measured_too() -> None:
    analysis = sizes("{ ...F } fragment F on Query { a b ...G } fragment F on Query { c } fragment G on X { d }")
    assert [size.fields for _, size in analysis.operations] == [1]
    assert sorted(size.fields for size in analysis.unused) == [1, 3]


@pytest.mark.parametrize(
    "text",
    [
        "{ ...Nothing a }",
        "{ a ...F } fragment F on Query { ...F }",
        "{ a ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
        "subscription { a }",
        "{ a(b: $c) @d(e: $f) }",
    ],
)
def test_a_document_that_is_not_valid_is_measured_all_the_same(text: str) -> None:
    assert only(text).fields == 1


def test_a_fragment_within_itself_adds_nothing_to_it() -> None:
    assert only("{ a ...F } fragment F on Query { b ...F ...F }").fields == 2
    assert only("{ a ...F } fragment F on Query { b ...G } fragment G on Query { c ...F }").fields == 3


def test_nothing_of_a_fragment_that_spreads_itself_is_overlooked() -> None:
    # Wherever the cycles are entered, each fragment's own fields count at least once.
    text = """{ ...A } fragment A on Query { ...B ...A }
      fragment B on Query { ...A ...C a b c } fragment C on Query { ...B d e f }"""
    assert only(text).fields >= 6


OTHER = build_graphql_schema("""
  scalar CardNumber
  input Nested { again: Nested, cards: [CardNumber!] }
  interface Node { id: ID! }
  type Card implements Node { id: ID!, like(other: CardNumber): Card, page(first: Int, filter: Nested): Card }
  type Query { node(id: ID!): Node, find(anyName: [[CardNumber]]): Card, all(filter: Nested): Card }
""")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ node(id: $a) { id } }", False),
        ("{ find { id } }", False),
        ("{ find(anyName: $a) { id } }", True),
        ("{ all(filter: { again: $a }) { id } }", True),
        ("{ node(id: $a) { ... on Card { page(first: 1) { id } } } }", False),
        ("{ node(id: $a) { ... on Card { page(filter: $a) { id } } } }", True),
        (
            "{ node(id: $a) { ...F } } fragment F on Card { ...G } fragment G on Card { like(other: $b) { id } }",
            True,
        ),
        ("{ nothing(cardNo: $a) { id } node(id: $a, cardNo: $b) { id } }", False),
    ],
)
def test_the_types_of_its_arguments_say_whether_an_operation_takes_card_numbers(text: str, expected: bool) -> None:
    ((_, size),) = analyse(parse(text), OTHER).operations
    assert expected is size.takes_card_numbers


@pytest.mark.parametrize(
    ("number", "price"),
    [("3", 3), ("-3", 0), ("9" * 11, SATURATED), ("1" * 5_000, SATURATED), ("-" + "1" * 5_000, SATURATED)],
)
def test_a_number_of_any_length_has_a_price_before_it_is_validated(number: str, price: int) -> None:
    schema = build_graphql_schema("type Query { pages(first: Int): Page } type Page { id: ID }")
    assert schema.query_type is not None
    schema.query_type.fields["pages"].extensions[COST] = FieldCost(each=1, amount="first")
    text = f"query ($n: Int = {number}) {{ pages(first: {number}) {{ id }} }}"
    (definition,) = parse(text).definitions
    assert isinstance(definition, OperationDefinitionNode)
    ((_, size),) = analyse(parse(text), schema).operations
    assert price == size.price.fixed
    assert {"n": price} == default_numbers(definition.variable_definitions)
