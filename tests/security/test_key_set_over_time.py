"""A source of keys over a day: it starts late, changes its keys, and goes down."""

from __future__ import annotations

import time

import pytest

from graph.security.authentication import by_token
from graph.security.authorization import Allowance
from graph.security.errors import KeysUnavailableError, UnauthenticatedError
from graph.security.jwks import KeySet
from graph.security.tokens import TokenAuthenticator, TokenRules
from graph.wiring.security import key_set_at
from tests.security.jwks_server import KeyServer, answer, unused_port
from tests.security.jwt_maker import AUDIENCE, ISSUER, ec_signer, key_set
from tests.security.key_source import Clock

SIGNER = ec_signer()
KEYS = key_set(SIGNER)


class Door:
    """An authenticator with a URL as the source and a clock that stands still."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.keys = KeySet(key_set_at(url), self.clock)
        rules = TokenRules(ISSUER, AUDIENCE, "konaplate_user_id")
        self._bearer = by_token(TokenAuthenticator(self.keys, rules, Allowance(), time.time))

    async def opens(self, token: str) -> bool:
        """Whether a token is accepted."""
        try:
            await self._bearer({"authorization": [f"Bearer {token}"]})
        except UnauthenticatedError:
            return False
        return True


async def test_a_source_that_comes_up_later_is_used_then() -> None:
    free_port = unused_port()
    door = Door(f"http://127.0.0.1:{free_port}/keys")
    server = KeyServer(answer(KEYS))
    await door.keys.load()
    with pytest.raises(KeysUnavailableError):
        await door.opens(SIGNER.token())

    async with server.running(free_port):
        # It was loaded this very second.
        with pytest.raises(KeysUnavailableError):
            await door.opens(SIGNER.token())
        door.clock.now += 1
        assert await door.opens(SIGNER.token())
    assert len(server.requests) == 1


async def test_a_token_of_a_new_key_is_accepted_after_one_load() -> None:
    new = ec_signer("new", index=1)
    free_port = unused_port()
    server = KeyServer(answer(KEYS))
    door = Door(f"http://127.0.0.1:{free_port}/keys")
    async with server.running(free_port):
        assert await door.opens(SIGNER.token())
        server.reply = answer(key_set(new))
        door.clock.now += 30

        assert await door.opens(new.token())
        assert not await door.opens(SIGNER.token())
        assert len(server.requests) == 2


async def test_a_source_that_goes_down_later_is_no_matter_for_a_day() -> None:
    free_port = unused_port()
    server = KeyServer(answer(KEYS))
    door = Door(f"http://127.0.0.1:{free_port}/keys")
    async with server.running(free_port):
        assert await door.opens(SIGNER.token())

    door.clock.now += 24 * 3600
    assert await door.opens(SIGNER.token())
    await door.keys.aclose()
    door.clock.now += 1
    with pytest.raises(KeysUnavailableError):
        await door.opens(SIGNER.token())
