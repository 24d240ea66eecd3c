"""The client against an upstream that was written without this code base, on a real socket."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import CardNotFoundError, MemberNotFoundError, RejectedError
from graph.konaplate.protocol import Identity, Zone
from graph.konaplate.send import Limits
from schema.secrets import CardNo, Credential, MemberId
from tests.independent.konaplate import CARD_PATH, MEMBER_PATH, Credentials, IndependentKonaplate
from tests.konaplate.support import (
    CARD,
    DETAILS,
    MEMBER,
    USER_ID,
    Reports,
    card_fields,
    connected,
    member_fields,
    pem,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from graph.konaplate.client import KonaplateClient

MODES = {
    "A128GCM": {"content_encryption": "A128GCM"},
    "A256GCM": {"content_encryption": "A256GCM"},
    "answers without a key id": {"answer_key_id": False},
    "plain": {"encrypted": False},
}
mode = pytest.mark.parametrize("options", MODES.values(), ids=MODES.keys())


@functools.cache
def credentials() -> Credentials:
    return Credentials(
        asp_id="900000000000001",
        access_key="0123456789abcdef0123456789abcdef01234567",
        secret_key="a secret of text, not of bytes",
        crypto_key_id="0123456789abcdef0123456789abcdef",
        server_private_key_pem=pem("server", private=True),
        server_public_key_pem=pem("server", private=False),
        client_private_key_pem=pem("client", private=True),
        client_public_key_pem=pem("client", private=False),
    )


def upstream(options: dict[str, object]) -> IndependentKonaplate:
    fake = IndependentKonaplate(credentials=credentials(), **options)  # type: ignore[arg-type]
    fake.cards[CARD.reveal()] = card_fields()
    fake.members[USER_ID] = member_fields()
    return fake


def cipher() -> Cipher:
    ours = credentials()
    seal_with = import_public_key(ours.server_public_key_pem)
    open_with = import_private_key(ours.client_private_key_pem)
    return Cipher([KeyPair(ours.crypto_key_id, seal_with, open_with)])


@asynccontextmanager
async def client_of(
    fake: IndependentKonaplate, options: dict[str, object], reports: Reports, zone: Zone = Zone.KST
) -> AsyncIterator[KonaplateClient]:
    ours = credentials()
    async with connected(
        base_url=fake.base_url,
        identity=Identity(ours.asp_id, Credential(ours.access_key), Credential(ours.secret_key), zone),
        cipher=cipher() if options.get("encrypted", True) else None,
        limits=Limits(total=30, connect=30, pool=30),
        on_call=reports.append,
    ) as client:
        yield client


@mode
@pytest.mark.parametrize("zone", Zone)
async def test_a_card_and_its_member_are_read_without_breaking_a_rule(
    options: dict[str, object], zone: Zone
) -> None:
    reports = Reports()
    async with upstream(options) as fake, client_of(fake, options, reports, zone) as client:
        card, member = await client.fetch(CARD_INFO, CARD), await client.fetch(USER_INFO, MEMBER)
    details = [msgspec.structs.replace(DETAILS, answered_at=report.details.answered_at) for report in reports]
    assert CARD_INFO.read(card_fields(), details[0], CARD) == card
    assert USER_INFO.read({"userInfo": member_fields()}, details[1], MEMBER) == member
    assert fake.violations == []
    asked = [(CARD_PATH, {"cardNo": CARD.reveal()}), (MEMBER_PATH, {"userId": USER_ID})]
    assert asked == [(call.path, call.payload) for call in fake.calls]
    assert [report.details.correlation_id for report in reports] == fake.correlation_ids
    assert [(report.outcome, report.echo) for report in reports] == [("ok", "same")] * 2


@mode
async def test_an_unknown_card_and_an_unknown_member_are_not_found(options: dict[str, object]) -> None:
    async with upstream(options) as fake, client_of(fake, options, Reports()) as client:
        with pytest.raises(CardNotFoundError):
            await client.fetch(CARD_INFO, CardNo("9491339400000000"))
        with pytest.raises(MemberNotFoundError):
            await client.fetch(USER_INFO, MemberId("7"))
    assert fake.violations == []


async def test_a_client_without_encryption_is_rejected_by_an_encrypted_upstream() -> None:
    async with upstream({}) as fake, client_of(fake, {"encrypted": False}, Reports()) as client:
        with pytest.raises(RejectedError):
            await client.fetch(CARD_INFO, CARD)
    assert "X-KM-Crypto-Key-Id: missing" in fake.violations


@mode
async def test_many_calls_at_once_share_no_correlation_id(options: dict[str, object]) -> None:
    reports = Reports()
    numbers = [CardNo(f"94913394{number:08d}") for number in range(200)]
    async with upstream(options) as fake, client_of(fake, options, reports) as client:
        fake.cards.update({number.reveal(): card_fields(balance=place) for place, number in enumerate(numbers)})
        cards = await asyncio.gather(*(client.fetch(CARD_INFO, number) for number in numbers))
    assert [card.balance for card in cards] == list(range(200))
    assert fake.violations == []
    assert len(set(fake.correlation_ids)) == 200
    assert {report.details.correlation_id for report in reports} == set(fake.correlation_ids)
