"""Malicious documents through the whole gateway: each gets its error, and no upstream call."""

from __future__ import annotations

from typing import Any

import pytest

from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.support import GRAPHQL_RESPONSE, Recorder, gateway
from tests.tables import table

CARD_QUERY = "query ($n: CardNumber!) { card(cardNo: $n) { %s } }"
CARDS_QUERY = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { %s } }"


def aliased(field: str, count: int) -> str:
    return " ".join(f"a{index}: {field}" for index in range(count))


def doubled(levels: int) -> str:
    chain = [f"fragment F{index} on Card{{...F{index + 1}...F{index + 1}}}" for index in range(levels)]
    return " ".join([*chain, f"fragment F{levels} on Card {{ balance }}"])


async def answer(query: str, variables: dict[str, Any] | None = None, **settings: object) -> dict[str, Any]:
    """The response to a document that must not reach the upstream."""
    recorder = Recorder()
    async with gateway(recorder, **settings) as running:
        response = await running.post(query, variables or {"n": FIRST_CARD}, accept=GRAPHQL_RESPONSE)
    assert response.status_code == 400
    assert recorder.paths == []
    assert FIRST_CARD not in response.text
    found: dict[str, Any] = response.json()
    assert "data" not in found
    return found


LIMITED = {
    "16 aliases": (CARD_QUERY % aliased("balance", 16), ("aliases", 15)),
    "16 aliases of cards": (
        "query ($n: CardNumber!) {" + aliased("card(cardNo: $n) { balance }", 16) + "}",
        ("aliases", 15),
    ),
    "11 root fields": (
        "query ($n: CardNumber!) {" + aliased("card(cardNo: $n) { balance }", 11) + "}",
        ("rootFields", 10),
    ),
    "21 levels of doubled fragments": (CARD_QUERY % "...F0" + doubled(21), ("fields", 200)),
    "55 levels of doubled fragments": (CARD_QUERY % "...F0" + doubled(55), ("fields", 200)),
    "60 levels of doubled fragments": (CARD_QUERY % "...F0" + doubled(60), ("tokens", 600)),
    "depth 9": ("{ a { a { a { a { a { a { a { a { a } } } } } } } } }", ("depth", 8)),
    "5,000 braces": ("{a" * 5_000 + "}" * 5_000, ("depth", None)),
    "601 tokens": ("{" + "a " * 599 + "}", ("tokens", 600)),
    "16 KB of comments": ("#" * 16_384 + "\n{ __typename }", ("length", 15_000)),
    "450 repeated fields": (CARD_QUERY % ("balance " * 450), ("fields", 200)),
    "60 directives": (CARD_QUERY % ("balance" + " @skip(if: false)" * 60), ("directives", 20)),
    "60 directives that do not exist": ("{ __typename" + " @a" * 60 + "}", ("directives", 20)),
    "150 operations": ("{a}" * 150, ("operations", 10)),
    "21 levels of introspection": (
        '{ __type(name: "Card") ' + "{ ofType " * 20 + "{ name }" + "}" * 21,
        ("introspectionDepth", 20),
    ),
    "1,024 fields of introspection": (
        "{ __schema { types { ...F0 } } }" + doubled(10).replace("Card", "__Type").replace("balance", "name"),
        ("introspectionFields", 1_000),
    ),
}


@table(("query", "limit"), LIMITED.values())
async def test_a_document_beyond_a_limit_is_told_which_and_nothing_else(
    query: str, limit: tuple[str, int | None]
) -> None:
    (error,) = (await answer(query))["errors"]
    assert set(error) == {"message", "extensions"}
    extensions = error["extensions"]
    assert ("QUERY_LIMIT_EXCEEDED", *limit) == (
        extensions["code"],
        extensions["limit"],
        extensions.get("maximum"),
    )
    assert extensions["retryable"] is False


async def test_a_limit_is_an_answer_of_status_200_for_clients_of_application_json() -> None:
    async with gateway() as running:
        response = await running.post(LIMITED["depth 9"][0], accept="application/json")
    assert response.status_code == 200
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["QUERY_LIMIT_EXCEEDED"]


INVALID = {
    "circular fragments": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
    "20 directives that do not exist": "{ __typename" + " @a" * 20 + "}",
    "50 fields that do not exist": CARD_QUERY % " ".join(f"f{index}" for index in range(50)),
    "@defer": CARD_QUERY % "... @defer { balance }",
    "@defer on a spread": CARD_QUERY % "...F @defer" + " fragment F on Card { balance }",
    "@stream": (CARDS_QUERY % "balance").replace(" { balance", " @stream { balance"),
    "a subscription": "subscription { __typename }",
    "a mutation": "mutation { __typename }",
}


@pytest.mark.parametrize("query", INVALID.values(), ids=INVALID)
async def test_a_document_that_does_not_fit_the_schema_is_told_at_most_five_times(query: str) -> None:
    errors = (await answer(query))["errors"]
    assert 0 < len(errors) <= 5
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


