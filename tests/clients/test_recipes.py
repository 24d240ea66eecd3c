"""Every recipe of docs/clients.md against one gateway that wants tokens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.faults import FAULTS
from graph.sandbox.wallets import WALLETS
from graph.security.development import DevelopmentSigner, signer_settings
from schema.errors import ErrorCode
from tests.cli.processes import command
from tests.clients.recipes import MANIFESTS, ask, build
from tests.clients.wallet_secrets import DEV_MEMBER

if TYPE_CHECKING:
    from pathlib import Path

CARDS = [card for card in WALLETS if card.user_id == DEV_MEMBER]
OWN_CARD = CARDS[0].numbers[0]
MISSING, RETRYABLE = (
    next(fault.number for fault in FAULTS.values() if fault.code is code)
    for code in (ErrorCode.CARD_NOT_FOUND, ErrorCode.UPSTREAM_UNAVAILABLE)
)
RECIPES = ("apollo", "relay", "request", "tada", "typed", "urql")
Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("recipes")
    build(folder)
    return asyncio.run(_ask(folder))


async def _ask(folder: Path) -> Found:
    signer = DevelopmentSigner.in_directory(folder / "signer")
    claims = {"konaplate_user_id": str(DEV_MEMBER)}
    token = signer.token("app", scopes=("cards:read:any",), lifetime=600, claims=claims)
    settings = {
        **signer_settings(folder / "signer"),
        "KONAGRAPH_DOCUMENTS": ",".join(str(folder / name) for name in MANIFESTS),
    }
    async with command("dev", "--port", "0", **settings) as gateway:
        return await asyncio.to_thread(ask, folder, await gateway.url(), token, OWN_CARD, MISSING, RETRYABLE)


every_recipe = pytest.mark.parametrize("recipe", RECIPES)


@every_recipe
def test_a_recipe_renews_an_expired_token_and_sends_the_request_again(asked: Found, recipe: str) -> None:
    first = next(iter(asked[recipe].values()))
    assert [exchange["status"] for exchange in first["exchanges"]] == [401, 200]


@every_recipe
def test_a_recipe_reads_a_card_by_its_number(asked: Found, recipe: str) -> None:
    card = asked[recipe]["byNumber"]["data"]["card"]
    assert card["balance"] == CARDS[0].row["balance"]
    if "wallet" in asked[recipe]:
        cards = asked[recipe]["wallet"]["data"]["viewer"]["member"]["cards"]
        assert [each["balance"] for each in cards] == [each.row["balance"] for each in CARDS]
        assert card["id"] == cards[0]["id"]


@every_recipe
def test_a_recipe_retries_what_is_retryable_and_stops(asked: Found, recipe: str) -> None:
    missing, retried = asked[recipe]["missing"], asked[recipe]["retried"]
    assert [exchange["codes"] for exchange in missing["exchanges"]] == [["CARD_NOT_FOUND"]]
    assert [exchange["codes"] for exchange in retried["exchanges"]] == [["UPSTREAM_UNAVAILABLE"]] * 3
    assert (missing["codes"], retried["codes"]) == (["CARD_NOT_FOUND"], ["UPSTREAM_UNAVAILABLE"])


@every_recipe
def test_no_card_number_is_in_a_url_or_in_what_an_error_report_holds(asked: Found, recipe: str) -> None:
    steps = [step for step in asked[recipe].values() if isinstance(step, dict)]
    sent = [exchange for step in steps for exchange in step["exchanges"]]
    assert {(exchange["method"], exchange["number"]) for exchange in sent} == {("POST", False)}
    assert "UPSTREAM_UNAVAILABLE" in asked[recipe]["retried"]["report"]
    for step in steps:
        assert "949133" not in step["report"]


@every_recipe
def test_no_recipe_warns(asked: Found, recipe: str) -> None:
    assert asked[recipe]["warnings"] == []


def test_apollo_keeps_one_entity_for_a_card_and_both_parts_of_the_viewer(asked: Found) -> None:
    assert asked["apollo"]["cards"] == len(CARDS)
    assert asked["apollo"]["viewer"] == ["__typename", "member", "scopes"]


def test_relay_reads_a_field_with_its_error_caught(asked: Found) -> None:
    assert asked["relay"]["byNumber"]["data"]["card"]["bankName"]


def test_the_documents_of_each_generator_are_found_by_id(asked: Found) -> None:
    by_id = [asked["apollo"]["byHash"], asked["relay"]["byNumber"], asked["typed"]["byNumber"]]
    assert [step["exchanges"][-1]["text"] for step in by_id] == [False] * 3
    assert by_id[0]["data"]["node"]["balance"] == CARDS[0].row["balance"]
