"""The claim that names a Konaplate member: whose cards a token opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.sandbox.ledger import CARDS
from tests.security.jwt_gateway import assert_accepted, jwt_gateway
from tests.security.jwt_maker import claims, compact, ec_signer
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.security.jwt_gateway import Guarded

pytestmark = pytest.mark.asyncio(loop_scope="module")


def card_of(user_id: int | None) -> str:
    """The first card of a member, or the first unregistered one."""
    return next(number for number, card in CARDS.items() if card.fields["userId"] == user_id)


BIGGEST = 9_999_999_999_999_999_999


def member_token(claim: object, *, scope: str = "", name: str = "konaplate_user_id") -> str:
    signer = ec_signer()
    # Each has its own subject, because cards are counted by subject.
    payload = claims(scope=scope) | {"sub": f"{name} {claim!r}", name: claim}
    return compact(signer.header(), payload, signer.sign)


def assert_hidden(answer: httpx.Response) -> None:
    """For this viewer, no such card."""
    assert answer.status_code == 200
    assert answer.json()["data"] == {"card": None}
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "CARD_NOT_FOUND"
    assert "upstream" not in error["extensions"]


@pytest.mark.parametrize("claim", ["1001", 1001], ids=lambda claim: f"{type(claim).__name__} {claim}")
async def test_a_member_sees_own_cards_and_no_others(claim: object, running: Guarded) -> None:
    token = member_token(claim)

    assert_accepted(await running.bearer(token, card_of(1001)))
    for other in (1002, 1003, BIGGEST, None):
        assert_hidden(await running.bearer(token, card_of(other)))
        assert running.audited()[-1]["viewer_kind"] == "member"


@pytest.mark.parametrize("claim", [BIGGEST, str(BIGGEST)], ids=["number", "text"])
async def test_the_biggest_member_id_is_read_to_the_last_digit(claim: object, running: Guarded) -> None:
    answer = await running.bearer(member_token(claim), card_of(BIGGEST))

    assert answer.json() == {"data": {"card": {"balance": 12_345}}}
    assert_hidden(await running.bearer(member_token(BIGGEST - 1), card_of(BIGGEST)))


@table(
    "claim",
    [
        *(None, True, False, 1001.0, 1001.5, 1e3, -1001, "-1001", "+1001", " 1001", "1001 ", "1001\n", "1_001"),
        # Not as Konaplate writes ids: one member must not have two spellings.
        *("01001", "0000000000000001001", "0001001", "1001-0"),
        # Nobody.
        *(0, "0", "000", -0.0),
        *("", "0x3e9", "1001.0", "1e3", "１００１", "١٠٠١", "1001²", "NaN", [1001], ["1001"], {"id": "1001"}),
        # Twenty digits, with the right ones at either end.
        *("00000000000000001001", "10010000000000000000", 10_010_000_000_000_000_000, 10**300),
        # Beyond 64 bits, where careless parsing would wrap around.
        *(2**64 + 1001, -(2**64) + 1001, str(2**64 + 1001)),
    ],
)
async def test_a_claim_that_names_no_member_opens_no_card(claim: object, running: Guarded) -> None:
    token = member_token(claim)

    for user_id in (1001, BIGGEST, None):
        assert_hidden(await running.bearer(token, card_of(user_id)))
        assert running.audited()[-1]["viewer_kind"] == "service"


async def test_a_token_without_the_claim_opens_no_card_either(running: Guarded) -> None:
    signer = ec_signer()
    token = signer.token(claims(scope="member:read cash-receipt:read"))

    for user_id in (1001, None):
        assert_hidden(await running.bearer(token, card_of(user_id)))


async def test_the_scope_for_every_card_does_not_need_a_member(running: Guarded) -> None:
    assert_accepted(await running.bearer(member_token(None, scope="cards:read:any"), card_of(1001)))


@pytest.mark.parametrize(
    "scope", ["cards:read", "CARDS:READ:ANY", "cards:read:any,openid", "xcards:read:any", "*"]
)
async def test_a_scope_is_compared_as_a_whole_word(scope: str, running: Guarded) -> None:
    assert_hidden(await running.bearer(member_token(None, scope=scope), card_of(1001)))


@pytest.mark.parametrize(
    "separator", ["\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\x1f", "\v", ",", "+", "%20"]
)
async def test_scopes_are_divided_at_spaces_and_nothing_else(separator: str, running: Guarded) -> None:
    scope = f"openid{separator}cards:read:any"

    assert_hidden(await running.bearer(member_token(None, scope=scope), card_of(1001)))
    assert_accepted(await running.bearer(member_token(None, scope=f"{scope} cards:read:any"), card_of(1001)))


def scoped_token(**scopes: object) -> str:
    signer = ec_signer()
    payload = {name: value for name, value in claims(sub=f"{scopes}").items() if name != "scope"}
    return compact(signer.header(), payload | scopes, signer.sign)


@pytest.mark.parametrize(
    "scopes",
    [
        *(
            {},
            {"scope": None},
            {"scope": ""},
            {"scope": []},
            {"scope": [""]},
            {"scp": None},
            {"scope": None, "scp": None},
        ),
        # An element is a scope, and no scope has a space in it.
        {"scope": ["openid cards:read:any"]},
        # The standard claim counts, even if it is empty.
        *({"scope": "openid", "scp": "cards:read:any"}, {"scope": [], "scp": "cards:read:any"}),
        {"scopes": "cards:read:any"},
    ],
    ids=str,
)
async def test_a_token_without_scopes_is_valid_and_opens_no_card(
    scopes: dict[str, object], running: Guarded
) -> None:
    assert_hidden(await running.bearer(scoped_token(**scopes), card_of(1001)))


async def test_the_name_of_the_claim_with_scopes_is_a_setting(tmp_path: Path) -> None:
    name = "https://issuer.example/scopes"
    async with jwt_gateway(tmp_path, KONAGRAPH_SCOPE_CLAIM=name) as running:
        assert_accepted(await running.bearer(scoped_token(**{name: ["cards:read:any"]}), card_of(1001)))
        for other in ("scope", "scp"):
            assert_hidden(await running.bearer(scoped_token(**{other: "cards:read:any"}), card_of(1001)))


async def test_the_name_of_the_claim_is_a_setting(tmp_path: Path) -> None:
    name = "https://issuer.example/konaplate"
    async with jwt_gateway(tmp_path, KONAGRAPH_MEMBER_CLAIM=name) as running:
        assert_accepted(await running.bearer(member_token("1001", name=name), card_of(1001)))
        assert_hidden(await running.bearer(member_token("1001"), card_of(1001)))
