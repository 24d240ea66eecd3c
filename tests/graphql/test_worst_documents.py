"""The work of the worst documents within the limits of length and tokens, counted in function calls."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from graphql import get_introspection_query

from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.limits import DocumentLimits
from tests.graphql.documents import CARD
from tests.graphql.schemas import SCHEMA
from tests.tables import table

if TYPE_CHECKING:
    from types import FrameType

MOST_CALLS = 45_000
"""Three to nine milliseconds. The worst of these once made 1.5 million."""


def many(text: str, count: int, separator: str = " ") -> str:
    return separator.join(text.replace("#", str(index)) for index in range(count))


def chain(length: int, spread: str = "...F{}", leaf: str = "__typename") -> str:
    fragments = [
        f"fragment F{index} on Query {{ {spread.replace('{}', str(index + 1))} }}" for index in range(length)
    ]
    return " ".join([*fragments, f"fragment F{length} on Query {{ {leaf} }}"])


def of_card(selection: str) -> str:
    return f"query ($n: CardNumber!) {{ card(cardNo: $n) {{ {selection} }} }}"


WORST = {
    "equal fields of introspection": f"{{ __schema {{ types {{ {many('name', 570)} }} }} }}",
    "the same with a card number": f'{{ __type(name: "{CARD}") {{ {many("name", 570)} }} }}',
    "the same with a variable": f"query ($n: String!) {{ __type(name: $n) {{ {many('name', 560)} }} }}",
    "aliases of introspection": f"{{ __schema {{ types {{ {many('a#: name', 190)} }} }} }}",
    "objects of introspection": f"{{ __schema {{ types {{ {many('fields { name type { name } }', 65)} }} }} }}",
    "fragments of introspection": (
        f"{{ __schema {{ types {{ {many('...F#', 55)} }} }} }} {many('fragment F# on __Type { name }', 55)}"
    ),
    "equal fields in fragments": (
        "{ __schema { types { ...A ...B } } }"
        f" fragment A on __Type {{ {many('name', 270)} }} fragment B on __Type {{ {many('name', 270)} }}"
    ),
    "equal fields": of_card(many("balance", 195)),
    "equal objects": of_card(many("member { profile { userName aspId } }", 60)),
    "equal cards": f'{{ {many(f"""card(cardNo: "{CARD}") {{ balance serviceId ownerKa }}""", 10)} }}',
    "a chain of fragments": "{ ...F0 } " + chain(60),
    "a chain of fragments with a variable": (
        "query ($v: Boolean!) { ...F0 } " + chain(55, leaf="__typename @skip(if: $v)")
    ),
    "a circle of fragments": "{ ...F0 } " + chain(44, "...F{} ...F0", "...F0"),
    "fragments that nothing uses": "{ __typename } " + many("fragment F# on Query { __typename }", 74),
    "fragments of one name": "{ ...F } " + many("fragment F on Query { __typename }", 74),
    "fragments for all operations": many("query Q# { ...F0 }", 10) + " " + chain(55),
    "fragments within each other": "{" + "... on Query {" * 110 + "__typename" + "}" * 110 + "}",
    "fragments on types that there are not": of_card(many("... on X# { a }", 90)),
    "fields that there are not": f'{{ card(cardNo: "{CARD}") {{ {many("x#", 190)} }} }}',
    "variables that nothing uses": f"query ({many('$v#: Int', 145)}) {{ __typename }}",
    "variables of one name": f"query ({many('$v: Int', 145)}) {{ __typename }}",
    "variables that there are not": f"{{ cards(cardNos: [{many('$v#', 285)}]) {{ balance }} }}",
    "directives": of_card(many("balance @skip(if: false)", 20)),
    "arguments": f"{{ card({many('a#: 1', 190)}) {{ balance }} }}",
    "a wide list": f"{{ cards(cardNos: [{many('1', 580)}]) {{ balance }} }}",
    "a deep list": f"{{ card(cardNo: {'[' * 190}{']' * 190}) {{ balance }} }}",
    "a wide object": f"{{ card(cardNo: {{ {many('a#: 1', 190)} }}) {{ balance }} }}",
    "a deep object": f"{{ card(cardNo: {'{ a: ' * 110}1{'}' * 110}) {{ balance }} }}",
    "types": f"type A {{ {many('a: Int', 190)} }}",
    "a fault at the end": f"{{ {many('__typename', 590)} !",
    "a fault at the end and card numbers": f'{{ a(b: "{CARD}") {many("b", 585)} !',
    "a long name": "{" + "a" * 14_000 + "}",
    "a long string": f'{{ __type(name: """{" " * 13_900}""") {{ name }} }}',
}


def calls(text: str, *, introspection: bool) -> int:
    """The number of function calls that it takes to resolve a text."""
    documents = Documents(SCHEMA, DocumentLimits(), introspection=True)
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        documents.resolve(text, introspection=introspection)
    except DocumentError:
        pass
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.slow
@table("introspection", [True, False])
@table("text", WORST.values())
def test_a_document_is_read_in_a_bounded_number_of_calls(text: str, *, introspection: bool) -> None:
    assert len(text) <= DocumentLimits().characters
    assert calls(text, introspection=introspection) < MOST_CALLS


def test_who_may_not_introspect_is_refused_before_anything_is_validated() -> None:
    text = WORST["aliases of introspection"]
    assert calls(text, introspection=False) < 0.6 * calls(text, introspection=True)


def test_the_query_of_explorers_is_far_from_every_bound() -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    limits = DocumentLimits(comparisons=100, introspection_fields=300, tokens=300)
    assert Documents(SCHEMA, limits, introspection=True).resolve(query).document.introspects
