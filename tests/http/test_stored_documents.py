"""Stored documents over HTTP: ids and hashes, in a body and in a URL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.graphql.documents import CARD_QUERY, INLINE_CARD, TYPENAME, apollo_manifest, apollo_operation, hash_of
from tests.security.callers import Caller, callers
from tests.support import GRAPHQL_RESPONSE, Gateway, Recorder, gateway
from tests.telemetry.scrape import labels, value

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.telemetry.capture import Unredacted


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    file = tmp_path / "manifest.json"
    file.write_bytes(apollo_manifest(apollo_operation(CARD_QUERY), apollo_operation(TYPENAME, "Name")))
    return str(file)


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


async def post(running: Gateway, accept: str = GRAPHQL_RESPONSE, **parameters: object) -> httpx.Response:
    return await running.client.post("/graphql", json=parameters, headers={"accept": accept})


async def get(running: Gateway, **parameters: object) -> httpx.Response:
    texts = {
        name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in parameters.items()
    }
    return await running.client.get("/graphql", params=texts, headers={"accept": GRAPHQL_RESPONSE})


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    (error,) = response.json()["errors"]
    assert "data" not in response.json()
    return response.status_code, error["extensions"]["code"], error["message"]


NOT_FOUND = ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
NOT_ALLOWED = ("DOCUMENT_NOT_ALLOWED", "Only stored documents are executed.")


@pytest.mark.parametrize("mode", ["off", "log", "enforce"])
@pytest.mark.parametrize(
    "named",
    [{"documentId": hash_of(CARD_QUERY)}, {"doc_id": hash_of(CARD_QUERY)}, {"extensions": persisted(CARD_QUERY)}],
)
async def test_a_trusted_document_runs_by_its_id(manifest: str, mode: str, named: dict[str, Any]) -> None:
    async with gateway(None, KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE=mode) as running:
        by_id = await post(running, variables={"n": FIRST_CARD}, operationName="Card", **named)
        by_text = await running.query(CARD_QUERY, {"n": FIRST_CARD})
    assert by_id.json() == by_text
    assert by_text["data"]["card"]["balance"] > 0


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL_RESPONSE, 400), ("application/json", 200)])
async def test_an_unknown_id_is_told_with_the_status_that_clients_expect(
    manifest: str, accept: str, status: int
) -> None:
    async with gateway(None, KONAGRAPH_DOCUMENTS=manifest) as running:
        answers = [
            await post(running, accept, documentId="unknown"),
            await post(running, accept, doc_id="unknown"),
            await post(running, accept, extensions=persisted("{ unknown }")),
        ]
    # Clients that send hashes must read the answer to go on, and Apollo iOS reads no body of a 400.
    assert [(status, *NOT_FOUND), (status, *NOT_FOUND), (200, *NOT_FOUND)] == [
        refusal(answer) for answer in answers
    ]


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL_RESPONSE, 400), ("application/json", 200)])
async def test_another_text_is_refused_where_the_manifest_is_enforced(
    manifest: str, accept: str, status: int
) -> None:
    recorder = Recorder()
    settings = {"KONAGRAPH_DOCUMENTS": manifest, "KONAGRAPH_DOCUMENTS_MODE": "enforce", "KONAGRAPH_APQ": "true"}
    async with gateway(recorder, **settings) as running:
        by_text = await post(running, accept, query=CARD_QUERY + " ", variables={"n": FIRST_CARD})
        inline = await post(running, accept, query=INLINE_CARD)
        registered = await post(running, accept, query="{ __typename }", extensions=persisted("{ __typename }"))
    assert [(status, *NOT_ALLOWED)] * 3 == [refusal(answer) for answer in (by_text, inline, registered)]
    assert recorder.paths == []


async def test_another_text_runs_and_is_logged_where_the_manifest_is_watched(
    manifest: str, logged: Unredacted
) -> None:
    settings = {"KONAGRAPH_DOCUMENTS": manifest, "KONAGRAPH_DOCUMENTS_MODE": "log"}
    async with gateway(None, **settings) as running:
        trusted = await post(running, query=TYPENAME)
        other = await post(running, query="query Other { __typename }")
        inline = await post(running, query=INLINE_CARD)
    assert [answer.status_code for answer in (trusted, other, inline)] == [200, 200, 200]
    events = logged.named("untrusted document")
    assert [(list(event["operations"]), event["sha256"]) for event in events] == [
        (["Other"], hash_of("query Other { __typename }")),
        (["Inline"], hash_of("query Inline { card(cardNo: $konagraph_card_00) { balance } }")),
    ]


async def test_a_document_is_registered_by_its_hash_and_then_runs_by_it() -> None:
    async with gateway() as running:
        miss = await post(running, "application/json", extensions=persisted(CARD_QUERY))
        register = await post(
            running, query=CARD_QUERY, extensions=persisted(CARD_QUERY), variables={"n": FIRST_CARD}
        )
        hit = await post(running, extensions=persisted(CARD_QUERY), variables={"n": FIRST_CARD})
    assert refusal(miss) == (200, *NOT_FOUND)
    assert register.json() == hit.json()
    assert hit.json()["data"]["card"]["balance"] > 0


@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, "application/json"])
async def test_a_hash_and_a_text_that_do_not_match_are_a_bad_request(accept: str) -> None:
    async with gateway() as running:
        response = await post(running, accept, query=TYPENAME, extensions=persisted(CARD_QUERY))
        unknown = await post(running, accept, extensions=persisted(CARD_QUERY))
    assert refusal(response) == (400, "BAD_REQUEST", "provided sha does not match query")
    assert refusal(unknown)[1:] == NOT_FOUND


async def test_a_document_with_a_card_number_in_it_runs_and_is_not_registered() -> None:
    async with gateway() as running:
        runs = await post(running, query=INLINE_CARD, extensions=persisted(INLINE_CARD))
        unknown = await post(running, extensions=persisted(INLINE_CARD))
    assert runs.json()["data"]["card"]["balance"] > 0
    assert refusal(unknown) == (200, *NOT_FOUND)


async def test_a_client_learns_where_nothing_can_be_registered() -> None:
    async with gateway(None, KONAGRAPH_APQ="false") as running:
        first = await post(running, extensions=persisted(TYPENAME))
        second = await post(running, query=TYPENAME, extensions=persisted(TYPENAME))
        third = await post(running, extensions=persisted(TYPENAME))
    assert refusal(first) == (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotSupported")
    assert second.json() == {"data": {"__typename": "Query"}}
    assert refusal(third) == refusal(first)


async def test_get_runs_a_stored_document_that_takes_no_arguments(manifest: str) -> None:
    async with gateway(None, KONAGRAPH_DOCUMENTS=manifest) as running:
        answers = [
            await get(running, documentId=hash_of(TYPENAME)),
            await get(running, doc_id=hash_of(TYPENAME)),
            await get(running, extensions=persisted(TYPENAME)),
        ]
    assert [answer.json() for answer in answers] == [{"data": {"__typename": "Query"}}] * 3


async def test_get_refuses_a_stored_document_that_takes_a_card_number(manifest: str) -> None:
    recorder = Recorder()
    async with gateway(recorder, KONAGRAPH_DOCUMENTS=manifest) as running:
        answers = [
            await get(running, documentId=hash_of(CARD_QUERY), variables={"n": FIRST_CARD}),
            await get(running, extensions=persisted(CARD_QUERY), variables={"n": FIRST_CARD}),
        ]
    for answer in answers:
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST, QUERY"
    assert recorder.paths == []


async def test_the_log_the_audit_and_the_metrics_say_whose_document_ran(
    tmp_path: Path, logged: Unredacted
) -> None:
    profile = "query Profile { viewer { member { profile { userName } } } }"
    manifests = {"web@1.4.0": (profile, TYPENAME), "web@1.5.0": (profile,), "other": ("{ __typename }",)}
    for client, texts in manifests.items():
        content = apollo_manifest(*[apollo_operation(text, "Any") for text in texts])
        (tmp_path / f"{client}.json").write_bytes(content)
    async with callers(tmp_path / "callers", KONAGRAPH_DOCUMENTS=tmp_path) as running:
        reader = Caller("a-reader", ("member:read",), member="1001")
        for query in (profile, TYPENAME, "{ __typename }", "query Unknown { __typename }"):
            assert "errors" not in await running.ask(reader, query)
        audited = [event["clients"] for event in running.audited()]
        counted = {
            client: value(running.gateway.metrics, "client_requests_total", client=client)
            for client in ("web@1.4.0", "web@1.5.0")
        }
        known = labels(running.gateway.metrics, "client_requests_total", "client")
    both = ("web@1.4.0", "web@1.5.0")
    assert [event["clients"] for event in logged.named("request")] == [both, both[:1], (), ()]
    assert audited == [[*both]]
    assert counted == {"web@1.4.0": 2, "web@1.5.0": 1}
    assert known == set(both)
