"""GET runs what takes no card number, and refuses every request that takes one or has one in its URL."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.app import create_app
from graph.graphql.persisted import DocumentResolver
from graph.konaplate.endpoints import ENDPOINTS
from graph.redact import holds_card_number
from graph.sandbox.app import create_sandbox
from graph.sandbox.data import DATA
from graph.sandbox.ledger import FIRST_CARD
from tests.graphql.documents import CARD_QUERY, hash_of
from tests.http.asking import codes
from tests.support import Gateway, Recorder, credentials, gateway, sandbox_settings
from tests.test_toy_endpoint import COUPONS, TABLE, CouponQuery

if TYPE_CHECKING:
    from pathlib import Path

TWO = "query Name { __typename } query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
SWITCHED = "query ($on: Boolean!) { __typename @include(if: $on) }"
NAMED = "query ($name: String!) { __type(name: $name) { name } }"
HANDLE = "aZ" * 64
"""As long as an id, in its alphabet."""
TYPENAME = {"data": {"__typename": "Query"}}


def persisted(text: str) -> dict[str, Any]:
    return by_hash(hash_of(text))


def by_hash(sha256: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256}}


async def get(running: Gateway, **parameters: object) -> httpx.Response:
    texts = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items() if value
    }
    answer = await running.client.get("/graphql", params=texts)
    assert answer.headers["cache-control"] == "private, no-store"
    return answer


def assert_only_by_post(answer: httpx.Response) -> None:
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, QUERY"
    assert codes(answer) == ["BAD_REQUEST"]
    assert FIRST_CARD not in answer.text


async def register(running: Gateway, text: str, variables: dict[str, Any]) -> None:
    body = {"query": text, "variables": variables, "extensions": persisted(text)}
    assert (await running.client.post("/graphql", json=body)).status_code == 200


@pytest.mark.parametrize("stored", [True, False])
async def test_a_hash_with_a_card_number_is_refused_whether_its_document_is_known_or_not(*, stored: bool) -> None:
    variables = {"n": FIRST_CARD}
    async with gateway(KONAGRAPH_APQ=str(stored).lower()) as running:
        for _ in range(2):
            assert_only_by_post(await get(running, extensions=persisted(CARD_QUERY), variables=variables))
        await register(running, CARD_QUERY, variables)
        assert_only_by_post(await get(running, extensions=persisted(CARD_QUERY), variables=variables))


@pytest.mark.parametrize("variables", [{}, {"n": "1234"}, {"n": None}])
async def test_a_hash_of_an_operation_that_takes_a_card_number_is_refused_once_it_is_known(
    variables: dict[str, Any],
) -> None:
    async with gateway() as running:
        unknown = await get(running, extensions=persisted(CARD_QUERY), variables=variables)
        await register(running, CARD_QUERY, {"n": FIRST_CARD})
        assert_only_by_post(await get(running, extensions=persisted(CARD_QUERY), variables=variables))
    assert codes(unknown) == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("{ __typename }", {}, TYPENAME),
        (SWITCHED, {"on": True}, TYPENAME),
        (NAMED, {"name": HANDLE}, {"data": {"__type": None}}),
    ],
    ids=["no variables", "a Boolean", "an id"],
)
async def test_a_hash_is_registered_by_get_with_variables_or_without(
    text: str, variables: dict[str, Any], expected: dict[str, Any]
) -> None:
    async with gateway() as running:
        unknown = await get(running, extensions=persisted(text), variables=variables)
        registered = await get(running, query=text, extensions=persisted(text), variables=variables)
        known = await get(running, extensions=persisted(text), variables=variables)
    assert unknown.status_code == 200
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert [registered.json(), known.json()] == [expected] * 2


async def test_variables_of_a_known_document_that_takes_no_card_numbers_are_taken() -> None:
    async with gateway() as running:
        await register(running, SWITCHED, {"on": True})
        answer = await get(running, extensions=persisted(SWITCHED), variables={"on": True})
    assert answer.json() == TYPENAME


REFUSED: dict[str, dict[str, Any]] = {
    "a variable": {"query": CARD_QUERY, "variables": {"n": FIRST_CARD}},
    "a variable that is missing": {"query": CARD_QUERY},
    "a variable with few digits": {"query": CARD_QUERY, "variables": {"n": "1234"}},
    "a text with its hash": {"query": CARD_QUERY, "variables": {}, "extensions": persisted(CARD_QUERY)},
    "a literal": {"query": f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'},
    "a list of literals": {"query": f'{{ cards(cardNos: ["{FIRST_CARD}"]) {{ balance }} }}'},
    "a list of variables": {"query": "query ($n: CardNumber!) { cards(cardNos: [$n]) { balance } }"},
    "a list in a variable": {
        "query": "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }",
        "variables": {"n": ["1234"]},
    },
    "a default value": {"query": f'query ($n: CardNumber! = "{FIRST_CARD}") {{ card(cardNo: $n) {{ balance }} }}'},
    "a literal within a fragment": {
        "query": f'{{ ...F }} fragment F on Query {{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'
    },
    "a variable within a fragment": {
        "query": "query ($n: CardNumber!) { ...F } fragment F on Query { card(cardNo: $n) { balance } }"
    },
    "a field that is skipped": {
        "query": "query ($n: CardNumber!) { __typename card(cardNo: $n) @skip(if: true) { balance } }"
    },
    "a literal that is none of a card": {"query": f'{{ __type(name: "{FIRST_CARD}") {{ name }} }}'},
    "a comment": {"query": f"{{ __typename }} # {FIRST_CARD}"},
    "the operation of two that takes one": {
        "query": TWO,
        "operationName": "Card",
        "variables": {"n": FIRST_CARD},
    },
    "the operation of two that takes one, without a number": {"query": TWO, "operationName": "Card"},
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
    assert answer.json() == TYPENAME


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": NAMED, "variables": {"name": HANDLE}},
        {"query": f'{{ __type(name: "{HANDLE}") {{ name }} }}'},
        {"query": NAMED, "variables": {"name": "2026-01-01", "other": "2026-12-31", "first": 20}},
    ],
    ids=["an id in a variable", "an id in a literal", "dates and a number"],
)
async def test_values_of_other_types_are_taken(parameters: dict[str, Any]) -> None:
    async with gateway() as running:
        answer = await get(running, **parameters)
    assert answer.json() == {"data": {"__type": None}}


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": "{ coupons(userId: 7) { giverName card { balance } } }"},
        {
            "query": "query ($id: ID!) { coupons(userId: $id) { giverName card { balance } } }",
            "variables": {"id": "7"},
        },
    ],
    ids=["a literal", "a variable"],
)
async def test_cards_that_are_reached_by_an_id_are_read(parameters: dict[str, Any]) -> None:
    endpoints = [*ENDPOINTS, COUPONS]
    sandbox = create_sandbox(credentials(), endpoints=endpoints, data={**DATA, "coupons": TABLE})
    upstream = httpx.ASGITransport(sandbox)
    app = create_app(sandbox_settings(), endpoints=endpoints, query=CouponQuery, transport=upstream)
    asgi = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=asgi, base_url="http://g") as client:
        answer = await get(Gateway(client, upstream), **parameters)
    assert [coupon["card"]["balance"] for coupon in answer.json()["data"]["coupons"]] == [50_000, 3_200]


async def test_a_document_with_escapes_runs_although_it_is_not_kept() -> None:
    async with gateway() as running:
        answer = await get(running, query='{ __type(name: "\\u0051uery") { name } }')
    assert answer.json() == {"data": {"__type": {"name": "Query"}}}


SPELLED: dict[str, str] = {
    "plain": FIRST_CARD,
    "in groups": " ".join(FIRST_CARD[start : start + 4] for start in range(0, 16, 4)),
    "with dashes": "-".join(FIRST_CARD[start : start + 4] for start in range(0, 16, 4)),
    "on four lines": "\n".join(FIRST_CARD[start : start + 4] for start in range(0, 16, 4)),
    "full-width": "".join(chr(ord(digit) - ord("0") + ord("\uff10")) for digit in FIRST_CARD),
    "mathematical": "".join(chr(ord(digit) - ord("0") + 0x1D7CE) for digit in FIRST_CARD),
    "escaped": "".join(f"\\u{ord(digit):04x}" for digit in FIRST_CARD),
    "percent-encoded twice": "".join(f"%{ord(digit):02x}" for digit in FIRST_CARD),
    "thirteen digits": FIRST_CARD[:13],
    "within letters": f"a{FIRST_CARD}b",
}
UNKNOWN = hash_of("an unknown document")
PLACES: dict[str, dict[str, Any]] = {
    "a variable of a text": {"query": SWITCHED, "variables": {"on": True, "n": None}},
    "a variable of an unknown hash": {"extensions": by_hash(UNKNOWN), "variables": {"n": None}},
    "a variable of an unknown id": {"documentId": "unknown", "variables": {"n": None}},
    "a variable of no document": {"variables": {"n": None}},
    "a variable of what is no document": {"query": "{", "variables": {"n": None}},
    "the name of a variable": {"query": "{ __typename }", "variables": {None: 1}},
    "a list within an object": {"query": "{ __typename }", "variables": {"a": {"b": ["c", None]}}},
    "an extension": {"query": "{ __typename }", "extensions": {"x": None}},
    "an extension beside a hash": {"extensions": {"x": None, **by_hash(UNKNOWN)}},
    "an operation's name": {"query": "query Name { __typename }", "operationName": None},
    "a text": {"query": None},
}


def filled(value: Any, number: str) -> Any:
    """A template, with the number in place of None."""
    if value is None:
        return number
    if isinstance(value, dict):
        return {filled(name, number): filled(inner, number) for name, inner in value.items()}
    return [filled(inner, number) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("parameters", PLACES.values(), ids=PLACES)
async def test_a_card_number_in_a_url_is_refused_before_its_document_is_looked_for(
    parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would be an unexpected exception.
    monkeypatch.setattr(DocumentResolver, "find", None)
    async with gateway() as running:
        for number in SPELLED.values():
            answer = await get(running, **filled(parameters, number))
            assert_only_by_post(answer)
            assert number not in answer.text


@pytest.mark.parametrize("variables", ["n:9491339400000013", '{"n": 9491339400000013}', '"9491339400000013'])
async def test_a_card_number_in_variables_that_are_no_text_or_no_json_is_refused(variables: str) -> None:
    async with gateway() as running:
        assert_only_by_post(await get(running, query="{ __typename }", variables=variables))


async def test_a_percent_encoded_name_of_a_parameter_hides_no_card_number() -> None:
    async with gateway() as running:
        url = f"/graphql?query=%7B__typename%7D&vari%61bles=%7B%22n%22:%22{FIRST_CARD}%22%7D"
        assert_only_by_post(await running.client.get(url))


async def test_a_refused_request_registers_nothing() -> None:
    text = "query Refused { __typename }"
    async with gateway() as running:
        variables = {"n": FIRST_CARD}
        assert_only_by_post(await get(running, query=text, extensions=persisted(text), variables=variables))
        answer = await get(running, extensions=persisted(text))
    assert codes(answer) == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_a_hash_with_many_digits_in_a_row_is_a_hash() -> None:
    texts = (f"query Q{'ab'[number % 2]}{number} {{ __typename }}" for number in count())
    text = next(text for text in texts if holds_card_number(hash_of(text)))
    async with gateway() as running:
        unknown = await get(running, extensions=persisted(text))
        registered = await get(running, query=text, extensions=persisted(text))
        known = await get(running, extensions=persisted(text))
    assert codes(unknown) == ["PERSISTED_QUERY_NOT_FOUND"]
    assert [registered.json(), known.json()] == [TYPENAME] * 2


@pytest.mark.parametrize("parameter", ["documentId", "doc_id"])
async def test_a_trusted_document_is_refused_likewise(parameter: str, tmp_path: Path) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"card": CARD_QUERY, "name": "{ __typename }"}), encoding="utf-8")
    async with gateway(KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE="enforce") as running:
        assert_only_by_post(await get(running, **{parameter: "card"}))
        assert_only_by_post(await get(running, **{parameter: "card"}, variables={"n": FIRST_CARD}))
        assert_only_by_post(await get(running, **{parameter: "name"}, variables={"n": FIRST_CARD}))
        assert_only_by_post(await get(running, **{parameter: "other"}, variables={"n": FIRST_CARD}))
        answer = await get(running, **{parameter: "name"})
        unknown = await get(running, **{parameter: "other"}, variables={"n": "1234"})
    assert answer.json() == TYPENAME
    assert codes(unknown) == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_the_id_of_a_trusted_document_may_be_a_number(tmp_path: Path) -> None:
    manifest, number = tmp_path / "documents.json", "4823498234982349"
    manifest.write_text(json.dumps({number: SWITCHED}), encoding="utf-8")
    ways: list[dict[str, Any]] = [{"documentId": number}, {"doc_id": number}, {"extensions": by_hash(number)}]
    async with gateway(KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE="enforce") as running:
        answers = [await get(running, **way, variables={"on": True}) for way in ways]
    assert [answer.json() for answer in answers] == [TYPENAME] * len(ways)
