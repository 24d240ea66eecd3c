"""Verified tokens are cached: what that saves, and what it does not."""

from __future__ import annotations

import gc
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey

from graph.security.authorization import Allowance
from graph.security.errors import KeysUnavailableError, UnauthenticatedError
from graph.security.jwks import KeySet, VerificationKey
from graph.security.tokens import TokenAuthenticator, TokenRules
from tests.security.jwt_maker import AUDIENCE, ISSUER, Signer, claims, ec_signer, key_set
from tests.security.key_source import Clock, Source
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 1_800_000_000.0
LEEWAY = 30
SIGNER = ec_signer()


class CountedKey(ECKey):
    """Counts how often a signature is checked with it."""

    checks = 0

    def get_op_key(self, operation: Any) -> Any:
        """Give the key for an operation, and count it."""
        self.checks += 1
        return super().get_op_key(operation)


class CountingKeys(KeySet):
    """Counts the look-ups; gives one key that counts its uses."""

    def __init__(self) -> None:
        super().__init__(Source(key_set(SIGNER)), Clock())
        self.lookups = 0
        self.only = CountedKey.import_key(SIGNER.jwk)

    async def key(self, key_id: str) -> VerificationKey | None:
        """Look a key up, and count it."""
        self.lookups += 1
        found = await super().key(key_id)
        return None if found is None else replace(found, key=self.only)


class Desk:
    """An authenticator with its keys, and separate clocks for keys and tokens."""

    def __init__(self, keys: KeySet | None = None, *, remembered: int = 10_000) -> None:
        self.source = Source(key_set(SIGNER))
        self.keys_clock = Clock()
        self.keys = keys or KeySet(self.source, self.keys_clock)
        self.clock = Clock(NOW)
        rules = TokenRules(ISSUER, AUDIENCE, "konaplate_user_id", remembered=remembered)
        self.tokens = TokenAuthenticator(self.keys, rules, Allowance(), self.clock)

    async def reason(self, token: str) -> str | None:
        """Why a token is refused; None when it is accepted."""
        try:
            await self.tokens.viewer(token)
        except UnauthenticatedError as error:
            return error.reason
        return None


def token(signer: Signer = SIGNER, **changes: Any) -> str:
    return signer.token(claims(**{"iat": NOW, "exp": NOW + 600, **changes}))


async def test_a_known_token_is_not_verified_again() -> None:
    keys = CountingKeys()
    desk = Desk(keys)
    good = token()

    first = await desk.tokens.viewer(good)
    for _ in range(50):
        assert first is await desk.tokens.viewer(good)
    assert (keys.lookups, keys.only.checks) == (1, 1)


async def test_a_token_that_was_refused_is_not_remembered() -> None:
    keys = CountingKeys()
    desk = Desk(keys)
    bad = token()[:-8] + "AAAAAAAA"

    for _ in range(3):
        assert await desk.reason(bad) == "the token's signature or form is invalid"
    assert (keys.lookups, keys.only.checks) == (3, 3)


async def test_a_token_that_differs_in_one_character_is_verified_itself() -> None:
    desk = Desk()
    good = token()
    assert await desk.reason(good) is None

    for place in range(len(good)):
        changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        assert await desk.reason(changed) is not None


@pytest.mark.parametrize("first_at", [0, 599], ids=["long before", "just before"])
async def test_a_known_token_expires_at_its_second(first_at: float) -> None:
    desk = Desk()
    good = token()
    desk.clock.now = NOW + first_at
    assert await desk.reason(good) is None

    desk.clock.now = NOW + 600 + LEEWAY - 0.001
    assert await desk.reason(good) is None
    desk.clock.now = NOW + 600 + LEEWAY
    assert await desk.reason(good) == "the token has expired"


@pytest.mark.parametrize("name", ["nbf", "iat"])
async def test_a_token_that_came_too_early_is_accepted_at_its_second(name: str) -> None:
    keys = CountingKeys()
    desk = Desk(keys)
    early = token(SIGNER, **{name: NOW + 100})

    desk.clock.now = NOW + 100 - LEEWAY - 0.001
    assert await desk.reason(early) == "the token is not valid yet"
    desk.clock.now = NOW + 100 - LEEWAY
    assert await desk.reason(early) is None
    # Its signature was valid the first time.
    assert keys.only.checks == 1


