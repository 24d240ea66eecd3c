"""The gateway as a subgraph of Apollo Federation: entities are looked up like nodes, and nothing else changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from graph.graphql.cost import SCHEMA_COST
from schema.federation import subgraph_sdl
from schema.query import print_schema
from tests.support import gateway
from tests.wallet.bank import INTROSPECTION, bank, both_ways, member, wallet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.callers import Caller, Callers

OWNER: Final = member(2005)
FIELDS: Final = "{ __typename ... on Card { id balance } ... on Member { id userId } }"
ENTITIES: Final = f"query ($r: [_Any!]!) {{ _entities(representations: $r) {FIELDS} }}"
NODES: Final = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {FIELDS} }}"
MINE: Final = "{ viewer { member { id cards { id } } } }"
ON: Final[dict[str, Any]] = {"KONAGRAPH_FEDERATION": "true"}


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


def cards(*handles: str, **more: Any) -> list[dict[str, Any]]:
    return [{"__typename": "Card", "id": handle, **more} for handle in handles]


async def mine(running: Callers, caller: Caller = OWNER) -> tuple[str, list[str]]:
    """The ids of a member and of the cards."""
    found = (await running.ask(caller, MINE))["data"]["viewer"]["member"]
    return found["id"], [card["id"] for card in found["cards"]]


async def test_entities_are_nodes_in_the_order_given_with_the_same_calls(tmp_path: Path) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        member_id, ids = await mine(running)
        asked = [*cards(*ids, extra={"a": [1]}), {"__typename": "Member", "id": member_id}, *cards(ids[0])]
        entities, entity_calls = await both_ways(running, OWNER, ENTITIES, {"r": asked})
        nodes, node_calls = await both_ways(running, OWNER, NODES, {"ids": [each["id"] for each in asked]})
    assert entities["data"]["_entities"] == nodes["data"]["nodes"]
    assert [each["__typename"] for each in nodes["data"]["nodes"]] == ["Card"] * 5 + ["Member", "Card"]
    assert entity_calls == node_calls


async def test_what_is_not_the_viewers_is_null_at_its_place_like_what_does_not_exist(tmp_path: Path) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        member_id, ids = await mine(running)
        _, foreign = await mine(running, member(2003))
        # Forged, another viewer's, and of another type than the router expects.
        asked = [*cards(foreign[0], "b" * 128, "", ids[0]), {"__typename": "Card", "id": member_id}]
        answer, _ = await both_ways(running, OWNER, ENTITIES, {"r": asked})
    found = answer["data"]["_entities"]
    assert [each and each["id"] for each in found] == [None, None, None, ids[0], None]
    assert codes(answer) == ["NODE_NOT_FOUND"] * 4
    assert len({error["message"] for error in answer["errors"]}) == 1


@pytest.mark.parametrize(
    "representation",
    [
        None,
        7,
        "Card",
        [],
        {},
        {"__typename": "Card"},
        {"__typename": "Card", "id": 9491339400000013},
        {"__typename": "Card", "id": None},
        {"__typename": "Card", "cardNo": "9491339400000013"},
        {"__typename": "Transaction", "id": "x"},
        {"__typename": ["Card"], "id": "x"},
        {"id": "x"},
    ],
)
async def test_other_representations_are_refused_without_their_words(tmp_path: Path, representation: Any) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        answer = await running.ask(OWNER, ENTITIES, {"r": [representation]})
    assert codes(answer) == ["BAD_USER_INPUT"]
    assert "data" not in answer
    assert "9491339400000013" not in json.dumps(answer)
    assert running.calls == []


async def test_an_id_of_another_type_is_null_beside_the_same_id_of_its_own(tmp_path: Path) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        _, ids = await mine(running)
        for types in (["Card", "Member"], ["Member", "Card"]):
            asked = [{"__typename": name, "id": ids[0]} for name in types]
            answer, _ = await both_ways(running, OWNER, ENTITIES, {"r": asked})
            assert [each is None for each in answer["data"]["_entities"]] == [name == "Member" for name in types]
            assert codes(answer) == ["NODE_NOT_FOUND"]


async def test_entities_have_the_price_of_nodes(tmp_path: Path) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        _, ids = await mine(running)
        headers = {"authorization": f"Bearer {running.tokens[OWNER]}"}
        prices = []
        for query, variables in ((ENTITIES, {"r": cards(*ids)}), (NODES, {"ids": ids})):
            body = {"query": query, "variables": variables, "extensions": {"cost": True}}
            answer = await running.gateway.client.post("/graphql", json=body, headers=headers)
            prices.append(answer.json()["extensions"]["cost"]["requestedQueryCost"])
    assert prices[0] == prices[1] > 0


async def test_a_literal_is_read_like_a_variable(tmp_path: Path) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        _, ids = await mine(running)
        query = f'{{ _entities(representations: [{{__typename: "Card", id: "{ids[0]}"}}]) {FIELDS} }}'
        answer, _ = await both_ways(running, OWNER, query)
    assert answer["data"]["_entities"][0]["id"] == ids[0]


@pytest.mark.parametrize(
    "text", ['cardNo: "9491339400000013"', "id: 9491339400000013", 'id: {a: "9491339400000013"}']
)
async def test_another_literal_is_refused_without_its_words(tmp_path: Path, text: str) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        query = f'{{ _entities(representations: [{{__typename: "Card", {text}}}]) {FIELDS} }}'
        answer = await running.ask(OWNER, query)
    assert codes(answer) == ["BAD_USER_INPUT"]
    assert "9491339400000013" not in json.dumps(answer)
    assert running.calls == []


async def test_entities_are_limited_like_nodes(tmp_path: Path) -> None:
    async with wallet(tmp_path, bank(), **ON) as running:
        many = await running.ask(OWNER, ENTITIES, {"r": cards(*(["b" * 128] * 21))})
        nodes = await running.ask(OWNER, NODES, {"ids": ["b" * 128] * 21})
    assert codes(many) == codes(nodes)
    assert many["data"] is None


async def test_a_url_holds_no_number() -> None:
    variables = [json.dumps({"r": cards("x", **note)}) for note in ({}, {"note": "9491339400000013"})]
    async with gateway(None, **ON) as running:
        answers = [
            await running.client.get("/graphql", params={"query": ENTITIES, "variables": each})
            for each in variables
        ]
    assert [answer.status_code for answer in answers] == [200, 405]


async def test_the_subgraph_shows_its_schema_to_whoever_may_introspect(tmp_path: Path) -> None:
    service = "{ _service { sdl } }"
    async with wallet(tmp_path, bank(), **ON, KONAGRAPH_INTROSPECTION="false") as running:
        closed = await running.ask(member(2005, INTROSPECTION), service)
    async with wallet(tmp_path, bank(), **ON) as running:
        shown, _ = await both_ways(running, OWNER, service)
    assert closed["errors"][0]["message"] == "Introspection is switched off."
    sdl = shown["data"]["_service"]["sdl"]
    assert sdl == subgraph_sdl()
    assert sdl.count('@key(fields: "id")') == 2
    assert "_entities" not in sdl


async def test_in_production_the_subgraph_takes_the_scope_of_introspection(tmp_path: Path) -> None:
    production = {
        **ON,
        "KONAGRAPH_ENV": "production",
        "KONAGRAPH_ID_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_CARD_REF_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_AUDIT_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_DOCUMENTS_MODE": "off",
        "KONAPLATE_BASE_URL": "https://konaplate.example/open-api",
    }
    hidden = "{ ...F } fragment F on Query { a: _service { sdl } }"
    async with wallet(tmp_path, bank(), **production) as running:
        shown = await running.ask(member(2005, INTROSPECTION), hidden)
        refused = await running.ask(OWNER, hidden)
    assert shown["data"]["a"]["sdl"] == subgraph_sdl()
    assert refused["errors"][0]["extensions"]["requiredScope"] == "introspection"


async def test_the_schema_has_the_same_price_by_each_way() -> None:
    async with gateway(None, **ON) as running:
        body = {"query": "{ a: _service { sdl } b: _service { sdl } }", "extensions": {"cost": True}}
        answer = (await running.client.post("/graphql", json=body)).json()
    assert answer["extensions"]["cost"]["requestedQueryCost"] >= 2 * SCHEMA_COST


async def test_without_the_setting_there_is_no_trace_of_it() -> None:
    async with gateway() as running:
        for query in ("{ _service { sdl } }", "{ _entities(representations: []) { __typename } }"):
            answer = await running.query(query)
            assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]
        schema = await running.client.get("/graphql/schema.graphql")
    assert schema.text == print_schema()
    assert "_Any" not in schema.text
