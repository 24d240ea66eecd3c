"""Values that do not fit, found before or during the execution, are always the client's error."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.graphql.errors import argument_errors
from graph.sandbox.ledger import FIRST_CARD
from tests.graphql.plan_cases import run_both
from tests.graphql.plan_documents import DocumentMaker
from tests.graphql.plan_records import world
from tests.support import Gateway, gateway, on_core
from tests.tables import table
from tests.telemetry.scrape import value
from tests.tools import examples

if TYPE_CHECKING:
    from collections.abc import Callable

NULL_OVER_A_DEFAULT: dict[str, tuple[str, list[str | int] | None]] = {
    "@skip at the root": ("query ($v: Boolean = true) { __typename @skip(if: $v) }", None),
    "@include of an inline fragment": ("query ($v: Boolean = true) { ... @include(if: $v) { __typename } }", None),
    "@include of a fragment": (
        "query ($v: Boolean = true) { ...F @include(if: $v) } fragment F on Query { __typename }",
        None,
    ),
    "@skip within a card": (
        f'query ($v: Boolean = true) {{ card(cardNo: "{FIRST_CARD}") {{ balance @skip(if: $v) }} }}',
        ["card"],
    ),
    "@skip within introspection": (
        'query ($v: Boolean = true) { __type(name: "Card") { name @skip(if: $v) } }',
        ["__type"],
    ),
    "an argument": (
        f'query ($v: CardNumber = "{FIRST_CARD}") {{ card(cardNo: $v) {{ balance }} }}',
        ["card"],
    ),
    "an argument that is a list": (
        f'query ($v: [CardNumber!] = ["{FIRST_CARD}"]) {{ cards(cardNos: $v) {{ balance }} }}',
        ["cards"],
    ),
    "an item of a list": (
        f'query ($v: CardNumber = "{FIRST_CARD}") {{ cards(cardNos: ["{FIRST_CARD}" $v]) {{ balance }} }}',
        ["cards"],
    ),
    "the only field of an input object": (
        'query ($v: ID = "x") { cardLookup(by: {id: $v}) { __typename } }',
        ["cardLookup"],
    ),
    "an argument of introspection": ('query ($v: String = "Card") { __type(name: $v) { name } }', ["__type"]),
    "an argument within introspection": (
        "query ($v: Boolean = true) { __schema { queryType { fields(includeDeprecated: $v) { name } } } }",
        ["__schema", "queryType", "fields"],
    ),
}


def unexpected(running: Gateway) -> float | None:
    return value(running.metrics, "unexpected_exceptions_total")


@table("executed", [str, on_core])
@table(("query", "path"), NULL_OVER_A_DEFAULT.values())
async def test_a_null_that_overrules_a_default_value_is_the_clients_fault(
    query: str, path: list[str | int] | None, executed: Callable[[str], str]
) -> None:
    async with gateway() as running:
        answer = await running.query(executed(query), {"v": None})
        assert unexpected(running) == 0
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "The variable '$v' must have a value here, not null."
    assert path == error.get("path")
    assert error["locations"]


async def test_the_other_fields_are_answered() -> None:
    query = 'query ($v: String = "Card") { __typename __type(name: $v) { name } }'
    async with gateway() as running:
        answer = await running.query(query, {"v": None})
    assert answer["data"] == {"__typename": "Query", "__type": None}


@pytest.mark.parametrize("given_value", [1, "x", {}, [], 10**400, float("nan")], ids=repr)
async def test_a_variable_of_another_type_names_itself_and_its_type(given_value: object) -> None:
    query = "query ($v: Boolean!) { __typename @skip(if: $v) }"
    outcome, _ = await run_both(query, world(Random(1)), v=given_value)  # noqa: S311 - an example
    (error,) = outcome.errors
    assert error["message"] == "The variable '$v' needs a valid value of type 'Boolean!'."


def test_an_error_of_ours_stays_one() -> None:
    ours = [
        GraphQLError("Cannot return null for non-nullable field Query.cards."),
        GraphQLError("", original_error=TypeError()),
        GraphQLError("", original_error=GraphQLError("String cannot represent value: {}")),
    ]
    assert ours == list(argument_errors(ours))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.sampled_from([FIRST_CARD, "NaN", "\ud800", "\udc00x", "true", "0" * 16, "Card", "９" * 16]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "cardNo", "\ud800", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = ["a", "b", "c", "l", "m", "t", "f", "g", "s1", "s2", "v", "\ud800", ""]
DOCUMENTS = st.one_of(
    st.integers(0, 2**64 - 1).map(lambda seed: DocumentMaker(Random(seed), 3).text),  # noqa: S311 - an example
    st.sampled_from([query for query, _ in NULL_OVER_A_DEFAULT.values()]),
    st.text(st.characters(), max_size=20).map(lambda text: f'{{ __type(name: "{text}") {{ name }} }}'),
    st.text(st.characters(), max_size=20).map(lambda text: f"{{ __typename }} # {text}"),
)
BODIES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"query": DOCUMENTS, "variables": st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)},
    optional={"operationName": SCALARS, "extensions": VALUES, "documentId": SCALARS},
)


@pytest.mark.no_cover
@pytest.mark.parametrize("executed", [str, on_core], ids=["plan", "core"])
def test_no_request_of_a_client_is_an_unexpected_exception(executed: Callable[[str], str]) -> None:
    async def ask(bodies: list[dict[str, Any]]) -> None:
        async with gateway() as running:
            for body in bodies:
                content = json.dumps({**body, "query": executed(body["query"])})
                answer = await running.client.post(
                    "/graphql", content=content, headers={"content-type": "application/json"}
                )
                assert unexpected(running) == 0, answer.text

    @settings(max_examples=examples(20))
    @given(st.lists(BODIES, min_size=5, max_size=5))
    def ask_many(bodies: list[dict[str, Any]]) -> None:
        asyncio.run(ask(bodies))

    ask_many()
