"""The tokens that the explorer mints: what they are good for, and where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from graph.app import create_app
from graph.security.authorization import ANONYMOUS, EVERY_SCOPE, developer
from graph.security.development import DevelopmentSigner, signer_settings
from schema.secrets import MemberId
from tests.http.asking import playing
from tests.support import sandbox_settings, sandbox_transport
from tests.tools import require_explorer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN: Final = "/graphql/explorer/token"
WHO: Final = "{ viewer { scopes member { userId cards { balance } } } }"


async def who(client: httpx.AsyncClient, role: str | None, query: str = WHO) -> dict[str, Any]:
    """The answer to a role's query."""
    headers = {} if role is None else (await client.post(TOKEN, json=role)).json()
    answer = await client.post("/graphql", json={"query": query}, headers=headers)
    found: dict[str, Any] = answer.json()
    return found


async def check_roles(client: httpx.AsyncClient) -> None:
    owner, other = await who(client, "owner"), await who(client, "another member")
    assert owner["data"]["viewer"]["scopes"] == other["data"]["viewer"]["scopes"] == []
    assert owner["data"]["viewer"]["member"]["userId"] == "2005"
    assert len(owner["data"]["viewer"]["member"]["cards"]) == 5
    assert other["data"]["viewer"]["member"]["userId"] == "1001"

    support = await who(client, "support")
    assert support["data"]["viewer"] == {"scopes": ["cards:read:any", "members:read:any"], "member": None}

    nobody = await who(client, "nobody")
    assert [error["extensions"]["code"] for error in nobody["errors"]] == ["UNAUTHENTICATED"]

    # Neither sees what is the other's.
    hidden = await who(client, "another member", '{ member(userId: "2005") { cards { balance } } }')
    assert hidden["data"] == {"member": None}


async def test_each_role_sees_what_is_its_own() -> None:
    async with playing() as client:
        await check_roles(client)


async def test_the_same_with_tokens_of_the_development_signer(tmp_path: Path) -> None:
    DevelopmentSigner.in_directory(tmp_path)
    async with playing(ANONYMOUS, **signer_settings(tmp_path)) as client:
        await check_roles(client)
        assert (await who(client, None))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_whoever_has_no_such_token_is_who_every_caller_is() -> None:
    async with playing(developer(MemberId("2003"))) as client:
        default = await who(client, None)
        played = await who(client, "developer")
        foreign = await client.post("/graphql", json={"query": WHO}, headers={"authorization": "Bearer x"})
    assert default["data"]["viewer"]["scopes"] == sorted(EVERY_SCOPE)
    assert default["data"]["viewer"]["member"]["userId"] == "2003"
    assert default == played == foreign.json()


async def test_a_token_of_one_process_is_nothing_in_another() -> None:
    async with playing() as first, playing() as second:
        headers = (await first.post(TOKEN, json="owner")).json()
        answer = await second.post("/graphql", json={"query": WHO}, headers=headers)
    assert answer.json()["data"]["viewer"]["member"] is None


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'"owner"', {"content-type": "application/json"}, 200),
        (b'"owner"', {"content-type": "text/plain"}, 415),
        (b'"owner"', {"content-type": "application/json", "sec-fetch-site": "cross-site"}, 403),
        (b'"owner"', {"content-type": "application/json", "host": "rebound.example:8000"}, 403),
        (b'"owner"', {"content-type": "application/json", "host": "localhost.example"}, 403),
        (b'"stranger"', {"content-type": "application/json"}, 404),
        (b"\xff" * 100_000, {"content-type": "application/json"}, 413),
    ],
)
async def test_only_the_page_itself_gets_a_token(content: bytes, headers: dict[str, str], status: int) -> None:
    async with playing() as client:
        answer = await client.post(TOKEN, content=content, headers=headers)
        read = await client.get(TOKEN)
    assert answer.status_code == status
    assert read.status_code in (404, 405)


async def test_a_body_is_read_no_further_than_it_may_be_long() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 1_000:
            read += 1
            yield b"x" * 100

    async with playing() as client:
        answer = await client.post(TOKEN, content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert read < 10


async def test_a_gateway_of_a_real_konaplate_mints_none() -> None:
    app = create_app(sandbox_settings(), transport=sandbox_transport())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        answer = await client.post(TOKEN, json="owner")
    assert answer.status_code in (404, 405)


async def test_the_page_of_a_gateway_of_a_real_konaplate_offers_none() -> None:
    require_explorer()
    app = create_app(sandbox_settings(), transport=sandbox_transport())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        page = await client.get("/graphql", headers={"accept": "text/html"})
    assert '"roles": []' in page.text
    assert '"sandbox": null' in page.text