async def test_a_clock_that_is_put_back_makes_a_known_token_early_again() -> None:
    desk = Desk()
    good = token()
    assert await desk.reason(good) is None

    desk.clock.now = NOW - LEEWAY - 1
    assert await desk.reason(good) == "the token is not valid yet"


async def test_a_known_token_is_refused_when_its_key_is_withdrawn() -> None:
    desk = Desk()
    good = token()
    assert await desk.reason(good) is None

    desk.source.content = key_set(ec_signer("another", index=1))
    desk.keys_clock.now += 301
    # The old set is used while the new one loads: nobody else asks, and yet it is loaded.
    assert await desk.reason(good) is None
    await settle()
    assert desk.source.loads == 2
    assert await desk.reason(good) == "the token's key is unknown"


async def test_a_known_token_is_refused_when_its_key_is_another_one_now() -> None:
    desk = Desk()
    good = token()
    assert await desk.reason(good) is None

    desk.source.content = key_set(ec_signer(index=1))
    await desk.keys.load()
    assert await desk.reason(good) == "the token's signature or form is invalid"
    assert await desk.reason(token(ec_signer(index=1))) is None


async def test_a_known_token_stays_known_when_the_same_set_is_loaded_again() -> None:
    keys = CountingKeys()
    desk = Desk(keys)
    good = token()
    assert await desk.reason(good) is None

    for _ in range(5):
        await keys.load()
        assert await desk.reason(good) is None
    assert keys.only.checks == 1


async def test_a_known_token_is_verified_once_after_the_set_has_changed() -> None:
    desk = Desk()
    good = token()
    before = await desk.tokens.viewer(good)

    desk.source.content = key_set(SIGNER, ec_signer("another", index=1))
    await desk.keys.load()
    after = await desk.tokens.viewer(good)
    assert (before, False) == (after, before is after)
    assert after is await desk.tokens.viewer(good)


async def test_a_known_token_is_of_no_use_when_the_keys_are_too_old() -> None:
    desk = Desk()
    good = token(exp=NOW + 10**6)
    assert await desk.reason(good) is None

    desk.source.content = OSError("down")
    desk.keys_clock.now += 24 * 3600 + 1
    with pytest.raises(KeysUnavailableError):
        await desk.tokens.viewer(good)
    desk.source.content = key_set(SIGNER)
    desk.keys_clock.now += 1
    assert await desk.reason(good) is None


async def test_no_more_tokens_are_remembered_than_the_bound_and_the_oldest_goes_first() -> None:
    keys = CountingKeys()
    desk = Desk(keys, remembered=3)
    many = [token(sub=f"viewer {index}") for index in range(5)]
    for each in many:
        assert await desk.reason(each) is None
    assert len(desk.tokens._verified) == 3

    for each in many[2:]:
        assert await desk.reason(each) is None
    assert keys.only.checks == 5
    assert await desk.reason(many[0]) is None
    assert keys.only.checks == 6
    assert len(desk.tokens._verified) == 3


def texts(roots: Iterable[object]) -> list[str | bytes]:
    """Every text that can be reached from objects."""
    seen: set[int] = set()
    waiting, found = list(roots), []
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type):
            continue
        seen.add(id(each))
        if isinstance(each, str | bytes):
            found.append(each)
        waiting += gc.get_referents(each)
    return found


async def test_nothing_of_a_tokens_text_is_kept() -> None:
    desk = Desk()
    good = token(sub="somebody in particular")
    await desk.tokens.viewer(good)

    kept = texts([desk.tokens._verified])
    assert hashlib.sha256(good.encode()).digest() in kept
    assert "somebody in particular" in kept
    for part in (good, *good.split(".")):
        assert not [text for text in kept if part in (text if isinstance(text, str) else text.decode("latin-1"))]
