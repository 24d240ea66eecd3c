"""The cost of lists: nested ones, pages, and those of unknown length."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import strawberry
from graphql import parse

from graph.graphql.analysis import analyse
from graph.graphql.bindings import executable_schema
from graph.graphql.cost import SATURATED
from graph.graphql.documents import Documents
from graph.graphql.limits import DocumentLimits
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record
from schema.fields import Argument, edge, part
from tests.tables import table


class Row(Record):
    key: str | None
    keys: list[str] | None


class Book(Record):
    rows: list[Row] | None


class Page(NamedTuple):
    key: str
    first: int


ROWS: Endpoint[str, Row] = Endpoint(
    name="rows", title="Rows", path="/rows", key=str, request=lambda _: {}, record=Row
)
PAGES: Endpoint[Page, Book] = Endpoint(
    name="pages", title="Pages", path="/pages", key=Page, request=lambda _: {}, record=Book, cost=7
)
KEYS = Argument("keys", list[str], description="Some.")
FIRST = Argument("first", int, default=20, description="How many.")


@strawberry.type(name="Row")
class RowType:
    key: str | None
    rows: list[RowType] | None = edge("rows", key=KEYS, description="Those that are asked for.")
    own: list[RowType] | None = edge("rows", key="keys", description="Those that the row names.")
    page: BookType | None = edge("pages", key=("key", FIRST), size="first", description="A page.")


@strawberry.type(name="Book")
class BookType:
    rows: list[RowType] | None
    counted: list[RowType] | None = part(of="rows", size=1, description="Those that the page has counted.")


@strawberry.type(name="Query")
class Query:
    rows: list[RowType] | None = edge("rows", key=KEYS, description="Those that are asked for.")


SCHEMA = executable_schema([ROWS, PAGES], Query)
LIMITS = DocumentLimits(cost=SATURATED)
VARIABLES = {"a": ["1", "2"], "b": ["1", "2", "3"], "n": 5}


DECLARED = {"a": "[String!]!", "b": "[String!] = []", "n": "Int"}


def cost(selected: str, **variables: Any) -> int:
    declared = " ".join(f"${name}: {kind}" for name, kind in DECLARED.items() if f"${name}" in f"$a {selected}")
    text = f"query ({declared}) {{ rows(keys: $a) {{ {selected} }} }}"
    operation = Documents(SCHEMA, LIMITS, introspection=True).read(text).operation(None)
    return operation.cost({**VARIABLES, **variables})


@table(
    ("selected", "expected"),
    [
        ("key", 2 * 10),
        ("rows(keys: $b) { key }", 2 * 10 + 2 * 3 * 10),
        ("rows(keys: $a) { key }", 2 * 10 + 2 * 2 * 10),
        ("rows(keys: $b) { rows(keys: $a) { key } }", 2 * 10 + 2 * 3 * 10 + 2 * 3 * 2 * 10),
        ('rows(keys: ["x", "y"]) { rows(keys: $b) { key } }', 2 * 10 + 2 * 2 * 10 + 2 * 2 * 3 * 10),
        ("rows(keys: $b) { key } again: rows(keys: $b) { key }", 2 * 10 + 2 * (2 * 3 * 10)),
        ("own { key }", 2 * 10 + 2 * 10 * 10),
        ("page { counted { key } }", 2 * 10 + 2 * (7 + 20)),
        ("page(first: 3) { counted { key } }", 2 * 10 + 2 * (7 + 3)),
        ("page(first: $n) { counted { key } }", 2 * 10 + 2 * (7 + 5)),
        ("page(first: $n) { rows { key } }", 2 * 10 + 2 * (7 + 5 * 10)),
        ("page(first: $n) { counted { rows(keys: $b) { key } } }", 2 * 10 + 2 * (7 + 5 * (1 + 3 * 10))),
    ],
)
def test_a_list_in_a_list_costs_their_product(selected: str, expected: int) -> None:
    assert cost(selected) == expected


def test_a_variable_without_a_value_counts_as_its_default_or_its_arguments() -> None:
    page = "page(first: $n) { counted { key } }"
    assert Documents(SCHEMA, LIMITS, introspection=True).read(
        f"query ($a: [String!]!, $n: Int! = 4) {{ rows(keys: $a) {{ {page} }} }}"
    ).operation(None).cost({"a": VARIABLES["a"]}) == 2 * 10 + 2 * (7 + 4)
    assert cost(page, n=None) == 2 * 10 + 2 * (7 + 20)
    assert cost(page, n=-3) == 2 * 10 + 2 * 7
    assert 2 * 10 + 2 * (7 + 20) == cost(page, n="x") == cost(page, n=float("inf"))
    assert cost(page, n=10**30) == SATURATED


def test_a_fragment_within_lists_is_paid_for_as_often_as_it_is_selected() -> None:
    text = """query ($a: [String!]!, $b: [String!]!) { rows(keys: $a) { ...F } rows2: rows(keys: $b) { ...F } }
    fragment F on Row { rows(keys: $b) { key } }"""
    operation = Documents(SCHEMA, LIMITS, introspection=True).read(text).operation(None)
    assert operation.cost(VARIABLES) == 2 * 10 + 2 * 3 * 10 + 3 * 10 + 3 * 3 * 10


def test_lists_within_lists_in_too_many_combinations_cost_the_most_that_there_is_at_once() -> None:
    names = [f"v{index}" for index in range(12)]
    spread = " ".join(f"{name}: rows(keys: ${name}) {{ ...F }}" for name in names)
    chain = " ".join(
        f"fragment F{level} on Row {{ {spread.replace('...F', f'...F{level + 1}')} }}" for level in range(12)
    )
    document = parse(f"{{ rows(keys: $v0) {{ ...F0 }} }} {chain} fragment F12 on Row {{ key }}")
    started = time.process_time()
    ((_, size),) = analyse(document, SCHEMA).operations
    # Expanding everything would take for ever.
    assert time.process_time() - started < 20
    assert size.price.fixed == SATURATED
