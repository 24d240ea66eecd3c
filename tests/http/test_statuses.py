"""GraphQL over HTTP: the statuses of responses, as most clients expect them and as the current draft has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.http.asking import JSON, codes
from tests.support import GRAPHQL_RESPONSE, Gateway, gateway
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

UNKNOWN: Final = "0" * 64
MISSING_CARD: Final = "9491339499999999"

# What is sent, and its status with application/graphql-response+json: usual, and of the draft.
CASES: Final = [
    ({"query": "{ __typename }"}, 200, 200),
    ({"query": f'{{ card(cardNo: "{MISSING_CARD}") {{ balance }} }}'}, 200, 294),
    ({"query": f'{{ __typename card(cardNo: "{MISSING_CARD}") {{ balance }} }}'}, 200, 294),
    ({"query": "{"}, 400, 400),
    ({"query": "{ nothing }"}, 400, 422),
    ({"query": "{ " + "a: __typename " * 2_000 + "}"}, 400, 422),
    ({"query": "query A { __typename } query B { __typename }"}, 400, 422),
    ({"query": "query ($n: CardNumber!) { card(cardNo: $n) { balance } }", "variables": {"n": 1}}, 400, 422),
    ({"query": "{ __typename }", "variables": [7]}, 400, 422),
    ({"qeury": "{ __typename }"}, 400, 422),
    ([{"query": "{ __typename }"}], 400, 422),
    ({"documentId": "unknown"}, 400, 422),
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}}, 400, 422),
    # Apollo iOS reads the body, and sends the text next, only if the status is 200.
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}}, 200, 200),
]


@pytest.fixture(params=["false", "true"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Gateway, bool]]:
    """A gateway of each profile, and whether it follows the draft."""
    async with gateway(None, KONAGRAPH_DRAFT_STATUS_CODES=request.param, KONAGRAPH_GET="true") as one:
        yield one, request.param == "true"


def codes_of(response: httpx.Response) -> list[str]:
    """The codes of a response that may have no errors."""
    return codes(response) if "errors" in response.json() else []


async def ask(one: Gateway, content: bytes, accept: str, method: str = "POST") -> httpx.Response:
    """The response to a body."""
    return await one.client.request(method, "/graphql", content=content, headers={**JSON, "accept": accept})


@table(("sent", "usual", "draft"), CASES)
async def test_the_status_is_that_of_the_profile(
    running: tuple[Gateway, bool], sent: Any, usual: int, draft: int
) -> None:
    one, follows_draft = running
    content = json.dumps(sent).encode()
    answers = [await ask(one, content, GRAPHQL_RESPONSE, method) for method in ("POST", "QUERY")]
    assert [answer.status_code for answer in answers] == [draft if follows_draft else usual] * 2
    # The profile changes nothing for clients that only know application/json.
    plain = await ask(one, content, "application/json")
    assert plain.status_code == (400 if codes_of(plain) == ["BAD_REQUEST"] else 200)


async def test_what_is_not_json_stays_a_400(running: tuple[Gateway, bool]) -> None:
    for content in (b"NONSENSE", b'{"query":', b""):
        assert (await ask(running[0], content, GRAPHQL_RESPONSE)).status_code == 400


async def test_get_has_the_same_statuses(running: tuple[Gateway, bool]) -> None:
    one, follows_draft = running
    hashed = {"extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}})}
    for parameters, usual, draft in [
        ({"query": "{"}, 400, 400),
        ({"query": "{ nothing }"}, 400, 422),
        (hashed, 200, 200),
    ]:
        answer = await one.client.get("/graphql", params=parameters, headers={"accept": GRAPHQL_RESPONSE})
        assert answer.status_code == (draft if follows_draft else usual)


async def test_refusals_before_any_graphql_keep_their_status(running: tuple[Gateway, bool]) -> None:
    one, _ = running
    assert (await one.client.put("/graphql")).status_code == 405
    assert (await ask(one, b"{}", "text/plain")).status_code == 406
    assert (await ask(one, b" " * 200_000, GRAPHQL_RESPONSE)).status_code == 413
    assert (await one.client.post("/graphql", content=b"{}")).status_code == 415


@pytest.mark.parametrize("supported", ["true", "false"])
async def test_an_unknown_hash_says_in_a_200_how_to_go_on(supported: str) -> None:
    async with gateway(None, KONAGRAPH_APQ=supported) as one:
        body = json.dumps(CASES[-1][0]).encode()
        answer = await ask(one, body, GRAPHQL_RESPONSE)
    assert answer.status_code == 200
    assert codes(answer) == ["PERSISTED_QUERY_NOT_FOUND"]
    literal = "PersistedQueryNotFound" if supported == "true" else "PersistedQueryNotSupported"
    assert answer.json()["errors"][0]["message"] == literal
    assert "data" not in answer.json()


async def test_query_answers_the_same_bytes_as_post_and_says_what_it_takes() -> None:
    query = {"query": "query ($n: CardNumber!) { card(cardNo: $n) { balance } }", "variables": {"n": FIRST_CARD}}
    async with gateway(None, KONAGRAPH_GET="false") as one:
        # Twice, because the first one also fetches a token of Konaplate's.
        posted, queried = [
            [await ask(one, json.dumps(query).encode(), GRAPHQL_RESPONSE, method) for _ in range(2)][1]
            for method in ("POST", "QUERY")
        ]
        assert posted.status_code == queried.status_code == 200
        assert queried.content == posted.content
        assert queried.headers["content-type"] == posted.headers["content-type"]
        assert queried.headers["cache-control"] == "private, no-store"
        refused = await one.client.get("/graphql?query={__typename}")
        assert refused.status_code == 405
        assert refused.headers["allow"] == "POST, QUERY"
        assert refused.headers["accept-query"] == "application/json"
        # As of a POST, nothing in the URL is read.
        with_url = await one.client.request(
            "QUERY", "/graphql?query={nothing}", content=b'{"query":"{__typename}"}', headers=JSON
        )
        assert with_url.json() == {"data": {"__typename": "Query"}}
