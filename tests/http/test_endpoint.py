"""GraphQL over HTTP, requests: methods, media types, bodies, and what GET may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.http.asking import JSON, TYPENAME, codes, send
from tests.support import GRAPHQL_RESPONSE, Recorder, gateway
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_a_good_request_is_answered() -> None:
    response = await send()
    assert response.status_code == 200
    assert response.json() == {"data": {"__typename": "Query"}}
    assert response.headers["content-type"] == f"{GRAPHQL_RESPONSE}; charset=utf-8"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_other_methods_are_refused_with_the_allowed_ones(method: str) -> None:
    response = await send(method)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST, QUERY"
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "application/jsonx",
    ],
)
async def test_a_body_that_is_not_utf8_json_by_its_type_is_refused(content_type: str) -> None:
    response = await send(content_type=content_type)
    assert response.status_code == 415
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'Application/JSON;Charset="UTF-8"', "application/json;"]
)
async def test_the_ways_to_say_utf8_json_are_accepted(content_type: str) -> None:
    assert (await send(content_type=content_type)).status_code == 200


async def test_two_content_types_are_refused() -> None:
    async with gateway() as running:
        response = await running.client.post(
            "/graphql", content=TYPENAME, headers=[("content-type", "application/json")] * 2
        )
    assert response.status_code == 415


@pytest.mark.parametrize("half", [b"\\ud800", b"\xed\xa0\x80"])
async def test_half_a_character_in_a_variable_is_a_fault_of_the_variable(half: bytes) -> None:
    query = b"query ($a: String!) { __type(name: $a) { name } }"
    response = await send(content=b'{"query": "%s", "variables": {"a": "%s"}}' % (query, half))
    assert codes(response) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("encoding", ["", " , ", "identity", "Identity,\tIDENTITY", ",identity,,"])
async def test_a_body_that_is_not_encoded_may_say_so(encoding: str) -> None:
    assert (await send(content_encoding=encoding)).status_code == 200


async def test_two_fields_of_encodings_are_one_list() -> None:
    async with gateway() as running:
        for second, status in (("identity", 200), ("gzip", 415)):
            encodings = [("content-encoding", "identity"), ("content-encoding", second)]
            response = await running.client.post("/graphql", content=TYPENAME, headers=[*JSON.items(), *encodings])
            assert status == response.status_code


async def test_a_byte_order_mark_before_a_body_is_ignored() -> None:
    assert (await send(content=b"\xef\xbb\xbf" + TYPENAME.encode())).json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "encoding", ["gzip", "br", "deflate", "identity, gzip", '"identity"', "identity identity"]
)
async def test_a_compressed_body_is_refused(encoding: str) -> None:
    response = await send(content_encoding=encoding)
    assert response.status_code == 415


BAD_BODIES = {
    "empty": b"",
    "no JSON": b"query",
    "invalid UTF-8": b'{"query": "\xff"}',
    "two byte order marks": b"\xef\xbb\xbf" * 2 + TYPENAME.encode(),
    "a parameter that is given twice": b'{"query": "{ __typename }", "\\u0071uery": "{ __typename }"}',
    "UTF-16": TYPENAME.encode("utf-16"),
    "a NUL": b'{"query": "{ __typename }"}\x00',
    "a batch": b'[{"query": "{ __typename }"}]',
    "a string": b'"{ __typename }"',
    "null": b"null",
    "no query": b"{}",
    "an empty query": b'{"query": ""}',
    "a query that is a number": b'{"query": 1}',
    "a query that is null": b'{"query": null}',
    "variables that are a list": b'{"query": "{ __typename }", "variables": []}',
    "variables that are a string": b'{"query": "{ __typename }", "variables": "{}"}',
    "a numeric operation name": b'{"query": "{ __typename }", "operationName": 1}',
    "extensions that are a list": b'{"query": "{ __typename }", "extensions": []}',
    "nested 20,000 deep": b'{"query": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "an unknown operation name": b'{"query": "{ __typename }", "operationName": "X"}',
    "several operations and no name": b'{"query": "query A { __typename } query B { __typename }"}',
}


@table("body", BAD_BODIES.values())
@table("accept", [GRAPHQL_RESPONSE, "application/json"])
async def test_a_malformed_request_is_a_400(body: bytes, accept: str) -> None:
    response = await send(content=body, accept=accept)
    assert response.status_code == 400
    assert codes(response) == ["BAD_REQUEST"]
    assert "data" not in response.json()


async def test_a_variable_of_five_thousand_digits_is_no_server_error() -> None:
    body = (
        b'{"query": "query($a: CardNumber!){card(cardNo:$a){balance}}", "variables": {"a": ' + b"9" * 5000 + b"}}"
    )
    response = await send(content=body)
    assert response.status_code == 400
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize("operation", ["A", "B"])
async def test_the_named_operation_is_executed(operation: str) -> None:
    body = {"query": "query A { a: __typename } query B { b: __typename }", "operationName": operation}
    response = await send(content=json.dumps(body))
    assert {"data": {operation.lower(): "Query"}} == response.json()


async def test_an_empty_operation_name_is_no_name() -> None:
    response = await send(content='{"query": "{ __typename }", "operationName": ""}')
    assert response.status_code == 200


async def test_a_body_over_the_cap_is_refused_by_its_announced_length() -> None:
    response = await send(content=b'{"query": "' + b" " * 70_000 + b'{ __typename }"}')
    assert response.status_code == 413
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize("length", ["999999999999", "9" * 5000, "00000000065537"])
async def test_an_announced_length_over_the_cap_is_enough(length: str) -> None:
    assert (await send(content_length=length)).status_code == 413


async def test_a_body_over_the_cap_is_refused_without_an_announced_length() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 1_024

    async with gateway() as running:
        response = await running.client.post("/graphql", content=endless(), headers=JSON)
    assert response.status_code == 413


async def test_a_body_of_exactly_the_cap_is_read() -> None:
    body = TYPENAME.encode()
    response = await send(content=body + b" " * (65_536 - len(body)))
    assert response.status_code == 200


async def get(parameters: dict[str, str], **settings: object) -> httpx.Response:
    async with gateway(None, **settings) as running:
        return await running.client.get("/graphql", params=parameters, headers={"accept": GRAPHQL_RESPONSE})


async def test_get_answers_what_takes_no_argument() -> None:
    response = await get({"query": "query A { __typename }", "operationName": "A", "variables": "{}"})
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("query_string", "content_type", "status"),
    [
        ("", "text/html", 200),
        ("?utm_source=query", "text/html", 200),
        ("?query=%7B__typename%7D", "application/json", 200),
        ("?%71uery=%7B__typename%7D", "application/json", 200),
        ("?documentId=unknown", "application/json", 200),
        ('?extensions={"persistedQuery":{"version":1,"sha256Hash":"%s"}}' % ("0" * 64), "application/json", 200),
        ("?operationName=A", "application/json", 400),
    ],
)
async def test_a_browser_gets_the_page_only_where_its_url_asks_nothing(
    query_string: str, content_type: str, status: int
) -> None:
    async with gateway() as running:
        accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        response = await running.client.get(f"/graphql{query_string}", headers=accept)
    assert (status, content_type) == (response.status_code, response.headers["content-type"].partition(";")[0])


CARD_QUERIES = {
    "inline": f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}',
    "variable": "query ($n: CardNumber!) { card(cardNo: $n) { balance } }",
    "list": f'{{ cards(cardNos: ["{FIRST_CARD}"]) {{ balance }} }}',
    "fragment": f'{{ ...F }} fragment F on Query {{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}',
    "inline fragment": f'{{ ... on Query {{ ... {{ card(cardNo: "{FIRST_CARD}") {{ balance }} }} }} }}',
    "alias": f'{{ __typename x: card(cardNo: "{FIRST_CARD}") {{ balance }} }}',
}


@pytest.mark.parametrize("query", CARD_QUERIES.values(), ids=CARD_QUERIES)
async def test_get_refuses_an_operation_with_a_card_number(query: str) -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        response = await running.client.get(
            "/graphql", params={"query": query, "variables": json.dumps({"n": FIRST_CARD})}
        )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST, QUERY"
    assert recorder.paths == []
    assert FIRST_CARD not in response.text


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": "{ __typename }", "variables": "{"},
        {"query": "{ __typename }", "variables": "[]"},
        {"query": "{ __typename }", "extensions": "no"},
        {f"p{index}": "" for index in range(20)},
    ],
)
async def test_a_malformed_get_is_a_400(parameters: dict[str, str]) -> None:
    response = await get(parameters)
    assert response.status_code == 400
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize("query_string", ["query=%7B__typename%7D&query=x", "query=%FF"])
async def test_a_query_string_that_cannot_be_read_is_a_400(query_string: str) -> None:
    async with gateway() as running:
        url = httpx.URL("http://gateway/graphql").copy_with(query=query_string.encode("latin-1"))
        response = await running.client.get(url)
    assert response.status_code == 400


async def test_get_can_be_switched_off() -> None:
    asked = await get({"query": "{ __typename }"}, KONAGRAPH_GET="false")
    async with gateway(KONAGRAPH_GET="false") as running:
        other = await running.client.put("/graphql")
    for refused in (asked, other):
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST, QUERY")
