"""A gateway in production: what is disabled, and what scopes enable."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.app import create_app
from tests.support import sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEYS = {"plain-key": [], "introspecting-key": ["introspection"]}
INTROSPECTION = "{ __schema { queryType { name } } }"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    entries = [
        f'[[keys]]\nname = "{key}"\nsha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\nscopes = {scopes}\n'
        for key, scopes in KEYS.items()
    ]
    path.write_text("\n".join(entries), encoding="utf-8")
    return path


@asynccontextmanager
async def in_production(key_file: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = sandbox_settings(
        KONAGRAPH_ENV="production",
        KONAPLATE_BASE_URL="https://konaplate.example/open-api",
        KONAGRAPH_AUTH="api-key",
        KONAGRAPH_API_KEYS=key_file,
        KONAGRAPH_ID_KEY="i" * 32,
        KONAGRAPH_CARD_REF_KEY="r" * 32,
        KONAGRAPH_AUDIT_KEY="a" * 32,
        KONAGRAPH_DOCUMENTS_MODE="off",
    )
    app = create_app(settings, transport=sandbox_transport())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
    ):
        yield client


async def send(
    key_file: Path, method: str, key: str = "plain-key", query: str = "{ __typename }"
) -> httpx.Response:
    async with in_production(key_file) as client:
        if method == "GET":
            headers = {"x-api-key": key, "accept": "text/html, */*;q=0.1"}
            return await client.get("/graphql", params={"query": query} if query else {}, headers=headers)
        return await client.post("/graphql", json={"query": query}, headers={"x-api-key": key})


async def test_a_query_is_answered_and_get_is_not(key_file: Path) -> None:
    assert (await send(key_file, "POST")).json() == {"data": {"__typename": "Query"}}
    assert (await send(key_file, "GET")).status_code == 405


async def test_nobody_is_told_what_happened_upstream(key_file: Path) -> None:
    asked = {"query": "{ __typename }", "extensions": {"trace": True}}
    async with in_production(key_file) as client:
        answer = await client.post("/graphql", json=asked, headers={"x-api-key": "introspecting-key"})
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_browser_gets_no_explorer(key_file: Path) -> None:
    response = await send(key_file, "GET", query="")
    assert response.status_code == 405
    assert "text/html" not in response.headers["content-type"]


async def test_introspection_takes_a_scope(key_file: Path) -> None:
    refused = (await send(key_file, "POST", "plain-key", INTROSPECTION)).json()
    allowed = (await send(key_file, "POST", "introspecting-key", INTROSPECTION)).json()
    assert [error["message"] for error in refused["errors"]] == ["Introspection needs the scope 'introspection'."]
    assert refused["errors"][0]["extensions"]["requiredScope"] == "introspection"
    assert allowed == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


async def test_whether_a_viewer_may_introspect_does_not_depend_on_who_asked_before(key_file: Path) -> None:
    body = {
        "query": "query Name { __typename } query Schema { __schema { queryType { name } } }",
        "operationName": "Name",
    }
    async with in_production(key_file) as client:
        before, allowed, after = [
            (await client.post("/graphql", json=body, headers={"x-api-key": key})).json()
            for key in ("plain-key", "introspecting-key", "plain-key")
        ]
    assert allowed == {"data": {"__typename": "Query"}}
    for answer in (before, after):
        assert [error["message"] for error in answer["errors"]] == [
            "Introspection needs the scope 'introspection'."
        ]
