"""`konagraph serve`, with `konagraph sandbox` as its upstream: two processes that share only settings."""

from __future__ import annotations

import json
import signal
import stat
from typing import TYPE_CHECKING

import httpx
import pytest

from graph import __version__
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.cli.processes import DEADLINE, Command, command, exported, run
from tests.sandbox.calls import credentials
from tests.support import CONTRACT_QUERY

if TYPE_CHECKING:
    from pathlib import Path

NECESSARY = {
    "KONAPLATE_BASE_URL": "http://127.0.0.1:1/open-api",
    "KONAPLATE_ASP_ID": "000000000000001",
    "KONAPLATE_ACCESS_KEY": "c4n4ry-access",
    "KONAPLATE_SECRET_KEY": "c4n4ry-secret",
}


async def settings_of(sandbox: Command, last: str = "KONAPLATE_CLIENT_PRIVATE_KEY_FILE") -> dict[str, str]:
    """The settings that the sandbox prints, as a person would copy them."""
    await sandbox.line("Settings of a gateway for this sandbox:")
    await sandbox.line(f"  export {last}")
    return exported(sandbox.printed.partition("Settings of a gateway for this sandbox:\n")[2])


async def ask(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        return await client.post(url, json={"query": CONTRACT_QUERY, "variables": {"cardNo": FIRST_CARD}})


@pytest.mark.parametrize("plain", [False, True], ids=["encrypted", "plain"])
async def test_serve_answers_from_a_sandbox_with_the_settings_that_it_prints(
    tmp_path: Path, *, plain: bool
) -> None:
    arguments = [
        "sandbox",
        "--port",
        "0",
        "--credentials",
        str(tmp_path / "a new folder"),
        *(["--plain"] if plain else []),
    ]
    async with command(*arguments) as sandbox:
        settings = await (settings_of(sandbox, "KONAPLATE_ENCRYPTION") if plain else settings_of(sandbox))
        async with command("serve", "--port", "0", **settings) as gateway:
            response = await ask(await gateway.url())
            gateway.send(signal.SIGTERM)
            gateway_status, gateway_log = await gateway.ended()
        sandbox.send(signal.SIGTERM)
        sandbox_status, _ = await sandbox.ended()

    card = response.json()["data"]["card"]
    assert "errors" not in response.json()
    assert (card["cardNo"], card["balance"]) == (FIRST_CARD, CARDS[FIRST_CARD].fields["balance"])
    assert card["member"]["profile"]["mobileNumber"] == "01012345678"
    assert (gateway_status, sandbox_status) == (0, 0)
    assert gateway_log.count('"outcome":"ok"') == 2
    for secret in (FIRST_CARD, "01012345678", "kim@example.com"):
        assert secret not in gateway_log


async def test_a_gateway_that_logs_for_people_tells_its_begin_and_its_end(tmp_path: Path) -> None:
    async with command("sandbox", "--port", "0", "--credentials", str(tmp_path)) as sandbox:
        settings = {**await settings_of(sandbox), "KONAGRAPH_LOG_FORMAT": "console", "KONAGRAPH_PORT": "0"}
        async with command("serve", "--quiet", **settings, KONAGRAPH_ADMIN_PORT="0") as gateway:
            await gateway.logged("gateway started")
            gateway.send(signal.SIGTERM)
            _, log = await gateway.ended()
    assert log.splitlines()[-1].startswith("gateway ended")


async def test_a_plain_gateway_is_refused_by_a_sandbox_that_wants_encryption(tmp_path: Path) -> None:
    async with command("sandbox", "--port", "0", "--credentials", str(tmp_path)) as sandbox:
        settings = {**await settings_of(sandbox), "KONAPLATE_ENCRYPTION": "off"}
        async with command("serve", "--port", "0", **settings) as gateway:
            response = await ask(await gateway.url())

    assert response.json()["data"] == {"card": None}
    assert response.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_REJECTED"


async def test_the_sandbox_makes_its_credentials_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    async with command("sandbox", "--port", "0", "--credentials", str(directory)) as sandbox:
        first = await settings_of(sandbox)
    made = SandboxCredentials.read(directory)
    async with command("sandbox", "--port", "0", "--credentials", str(directory)) as sandbox:
        second = await settings_of(sandbox)

    assert made == SandboxCredentials.read(directory)
    assert first.keys() == second.keys()
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert made.secret_key.reveal() not in sandbox.printed
    assert "PRIVATE KEY-" not in sandbox.printed


async def test_serve_with_nothing_set_names_every_missing_variable() -> None:
    status, printed, error_output = await run("serve")

    hint = " (or set KONAPLATE_ENCRYPTION=off for a private line)"
    assert (status, printed) == (2, "")
    assert sorted(error_output.splitlines()) == sorted(
        [
            "konagraph cannot start:",
            "  - `konagraph init DIR` writes settings files to fill in; `konagraph dev` needs none",
            "  - KONAPLATE_BASE_URL is missing",
            "  - KONAPLATE_ASP_ID is missing",
            "  - KONAPLATE_ACCESS_KEY is missing",
            "  - KONAPLATE_SECRET_KEY is missing",
            f"  - KONAPLATE_CRYPTO_KEY_ID is missing{hint}",
            f"  - KONAPLATE_SERVER_PUBLIC_KEY is missing{hint}",
            f"  - KONAPLATE_CLIENT_PRIVATE_KEY is missing{hint}",
        ]
    )


async def test_serve_with_keys_that_are_none_names_them_and_quotes_nothing() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nc4n4ry\n-----END PRIVATE KEY-----"
    status, printed, error_output = await run(
        "serve",
        **NECESSARY,
        KONAPLATE_CRYPTO_KEY_ID="c4n4ry-id",
        KONAPLATE_SERVER_PUBLIC_KEY=pem,
        KONAPLATE_CLIENT_PRIVATE_KEY=credentials().client_public_key.reveal(),
    )

    assert (status, printed) == (2, "")
    assert error_output.splitlines() == [
        "konagraph cannot start:",
        "  - KONAPLATE_SERVER_PUBLIC_KEY is a private key where a public key is needed",
        "  - KONAPLATE_CLIENT_PRIVATE_KEY is a public key where a private key is needed",
    ]


async def test_everything_in_the_log_of_a_quiet_gateway_is_json_with_its_start_and_its_end() -> None:
    async with command("serve", "--quiet", "--port", "0", **NECESSARY, KONAPLATE_ENCRYPTION="off") as gateway:
        started = json.loads(await gateway.logged('"gateway started"'))
        response = await ask(started["url"])
        gateway.send(signal.SIGTERM)
        status, error_output = await gateway.ended()

    lines = [json.loads(line) for line in error_output.splitlines()]
    ended = lines[-1]
    assert (status, gateway.printed) == (0, "")
    assert response.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert (__version__, "development") == (started["version"], started["environment"])
    assert started["admin_url"].startswith("http://127.0.0.1:")
    assert (ended["event"], ended["reason"], ended["cut_off"]) == ("gateway ended", "SIGTERM", 0)
