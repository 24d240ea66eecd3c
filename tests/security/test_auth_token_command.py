"""`konagraph token`: a signer, a key set and a token for development."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import httpx

from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.cli.processes import DEADLINE, command, exported, run
from tests.security.in_process import invoke
from tests.security.jwt_gateway import BALANCE, FIRST_BALANCE
from tests.security.jwt_maker import ec_signer, rsa_signer
from tests.tables import table

OTHERS = next(number for number, card in CARDS.items() if card.fields["userId"] == 1002)
PROFILE = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { member { profile { userName } } } }"


def make(folder: Path, *arguments: str) -> tuple[str, dict[str, str]]:
    """A token, and the settings that are printed with it."""
    status, printed, told = invoke("token", "--directory", str(folder), *arguments)
    assert status == 0
    (token,) = printed.splitlines()
    return token, exported(told)


def part(token: str, index: int) -> dict[str, Any]:
    text = token.split(".")[index]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


async def test_a_token_opens_a_gateway_that_has_the_settings_that_are_told(tmp_path: Path) -> None:
    tmp_path = tmp_path / "a folder's name"
    status, printed, told = await run("token", "--directory", str(tmp_path), "--member", "1001")
    assert status == 0
    member, settings = printed.strip(), exported(told)
    service, same = make(tmp_path, "--scope", "cards:read:any", "--scope", "member:read", "--subject", "batch")
    assert settings == same

    async with (
        command("dev", "--port", "0", **settings) as dev,
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client,
    ):
        url = await dev.url()

        async def ask(token: str | None, card: str, query: str = BALANCE) -> tuple[int, Any]:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            body = {"query": query, "variables": {"cardNo": card}}
            answer = await client.post(url, json=body, headers=headers)
            return answer.status_code, answer.json().get("data")

        own = {"card": {"balance": FIRST_BALANCE}}
        assert (200, own) == await ask(member, FIRST_CARD)
        assert await ask(member, OTHERS) == (200, {"card": None})
        assert (200, own) == await ask(service, FIRST_CARD)
        assert await ask(service, OTHERS) == (200, {"card": {"balance": 1_840_500}})
        # A scope that was not asked for is not there.
        assert await ask(member, FIRST_CARD, PROFILE) == (200, {"card": {"member": {"profile": None}}})
        named = {"card": {"member": {"profile": {"userName": "김샌드"}}}}
        assert (200, named) == await ask(service, FIRST_CARD, PROFILE)
        assert await ask(None, FIRST_CARD) == (401, None)
        assert await ask(ec_signer().token(), FIRST_CARD) == (401, None)


def test_a_token_says_what_was_asked_for(tmp_path: Path) -> None:
    token, settings = make(
        tmp_path,
        "--member",
        "9999999999999999999",
        "--lifetime",
        "60",
        "--subject",
        "somebody",
        "--scope",
        "introspection",
    )

    claims = part(token, 1)
    assert claims.pop("exp") - claims.pop("iat") == 60
    assert claims == {
        "iss": settings["KONAGRAPH_JWT_ISSUER"],
        "aud": settings["KONAGRAPH_JWT_AUDIENCE"],
        "sub": "somebody",
        "scope": "introspection",
        "konaplate_user_id": "9999999999999999999",
    }
    published = json.loads((tmp_path / "jwks.json").read_text())["keys"]
    assert [part(token, 0)["kid"]] == [key["kid"] for key in published]
    assert part(token, 0)["alg"] == "ES256"


def test_the_settings_name_the_key_set_by_its_whole_path(tmp_path: Path) -> None:
    _, settings = make(Path(os.path.relpath(tmp_path)))
    assert settings == {
        "KONAGRAPH_AUTH": "jwt",
        "KONAGRAPH_JWT_JWKS": str(tmp_path / "jwks.json"),
        "KONAGRAPH_JWT_ISSUER": "https://konagraph.example/development",
        "KONAGRAPH_JWT_AUDIENCE": "konagraph",
    }


def test_only_the_owner_can_read_the_signing_key_and_nothing_of_it_is_published(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    token, settings = make(folder)

    assert {path.name for path in folder.iterdir()} == {"signing-key.json", "jwks.json"}
    assert stat.S_IMODE((folder / "signing-key.json").stat().st_mode) == 0o600
    private = json.loads((folder / "signing-key.json").read_text())
    shown = (folder / "jwks.json").read_text() + token + json.dumps(settings)
    assert private["d"] not in shown
    (published,) = json.loads((folder / "jwks.json").read_text())["keys"]
    assert published.keys() == {"crv", "kid", "kty", "use", "alg", "x", "y"}


def test_the_signing_key_stays_and_its_set_is_made_anew(tmp_path: Path) -> None:
    first, _ = make(tmp_path)
    private, published = (tmp_path / "signing-key.json").read_bytes(), (tmp_path / "jwks.json").read_bytes()
    (tmp_path / "jwks.json").unlink()
    second, _ = make(tmp_path)

    assert part(first, 0) == part(second, 0)
    assert private == (tmp_path / "signing-key.json").read_bytes()
    assert published == (tmp_path / "jwks.json").read_bytes()


@table(
    "content",
    [
        *("", "c4n4ry", "[]", "5", "null", "{}", '{"kty": "EC"}', "[" * 100_000),
        json.dumps(ec_signer().jwk),
        json.dumps(rsa_signer().jwk),
        json.dumps({**ec_signer().jwk, "d": "c4n4ry"}),
        json.dumps({**ec_signer("x", "P-384").jwk, "d": "AAAA"}),
    ],
)
def test_a_signing_key_that_cannot_be_used_is_told_and_left_alone(content: str, tmp_path: Path) -> None:
    (tmp_path / "signing-key.json").write_text(content)

    status, printed, told = invoke("token", "--directory", str(tmp_path))
    assert (status, printed) == (2, "")
    expected = f"  - --directory: {tmp_path} has no usable signing key, and none can be created there\n"
    assert told == f"konagraph cannot start:\n{expected}"
    assert content == (tmp_path / "signing-key.json").read_text()
    assert not (tmp_path / "jwks.json").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    status, printed, told = invoke("token", "--directory", str(tmp_path / "file" / "folder"))
    assert (status, printed) == (2, "")
    assert "has no usable signing key, and none can be created there" in told


@table(
    "arguments",
    [
        ["--member", "-1"],
        ["--member", "0"],
        ["--member", "042"],
        ["--member", " 42"],
        ["--member", "+42"],
        ["--member", "1_0"],
        ["--member", "４２"],
        ["--member", ""],
        ["--member", "10000000000000000000"],
        ["--member", "kim"],
        ["--scope", "everything"],
        ["--lifetime", "0"],
        ["more"],
    ],
)
def test_a_token_that_could_not_be_used_is_not_made(arguments: list[str], tmp_path: Path) -> None:
    status, printed, told = invoke("token", "--directory", str(tmp_path), *arguments)

    assert (status, printed) == (2, "")
    assert "Error: " in told
    assert list(tmp_path.iterdir()) == []
