"""Registered documents in Redis: shared by gateways, and dispensable while Redis is down."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from graph.graphql.registered import RegisteredDocuments
from graph.security.redis_limiter import connect
from schema.secrets import Credential
from tests.support import gateway
from tests.tools import ROOT

if TYPE_CHECKING:
    from tests.security.redis_server import RedisServer

DOCUMENT = "query Shared { __typename }"
HASH = hashlib.sha256(DOCUMENT.encode()).hexdigest()
BY_HASH = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}


def settings(server: RedisServer) -> dict[str, str]:
    return {"KONAGRAPH_REDIS_URL": server.patient_url, "KONAGRAPH_CARD_REF_KEY": "k" * 32}


async def test_a_document_that_one_gateway_registers_is_known_to_another(redis_server: RedisServer) -> None:
    async with gateway(None, **settings(redis_server)) as one, gateway(None, **settings(redis_server)) as other:
        missed = (await other.client.post("/graphql", json=BY_HASH)).json()
        await one.client.post("/graphql", json={"query": DOCUMENT, **BY_HASH})
        found = (await other.client.post("/graphql", json=BY_HASH)).json()
    assert [error["extensions"]["code"] for error in missed["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]
    assert found == {"data": {"__typename": "Query"}}


async def test_a_text_that_somebody_else_put_under_a_hash_is_not_executed(redis_server: RedisServer) -> None:
    redis_server.ask("SET", f"konagraph:document:{HASH}", "{ __schema { queryType { name } } }")
    async with gateway(None, **settings(redis_server)) as running:
        answer = (await running.client.post("/graphql", json=BY_HASH)).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_a_document_goes_by_itself_within_a_day(redis_server: RedisServer) -> None:
    async with gateway(None, **settings(redis_server)) as running:
        await running.client.post("/graphql", json={"query": DOCUMENT, **BY_HASH})
    assert 0 < redis_server.ask("TTL", f"konagraph:document:{HASH}") <= 24 * 3600


async def test_the_rule_of_the_documentation_is_enough_for_a_whole_gateway(redis_server: RedisServer) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("user konagraph ")]
    name, *rule = line.removeprefix("user ").split()
    redis_server.ask("ACL", "SETUSER", name, "reset", *rule)
    given = {**settings(redis_server), "KONAGRAPH_REDIS_URL": redis_server.url_of(name, "password")}
    async with gateway(None, **given) as one, gateway(None, **given) as other:
        await one.client.post("/graphql", json={"query": DOCUMENT, **BY_HASH})
        found = (await other.client.post("/graphql", json=BY_HASH)).json()
    assert found == {"data": {"__typename": "Query"}}


async def test_what_was_found_in_redis_is_not_asked_for_again(own_redis: RedisServer) -> None:
    given = settings(own_redis)
    async with gateway(None, **given) as one, gateway(None, **given) as other:
        await one.client.post("/graphql", json={"query": DOCUMENT, **BY_HASH})
        first = (await other.client.post("/graphql", json=BY_HASH)).json()
        own_redis.kill()
        again = (await other.client.post("/graphql", json=BY_HASH)).json()
    assert (first, again) == ({"data": {"__typename": "Query"}},) * 2


async def test_without_redis_this_process_remembers_and_asks_again_only_after_a_pause(
    own_redis: RedisServer,
) -> None:
    now = 0.0
    client = connect(Credential(own_redis.patient_url))
    store = RegisteredDocuments(client, lambda: now)
    own_redis.kill()
    await store.put("a", "text")
    assert await store.get("a") == "text"
    assert await store.get("b") is None
    own_redis.start()
    own_redis.ask("SET", "konagraph:document:b", "other")
    assert await store.get("b") is None
    now = 1.0
    assert await store.get("b") == "other"
    await client.aclose()
