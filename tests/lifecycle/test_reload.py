"""SIGHUP on a real process: reloads all secrets and documents, or none."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trustme

from tests.cli.processes import Command, command
from tests.lifecycle.clients import client
from tests.lifecycle.upstreams import ANSWER, held_upstream, query, settings
from tests.security.jwks_server import answer, key_server
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import claims, ec_signer, key_set

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.lifecycle.upstreams import HeldUpstream

READ = '"secrets and documents were reloaded"'
UNCHANGED = '"secrets and documents were reloaded, and none has changed"'
NOT_ALL = '"secrets and documents were reloaded, except those that could not be read or that need a restart"'
REFUSED = '"reload refused: nothing has changed"'


def api_keys(*names: str) -> str:
    """A key file whose keys equal their names."""
    return "\n".join(
        f'[[keys]]\nname = "{name}"\nscopes = ["cards:read:any"]\nsha256 = "{digest}"'
        for name, digest in ((name, hashlib.sha256(name.encode()).hexdigest()) for name in names)
    )


class Reloadable:
    """A gateway whose secrets are in files."""

    def __init__(self, folder: Path, upstream: HeldUpstream) -> None:
        self.access_key = folder / "access-key"
        self.secret_key = folder / "secret-key"
        self.api_keys = folder / "keys.toml"
        self.manifest = folder / "manifests" / "web@1.json"
        self.manifest.parent.mkdir()
        self.access_key.write_text("c4n4ry-first")
        self.secret_key.write_text("c4n4ry-secret")
        self.api_keys.write_text(api_keys("old"))
        self.manifest.write_text(json.dumps({"first": "{ __typename }"}))
        given = settings(upstream)
        del given["KONAPLATE_ACCESS_KEY"], given["KONAPLATE_SECRET_KEY"]
        self.settings = {
            **given,
            "KONAPLATE_ACCESS_KEY_FILE": str(self.access_key),
            "KONAPLATE_SECRET_KEY_FILE": str(self.secret_key),
            "KONAGRAPH_AUTH": "api-key",
            "KONAGRAPH_API_KEYS": str(self.api_keys),
            "KONAGRAPH_DOCUMENTS": str(self.manifest.parent),
        }
        self._upstream = upstream
        self._gateway: Command | None = None
        self._client: httpx.AsyncClient | None = None
        self._url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Command]:
        async with command("serve", "--port", "0", **self.settings) as gateway, client() as asked:
            self._gateway, self._client, self._url = gateway, asked, await gateway.url()
            yield gateway

    async def ask(self, key: str, **body: Any) -> httpx.Response:
        assert self._client is not None
        return await self._client.post(self._url, json=body or query(1), headers={"X-Api-Key": key})

    async def sent_access_key(self, key: str) -> str:
        """The credentials of the next upstream call."""
        before = len(self._upstream.heads)
        assert (await self.ask(key)).json() == ANSWER
        head = self._upstream.heads[before].decode().lower()
        (line,) = [line for line in head.split("\r\n") if line.startswith("x-km-access-key:")]
        return line.partition(":")[2].strip()

    async def reload(self, outcome: str) -> dict[str, Any]:
        assert self._gateway is not None
        self._gateway.send(signal.SIGHUP)
        line: dict[str, Any] = json.loads(await self._gateway.logged(outcome))
        return line


async def test_every_secret_and_document_is_taken_over(tmp_path: Path) -> None:
    async with held_upstream(is_open=True) as upstream:
        gateway = Reloadable(tmp_path, upstream)
        async with gateway.running():
            before = await gateway.sent_access_key("old")
            gateway.access_key.write_text("c4n4ry-second")
            gateway.api_keys.write_text(api_keys("new"))
            gateway.manifest.unlink()
            (gateway.manifest.parent / "web@2.json").write_text(json.dumps({"second": "{ t: __typename }"}))
            await gateway.reload(READ)
            after = await gateway.sent_access_key("new")
            old_key = await gateway.ask("old")
            old_document = await gateway.ask("new", documentId="first")
            new_document = await gateway.ask("new", documentId="second")

    assert (before, after, old_key.status_code) == ("c4n4ry-first", "c4n4ry-second", 401)
    assert old_document.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert new_document.json() == {"data": {"t": "Query"}}


async def test_one_bad_value_leaves_everything_as_it_was_and_is_named_without_its_value(tmp_path: Path) -> None:
    async with held_upstream(is_open=True) as upstream:
        gateway = Reloadable(tmp_path, upstream)
        async with gateway.running() as process:
            gateway.access_key.write_text("c4n4ry-second")
            gateway.manifest.write_text(json.dumps({"second": "{ t: __typename }"}))
            gateway.api_keys.write_text(api_keys("new") + "\nc4n4ry is no TOML")
            await gateway.reload(REFUSED)
            key = await gateway.sent_access_key("old")
            new_key = await gateway.ask("new")
            old_document = await gateway.ask("old", documentId="first")
            gateway.access_key.write_text("c4n4ry with spaces")
            await gateway.reload(REFUSED)
            process.send(signal.SIGTERM)
            status, log = await process.ended()

    assert (
        key,
        new_key.status_code,
        old_document.json(),
    ) == ("c4n4ry-first", 401, {"data": {"__typename": "Query"}})
    refusals = [json.loads(line) for line in log.splitlines() if REFUSED in line]
    assert [refusal["problems"] for refusal in refusals] == [
        ["KONAGRAPH_API_KEYS: it is not TOML"],
        ["KONAPLATE_ACCESS_KEY_FILE names a file whose content must be printable ASCII without spaces"],
    ]
    assert [refusal["level"] for refusal in refusals] == ["error", "error"]
    assert "c4n4ry" not in log
    assert status == 0


async def test_a_file_that_is_gone_is_refused_and_a_later_reload_works(tmp_path: Path) -> None:
    async with held_upstream(is_open=True) as upstream:
        gateway = Reloadable(tmp_path, upstream)
        async with gateway.running():
            gateway.secret_key.unlink()
            gateway.access_key.write_text("c4n4ry-second")
            await gateway.reload(REFUSED)
            between = await gateway.sent_access_key("old")
            gateway.secret_key.write_text("c4n4ry-secret")
            await gateway.reload(READ)
            after = await gateway.sent_access_key("old")

    assert (between, after) == ("c4n4ry-first", "c4n4ry-second")


async def test_reloaded_values_are_compared_with_those_in_use_and_each_is_named(tmp_path: Path) -> None:
    async with held_upstream(is_open=True) as upstream:
        gateway = Reloadable(tmp_path, upstream)
        async with gateway.running():
            nothing = await gateway.reload(UNCHANGED)
            gateway.access_key.write_text("c4n4ry-second\n")
            first = await gateway.reload(READ)
            # Compared with the last reload, not with the start.
            again = await gateway.reload(UNCHANGED)
            gateway.api_keys.write_text(api_keys("new"))
            gateway.manifest.write_text(json.dumps({"second": "{ t: __typename }"}))
            second = await gateway.reload(READ)
            # Another file with the same content counts as unchanged.
            replacement = tmp_path / "made"
            replacement.write_text(api_keys("new"))
            replacement.replace(gateway.api_keys)
            same = await gateway.reload(UNCHANGED)

    every = ["KONAGRAPH_API_KEYS", "KONAGRAPH_DOCUMENTS", "KONAPLATE_ACCESS_KEY", "KONAPLATE_SECRET_KEY"]
    assert [line["changed"] for line in (nothing, first, again, second, same)] == [
        [],
        ["KONAPLATE_ACCESS_KEY"],
        [],
        ["KONAGRAPH_API_KEYS", "KONAGRAPH_DOCUMENTS"],
        [],
    ]
    for line in (nothing, first, again, second, same):
        assert every == sorted(line["changed"] + line["unchanged"])
        assert (line["unread"], line["needs_restart"], line["level"]) == ([], [], "info")


async def test_settings_that_need_a_restart_are_named_and_not_applied(tmp_path: Path) -> None:
    cards, bundle = tmp_path / "cards", tmp_path / "bundle.pem"
    cards.write_text("20")
    trustme.CA().cert_pem.write_to_path(bundle)
    async with held_upstream(is_open=True) as upstream:
        gateway = Reloadable(tmp_path, upstream)
        gateway.settings["KONAGRAPH_MAX_CARDS_FILE"] = str(cards)
        gateway.settings["KONAPLATE_CA_BUNDLE"] = str(bundle)
        async with gateway.running():
            cards.write_text("1")
            trustme.CA().cert_pem.write_to_path(bundle)
            line = await gateway.reload(NOT_ALL)
            two = await gateway.ask(
                "old", query='{ cards(cardNos: ["9491339400000013", "9491339400000021"]) { balance } }'
            )

    assert "errors" not in two.json()
    assert line["level"] == "warning"
    assert line["needs_restart"] == ["KONAGRAPH_MAX_CARDS", "KONAPLATE_CA_BUNDLE"]


async def test_a_new_key_set_in_the_file_is_used_at_once_and_a_broken_one_is_not(tmp_path: Path) -> None:
    first, second = ec_signer("first"), ec_signer("second", index=1)
    file = tmp_path / "jwks.json"
    file.write_bytes(key_set(first))
    given = {name: str(value) for name, value in jwt_settings(file).items()}
    async with (
        held_upstream(is_open=True) as upstream,
        command("serve", "--port", "0", **settings(upstream, **given)) as gateway,
        client() as asked,
    ):
        url = await gateway.url()

        async def status(signer: Any) -> int:
            token = signer.token(claims(scope="cards:read:any"))
            return (await asked.post(url, json=query(1), headers={"Authorization": f"Bearer {token}"})).status_code

        before = await status(first)
        file.write_bytes(b"{}")
        gateway.send(signal.SIGHUP)
        await gateway.logged(REFUSED)
        broken = await status(first)
        file.write_bytes(key_set(second))
        gateway.send(signal.SIGHUP)
        changed = json.loads(await gateway.logged(READ))
        after = [await status(first), await status(second)]
        gateway.send(signal.SIGHUP)
        same = json.loads(await gateway.logged(UNCHANGED))

    assert (before, broken, after) == (200, 200, [401, 200])
    assert (changed["changed"], same["changed"]) == (["KONAGRAPH_JWT_JWKS"], [])
    assert "KONAGRAPH_JWT_JWKS" in same["unchanged"]


async def test_a_key_set_whose_address_is_away_stays_and_is_a_warning() -> None:
    async with held_upstream(is_open=True) as upstream, key_server(answer(key_set(ec_signer()))) as issuer:
        given = {name: str(value) for name, value in jwt_settings(issuer.url).items()}
        async with command("serve", "--port", "0", **settings(upstream, **given)) as gateway:
            await gateway.url()
            issuer.reply = answer(b"", "503 Service Unavailable")
            gateway.send(signal.SIGHUP)
            line = json.loads(await gateway.logged(NOT_ALL))
    assert (line["level"], line["unread"]) == ("warning", ["KONAGRAPH_JWT_JWKS"])


async def test_a_call_under_way_ends_with_what_it_began_with(tmp_path: Path) -> None:
    async with held_upstream() as upstream:
        gateway = Reloadable(tmp_path, upstream)
        async with gateway.running():
            asking = asyncio.ensure_future(gateway.ask("old"))
            await upstream.wait_for(1)
            gateway.access_key.write_text("c4n4ry-second")
            gateway.api_keys.write_text(api_keys("new"))
            await gateway.reload(READ)
            upstream.open.set()
            answer = await asking

    assert (answer.status_code, answer.json()) == (200, ANSWER)
