"""GraphQL over HTTP, responses: status and format of errors, and common headers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.http.asking import codes, send
from tests.support import GRAPHQL_RESPONSE, Recorder, gateway
from tests.tables import table


async def test_no_acceptable_media_type_is_a_406() -> None:
    response = await send(accept="text/plain")
    assert response.status_code == 406
    assert codes(response) == ["BAD_REQUEST"]


@table(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { card }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { card }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ card(cardNo: "1") { balance } }', "BAD_USER_INPUT"),
        ("{" + " ".join(f"a{index}: __typename" for index in range(250)) + "}", "QUERY_LIMIT_EXCEEDED"),
    ],
)
@table(("accept", "status"), [(GRAPHQL_RESPONSE, 400), ("application/json", 200)])
async def test_a_refused_document_has_the_status_of_its_media_type(
    query: str, code: str, accept: str, status: int
) -> None:
    response = await send(content=json.dumps({"query": query}), accept=accept)
    assert status == response.status_code
    assert {code} == set(codes(response))
    assert "data" not in response.json()


INTROSPECTIONS = [
    "{ __schema { queryType { name } } }",
    '{ x: __type(name: "Card") { name } }',
    "{ ...F } fragment F on Query { __schema { queryType { name } } }",
]


@pytest.mark.parametrize("query", INTROSPECTIONS)
async def test_introspection_is_on_in_development_and_can_be_forbidden(query: str) -> None:
    async with gateway() as running:
        assert "errors" not in await running.query(query)
    async with gateway(None, KONAGRAPH_INTROSPECTION="false") as running:
        answer = await running.query(query)
    assert {error["message"] for error in answer["errors"]} == {"Introspection is switched off."}
    assert "data" not in answer


async def test_every_answer_carries_the_headers_that_keep_it_private() -> None:
    async with gateway() as running:
        answers = [
            await running.post("{ __typename }"),
            await running.post("{"),
            await running.client.get("/graphql", headers={"accept": "text/html"}),
            await running.client.get("/graphql/explorer/explorer.js"),
            await running.client.get("/livez"),
            await running.client.get("/"),
            await running.client.get("/nowhere/9491339400000013"),
            await running.client.delete("/livez"),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 307, 404, 405]
    for answer in answers:
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert "server" not in answer.headers
        assert len(answer.headers["x-request-id"]) == 32
        assert "9491339400000013" not in answer.text


@pytest.mark.parametrize("offered", ["trace-0123456789", "a" * 64, "A.b_c-12345"])
async def test_a_harmless_request_id_is_kept(offered: str) -> None:
    response = await send(x_request_id=offered, content="{")
    assert offered == response.headers["x-request-id"]
    assert offered == response.json()["errors"][0]["extensions"]["requestId"]


@pytest.mark.parametrize(
    "offered",
    ["short", "a" * 65, "9491339400000013", "x-9491-3394-0000-0013", "a b c d e f", "<script>x</script>"],
)
async def test_a_request_id_that_could_do_harm_is_replaced(offered: str) -> None:
    response = await send(x_request_id=offered)
    assert offered != response.headers["x-request-id"]
    assert response.headers["x-request-id"].isalpha()


async def test_an_exception_that_nobody_foresaw_is_an_internal_error_without_its_words() -> None:
    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise RuntimeError(f"canary {request.url}")

    async with gateway(Broken()) as running:
        response = await running.post(f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}')
    answer: dict[str, Any] = response.json()
    assert answer["data"] == {"card": None}
    (error,) = answer["errors"]
    assert error["message"] == "An unexpected error occurred."
    assert {error["extensions"]["code"], error["extensions"]["retryable"]} == {"INTERNAL_SERVER_ERROR", False}
    assert "canary" not in response.text


async def test_a_list_of_too_many_cards_is_refused_before_any_call() -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        query = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"
        answer = await running.query(query, {"n": [FIRST_CARD] * 21})
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert tuple(error["extensions"][name] for name in ("code", "limit", "maximum")) == (
        "QUERY_LIMIT_EXCEEDED",
        "cards",
        20,
    )
    assert recorder.paths == []
