"""API keys: which are accepted, with which permissions, and that timing reveals nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import pytest

from graph.sandbox.ledger import CARDS, FIRST_CARD
from graph.security.api_keys import ApiKey, ApiKeyAuthenticator
from graph.security.authorization import Allowance, Viewer
from graph.security.errors import UnauthenticatedError
from tests.security.jwt_gateway import assert_accepted, assert_refused, guarded
from tests.security.jwt_maker import ec_signer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.jwt_gateway import Guarded

KEY, OTHER = "k-c4n4ry-9f2c51d7", "k-c4n4ry-0a33be18"
UNKNOWN = "the API key is unknown"
NOT_ONE = "there must be exactly one header with credentials"
NONE = "there is no X-Api-Key header"


def entry(name: str, key: str, **more: object) -> str:
    """One table of a key file."""
    values = {"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), **more}
    lines = [f"{each} = {value!r}" for each, value in values.items()]
    return "\n".join(["[[keys]]", *lines, ""])


def settings(folder: Path, *entries: str) -> dict[str, object]:
    file = folder / "keys.toml"
    file.write_text("\n".join(entries))
    return {"KONAGRAPH_AUTH": "api-key", "KONAGRAPH_API_KEYS": file}


async def with_key(running: Guarded, key: str, card: str = FIRST_CARD) -> int:
    return (await running.ask({"X-Api-Key": key}, card)).status_code


@pytest.mark.parametrize("name", ["X-Api-Key", "x-api-key", "X-API-KEY"])
async def test_a_known_key_opens_the_gateway(name: str, tmp_path: Path) -> None:
    keys = settings(tmp_path, entry("reporting", KEY, scopes=["cards:read:any"]), entry("second", OTHER))
    async with guarded(tmp_path, **keys) as running:
        assert_accepted(await running.ask({name: KEY}))


@pytest.mark.parametrize(
    "key",
    [
        *(f"{KEY}x", KEY[:-1], KEY.upper(), f"{KEY} {KEY}", f"Bearer {KEY}", "", "x" * 20_000),
        # A digest is not a key: reading the file gains nothing.
        hashlib.sha256(KEY.encode()).hexdigest(),
    ],
    ids=lambda key: key[:30],
)
async def test_an_unknown_key_is_refused(key: str, tmp_path: Path) -> None:
    keys = settings(tmp_path, entry("reporting", KEY, scopes=["cards:read:any"]))
    async with guarded(tmp_path, **keys) as running:
        assert_refused(await running.ask({"X-Api-Key": key}), running, UNKNOWN, "ApiKey")
        assert running.calls == 0


async def test_a_key_in_other_letters_than_ascii_is_unknown(tmp_path: Path) -> None:
    async with guarded(tmp_path, **settings(tmp_path, entry("reporting", KEY))) as running:
        answer = await running.ask([(b"x-api-key", b"\xff\x00\xfe"), (b"accept", b"application/json")])
        assert_refused(answer, running, UNKNOWN, "ApiKey")


@pytest.mark.parametrize("second", [KEY, OTHER, "unknown", ""])
async def test_two_headers_with_keys_are_refused(second: str, tmp_path: Path) -> None:
    async with guarded(tmp_path, **settings(tmp_path, entry("a", KEY), entry("b", OTHER))) as running:
        headers = [(b"x-api-key", KEY.encode()), (b"X-Api-Key", second.encode())]
        assert_refused(await running.ask(headers), running, NOT_ONE, "ApiKey")


async def test_a_request_without_a_key_is_refused_whatever_else_it_has(tmp_path: Path) -> None:
    async with guarded(tmp_path, **settings(tmp_path, entry("a", KEY))) as running:
        for headers in (
            {},
            {"Authorization": f"Bearer {ec_signer().token()}"},
            {"Authorization": f"Bearer {KEY}"},
        ):
            assert_refused(await running.ask(headers), running, NONE, "ApiKey")


async def test_each_key_has_its_own_scopes(tmp_path: Path) -> None:
    keys = settings(tmp_path, entry("all", KEY, scopes=["cards:read:any"]), entry("none", OTHER))
    async with guarded(tmp_path, **keys) as running:
        assert_accepted(await running.ask({"X-Api-Key": KEY}))
        hidden = await running.ask({"X-Api-Key": OTHER})
    assert hidden.json()["data"] == {"card": None}
    assert [error["extensions"]["code"] for error in hidden.json()["errors"]] == ["CARD_NOT_FOUND"]


async def test_a_key_has_the_budgets_of_its_entry_and_else_the_settings(tmp_path: Path) -> None:
    scopes = ["cards:read:any"]
    keys = settings(
        tmp_path, entry("frugal", KEY, scopes=scopes, cards_per_minute=1), entry("usual", OTHER, scopes=scopes)
    )
    first, second, third, *_ = CARDS

    async def balances(running: Guarded, key: str) -> list[str | None]:
        codes = []
        for card in (first, second, third):
            answer = (await running.ask({"X-Api-Key": key}, card)).json()
            codes += [error["extensions"]["code"] for error in answer.get("errors", [])] or [None]
        return codes

    async with guarded(tmp_path, **keys, KONAGRAPH_CARDS_PER_MINUTE=2) as running:
        assert await balances(running, KEY) == [None, "RATE_LIMITED", "RATE_LIMITED"]
        assert await balances(running, OTHER) == [None, None, "RATE_LIMITED"]


async def test_the_audit_names_the_key_by_its_name_alone(tmp_path: Path) -> None:
    keys = settings(tmp_path, entry("reporting", KEY, scopes=["cards:read:any"], request_burst=1))
    async with guarded(tmp_path, **keys, KONAGRAPH_REQUEST_RATE=1) as running:
        assert [await with_key(running, KEY), await with_key(running, KEY)] == [200, 429]
        event = running.audited()[-1]
    assert (event["viewer_kind"], event["viewer_id"], event["code"]) == ("service", "reporting", "RATE_LIMITED")


class CountingKey:
    """Stands in for an entry, and counts how often its digest is looked at."""

    def __init__(self, key: str) -> None:
        self._digest = hashlib.sha256(key.encode()).digest()
        self.viewer = Viewer("service", key, frozenset(), None, Allowance())
        self.looked_at = 0

    @property
    def digest(self) -> bytes:
        """The digest; each look is counted."""
        self.looked_at += 1
        return self._digest


@pytest.mark.parametrize("key", ["first", "middle", "last", "unknown", ""])
def test_every_digest_is_compared_whichever_key_it_is(key: str) -> None:
    entries = [CountingKey(each) for each in ("first", "middle", "last")]
    authenticator = ApiKeyAuthenticator(tuple(cast("ApiKey", each) for each in entries))

    if key in ("unknown", ""):
        with pytest.raises(UnauthenticatedError):
            authenticator.viewer(key)
    else:
        assert key == authenticator.viewer(key).id
    assert [each.looked_at for each in entries] == [1, 1, 1]


def test_an_empty_key_is_unknown_whatever_the_file_has() -> None:
    authenticator = ApiKeyAuthenticator((cast("ApiKey", CountingKey("")),))

    with pytest.raises(UnauthenticatedError, match=UNKNOWN):
        authenticator.viewer("")


def test_long_keys_are_compared_to_their_end() -> None:
    long = "x" * 5000
    authenticator = ApiKeyAuthenticator((cast("ApiKey", CountingKey(long)),))

    assert long == authenticator.viewer(long).id
    for other in (long + "x", long[:-1], long[:-1] + "y"):
        with pytest.raises(UnauthenticatedError):
            authenticator.viewer(other)
