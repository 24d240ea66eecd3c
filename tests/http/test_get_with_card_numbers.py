"""GET requests that would put a card number into a URL are refused, from the first one on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.graphql.documents import CARD_QUERY, hash_of
from tests.support import Gateway, Recorder, gateway

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

TWO = "query Name { __typename } query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
SWITCHED = "query ($on: Boolean!) { __typename @include(if: $on) }"


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


async def get(running: Gateway, **parameters: object) -> httpx.Response:
    texts = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items() if value
    }
    return await running.client.get("/graphql", params=texts)


def assert_only_by_post(answer: httpx.Response) -> None:
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert FIRST_CARD not in answer.text


async def register(running: Gateway, text: str, variables: dict[str, Any]) -> None:
    body = {"query": text, "variables": variables, "extensions": persisted(text)}
    assert (await running.client.post("/graphql", json=body)).status_code == 200


@pytest.mark.parametrize("stored", [True, False])
async def test_a_hash_with_variables_is_refused_whether_its_document_is_known_or_not(*, stored: bool) -> None:
    variables = {"n": FIRST_CARD}
    async with gateway(KONAGRAPH_APQ=str(stored).lower()) as running:
        for _ in range(2):
            assert_only_by_post(await get(running, extensions=persisted(CARD_QUERY), variables=variables))
        await register(running, CARD_QUERY, variables)
        assert_only_by_post(await get(running, extensions=persisted(CARD_QUERY), variables=variables))


async def test_a_hash_without_variables_is_registered_as_ever() -> None:
    text = "{ __typename }"
    async with gateway() as running:
        unknown = await get(running, extensions=persisted(text))
        assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
        known = await get(running, query=text, extensions=persisted(text))
        again = await get(running, extensions=persisted(text))
    assert [known.json(), again.json()] == [{"data": {"__typename": "Query"}}] * 2


async def test_variables_of_a_known_document_that_takes_no_card_numbers_are_taken() -> None:
    async with gateway() as running:
        await register(running, SWITCHED, {"on": True})
        answer = await get(running, extensions=persisted(SWITCHED), variables={"on": True})
    assert answer.json() == {"data": {"__typename": "Query"}}


REFUSED: dict[str, dict[str, Any]] = {
    "a variable": {"query": CARD_QUERY, "variables": {"n": FIRST_CARD}},
    "a variable that is missing": {"query": CARD_QUERY},
    "a text with its hash": {"query": CARD_QUERY, "variables": {}, "extensions": persisted(CARD_QUERY)},
    "a literal": {"query": f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'},
    "a list of literals": {"query": f'{{ cards(cardNos: ["{FIRST_CARD}"]) {{ balance }} }}'},
    "a default value": {"query": f'query ($n: CardNumber! = "{FIRST_CARD}") {{ card(cardNo: $n) {{ balance }} }}'},
    "a literal within a fragment": {
        "query": f'{{ ...F }} fragment F on Query {{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'
    },
    "a literal that is none of a card": {"query": f'{{ __type(name: "{FIRST_CARD}") {{ name }} }}'},
    "a comment": {"query": f"{{ __typename }} # {FIRST_CARD}"},
    "the operation of two that takes one": {
        "query": TWO,
        "operationName": "Card",
        "variables": {"n": FIRST_CARD},
    },
}


@pytest.mark.parametrize("parameters", REFUSED.values(), ids=REFUSED)
async def test_a_document_that_could_be_given_a_card_number_or_holds_one_is_refused(
    parameters: dict[str, Any],
) -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        for _ in range(2):
            assert_only_by_post(await get(running, **parameters))
    assert recorder.paths == []


async def test_the_operation_of_two_that_takes_none_is_answered() -> None:
    async with gateway() as running:
        answer = await get(running, query=TWO, operationName="Name")
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("parameter", ["documentId", "doc_id"])
async def test_a_trusted_document_is_refused_likewise(parameter: str, tmp_path: Path) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"card": CARD_QUERY, "name": "{ __typename }"}), encoding="utf-8")
    async with gateway(KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE="enforce") as running:
        assert_only_by_post(await get(running, **{parameter: "card"}, variables={"n": FIRST_CARD}))
        answer = await get(running, **{parameter: "name"})
        unknown = await get(running, **{parameter: "other"}, variables={"n": FIRST_CARD})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