INTROSPECTIONS = {
    "plain": "{ __schema { types { name } } }",
    "an alias": '{ x: __type(name: "Card") { name } }',
    "a fragment": "{ ...F } fragment F on Query { __schema { types { name } } }",
    "a fragment within a fragment": (
        '{ ...F } fragment F on Query { ...G } fragment G on Query { y: __type(name: "Card") { name } }'
    ),
    "an inline fragment": "{ ... on Query { ... { __schema { types { name } } } } }",
    "a directive": "{ __schema @include(if: true) { types { name } } }",
}


@pytest.mark.parametrize("query", INTROSPECTIONS.values(), ids=INTROSPECTIONS)
async def test_introspection_that_is_switched_off_is_refused_however_it_is_written(query: str) -> None:
    errors = (await answer(query, KONAGRAPH_INTROSPECTION="false"))["errors"]
    assert {error["message"] for error in errors} == {"Introspection is switched off."}


async def test_an_operation_that_costs_too_much_is_refused_before_any_call() -> None:
    (error,) = (await answer(CARDS_QUERY % "balance", {"n": [FIRST_CARD] * 101}))["errors"]
    extensions = error["extensions"]
    assert (extensions["code"], extensions["limit"], extensions["maximum"]) == (
        "QUERY_LIMIT_EXCEEDED",
        "cost",
        1_000,
    )


async def test_a_cost_that_a_setting_allows_is_executed() -> None:
    recorder = Recorder()
    async with gateway(recorder, KONAGRAPH_MAX_COST=20) as running:
        allowed = await running.query(CARDS_QUERY % "balance", {"n": [FIRST_CARD] * 2})
        refused = await running.query(CARDS_QUERY % "balance", {"n": [FIRST_CARD] * 3})
    assert [card["balance"] for card in allowed["data"]["cards"]] == [CARDS[FIRST_CARD].fields["balance"]] * 2
    assert [error["extensions"]["maximum"] for error in refused["errors"]] == [20]
    assert len(recorder.paths) == 1


async def test_one_card_too_many_in_a_list_is_refused_by_the_limit_of_cards() -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        found = await running.query(CARDS_QUERY % "balance", {"n": [FIRST_CARD] * 21})
    (error,) = found["errors"]
    assert (error["extensions"]["limit"], error["extensions"]["maximum"]) == ("cards", 20)
    assert recorder.paths == []


async def test_duplicates_in_a_list_are_one_upstream_call() -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        found = await running.query(CARDS_QUERY % "maskedCardNo", {"n": [FIRST_CARD] * 20})
    assert found["data"]["cards"] == [{"maskedCardNo": "949133******0013"}] * 20
    assert len(recorder.paths) == 1


@pytest.mark.parametrize("name", ["Nothing", "card", "B "])
async def test_an_unknown_operation_name_is_a_bad_request(name: str) -> None:
    async with gateway() as running:
        body = {"query": "query A { __typename } query B { __typename }", "operationName": name}
        response = await running.client.post("/graphql", json=body)
    assert response.status_code == 400
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BAD_REQUEST"]


async def test_a_batch_is_a_bad_request() -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        one = {"query": CARD_QUERY % "balance", "variables": {"n": FIRST_CARD}}
        response = await running.client.post("/graphql", json=[one, one])
    assert response.status_code == 400
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BAD_REQUEST"]
    assert recorder.paths == []


RAISED = {
    "aliases": (CARD_QUERY % aliased("balance", 31), 30),
    "rootFields": ("{" + "__typename " * 21 + "}", 20),
    "fields": (CARD_QUERY % ("balance " * 400), 400),
    "tokens": ("{" + "a " * 1_199 + "}", 1_200),
    "length": ("{ __typename }" + " " * 29_987, 30_000),
}


@pytest.mark.parametrize(("limit", "case"), RAISED.items(), ids=RAISED)
async def test_limits_that_depend_on_root_fields_are_raised_with_them(limit: str, case: tuple[str, int]) -> None:
    query, maximum = case
    (error,) = (await answer(query, KONAGRAPH_MAX_ROOT_FIELDS=20))["errors"]
    assert (limit, maximum) == (error["extensions"]["limit"], error["extensions"]["maximum"])


async def test_twenty_root_fields_are_answered_where_they_are_allowed() -> None:
    query = "query ($n: CardNumber!) {" + aliased("card(cardNo: $n) { balance }", 20) + "}"
    async with gateway(None, KONAGRAPH_MAX_ROOT_FIELDS=20) as running:
        found = await running.query(query, {"n": FIRST_CARD})
    assert "errors" not in found
    assert len(found["data"]) == 20


async def test_fewer_root_fields_are_all_that_a_lower_limit_means() -> None:
    (error,) = (await answer("{ __typename __typename }", KONAGRAPH_MAX_ROOT_FIELDS=1))["errors"]
    assert (error["extensions"]["limit"], error["extensions"]["maximum"]) == ("rootFields", 1)
    async with gateway(None, KONAGRAPH_MAX_ROOT_FIELDS=1) as running:
        found = await running.query(CARD_QUERY % aliased("balance", 15), {"n": FIRST_CARD})
    assert "errors" not in found
