"""Credentials swapped while the client is in use: each call uses one set from beginning to end."""

from __future__ import annotations

import asyncio
import functools

import pytest

from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import RejectedError
from graph.konaplate.protocol import Identity, Zone
from graph.konaplate.send import Limits
from schema.secrets import Credential
from tests.independent import jwe
from tests.independent.konaplate import Credentials, IndependentKonaplate
from tests.konaplate.faulty_upstream import Connection, FaultyUpstream, http
from tests.konaplate.support import (
    CARD,
    MEMBER,
    USER_ID,
    card_fields,
    connected,
    encoded,
    member_fields,
    succeeded,
)

LIMITS = Limits(total=30, connect=30, pool=30)


@functools.cache
def keys() -> list[tuple[str, str]]:
    return [jwe.generate_pair() for _ in range(4)]


def credentials(number: int) -> Credentials:
    (server, server_public), (client, client_public) = keys()[2 * number], keys()[2 * number + 1]
    return Credentials(
        asp_id=f"90000000000000{number}",
        access_key=f"{number}" * 40,
        secret_key=f"secret {number}",
        crypto_key_id=f"{number}" * 32,
        server_private_key_pem=server,
        server_public_key_pem=server_public,
        client_private_key_pem=client,
        client_public_key_pem=client_public,
    )


def ours(of: Credentials, zone: Zone, *, encrypted: bool) -> tuple[Identity, Cipher | None]:
    identity = Identity(of.asp_id, Credential(of.access_key), Credential(of.secret_key), zone)
    seal_with = import_public_key(of.server_public_key_pem)
    open_with = import_private_key(of.client_private_key_pem)
    return identity, Cipher([KeyPair(of.crypto_key_id, seal_with, open_with)]) if encrypted else None


@pytest.mark.slow
@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])
async def test_the_next_call_of_every_api_uses_the_new_credentials_only(encrypted: bool) -> None:
    old, new = credentials(0), credentials(1)
    identity, cipher = ours(old, Zone.KST, encrypted=encrypted)
    async with IndependentKonaplate(credentials=old, encrypted=encrypted) as fake:
        fake.cards[CARD.reveal()] = card_fields()
        fake.members[USER_ID] = member_fields()
        async with connected(base_url=fake.base_url, identity=identity, cipher=cipher, limits=LIMITS) as client:
            await client.fetch(CARD_INFO, CARD)
            await client.fetch(USER_INFO, MEMBER)
            fake.credentials = new
            with pytest.raises(RejectedError):
                await client.fetch(CARD_INFO, CARD)
            fake.violations.clear()
            client.renew(*ours(new, Zone.UTC, encrypted=encrypted))
            assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999
            assert (await client.fetch(USER_INFO, MEMBER)).asp_id == member_fields()["aspId"]
        assert fake.violations == []


async def test_a_call_under_way_opens_its_answer_with_the_key_that_it_began_with() -> None:
    old, new = credentials(0), credentials(1)
    identity, cipher = ours(old, Zone.KST, encrypted=True)
    let_through = asyncio.Event()
    sealed = jwe.seal(succeeded(card_fields()), old.client_public_key_pem, "A128GCM")

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await let_through.wait()
        await connection.send(http(encoded({"encData": sealed})))

    async with (
        FaultyUpstream(script) as upstream,
        connected(base_url=upstream.base_url, identity=identity, cipher=cipher, limits=LIMITS) as client,
    ):
        call = asyncio.create_task(client.fetch(CARD_INFO, CARD))
        await upstream.until_asked()
        client.renew(*ours(new, Zone.KST, encrypted=True))
        let_through.set()
        assert (await call).balance == 9_999_999_999
