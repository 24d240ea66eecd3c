"""Every recipe of docs/clients.md against one gateway that wants tokens."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from graphql import is_object_type

from graph.sandbox.faults import FAULTS
from graph.sandbox.wallets import WALLETS
from graph.security.development import DevelopmentSigner, signer_settings
from schema.errors import ErrorCode
from schema.query import build_schema
from tests.cli.processes import command
from tests.clients.recipes import MANIFESTS, PAGE, address, ask, ask_in_python, build, build_python, files
from tests.clients.wallet_secrets import DEV_MEMBER
from tests.outside.toolbox import ENVIRONMENT
from tests.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

CARDS = [card for card in WALLETS if card.user_id == DEV_MEMBER]
MISSING, RETRYABLE = (
    next(fault.number for fault in FAULTS.values() if fault.code is code)
    for code in (ErrorCode.CARD_NOT_FOUND, ErrorCode.UPSTREAM_UNAVAILABLE)
)
# Its virtual account is an error, the rest of it is not.
WITHOUT_ACCOUNT = next(card.numbers[0] for card in WALLETS if "no virtual account" in card.description)
NUMBERS = (CARDS[0].numbers[0], MISSING, RETRYABLE, WITHOUT_ACCOUNT)
JAVASCRIPT = ("apollo", "relay", "request", "tada", "typed", "urql")
PYTHON = ("ariadne", "gql")
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
    manifests = ",".join(str(folder / name) for name in MANIFESTS)
    settings = {**signer_settings(folder / "signer"), "KONAGRAPH_DOCUMENTS": manifests}
    async with command("dev", "--port", "0", **settings) as gateway:
        url = await gateway.url()
        address(folder, url)
        # At the same time, because each waits as long as the gateway says before it tries again.
        asking = [asyncio.to_thread(ask, name, folder, url, token, *NUMBERS) for name in JAVASCRIPT]
        names: tuple[str, ...] = JAVASCRIPT
        if (ENVIRONMENT / ".installed.json").exists():
            build_python(folder)
            asking += [asyncio.to_thread(ask_in_python, name, folder, token, *NUMBERS[:3]) for name in PYTHON]
            names += PYTHON
        return dict(zip(names, await asyncio.gather(*asking), strict=True))


@pytest.fixture(params=[*JAVASCRIPT, *PYTHON])
def recipe(request: pytest.FixtureRequest, asked: Found) -> dict[str, Any]:
    """What a recipe got and sent in each step, in their order."""
    require_tool(f"the client of {request.param}", present=request.param in asked, how="`make test` installs it")
    found = asked[request.param]
    assert "failed" not in found
    return found


def test_a_recipe_renews_an_expired_token_and_sends_the_request_again(recipe: dict[str, Any]) -> None:
    first = next(iter(recipe.values()))
    assert [exchange["status"] for exchange in first["exchanges"]] == [401, 200]


def test_a_recipe_reads_a_card_by_its_number(recipe: dict[str, Any]) -> None:
    card = recipe["byNumber"]["data"]["card"]
    assert card["balance"] == CARDS[0].row["balance"]
    if "wallet" in recipe:
        cards = recipe["wallet"]["data"]["viewer"]["member"]["cards"]
        assert [each["balance"] for each in cards] == [each.row["balance"] for each in CARDS]
        assert card["id"] == cards[0]["id"]


def test_a_recipe_retries_what_is_retryable_and_stops(recipe: dict[str, Any]) -> None:
    missing, retried = recipe["missing"], recipe["retried"]
    assert (len(missing["exchanges"]), missing["codes"]) == (1, ["CARD_NOT_FOUND"])
    assert (len(retried["exchanges"]), retried["codes"]) == (3, ["UPSTREAM_UNAVAILABLE"])


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_a_recipe_retries_a_lost_request_but_not_a_refused_one(asked: Found, name: str) -> None:
    recipe = asked[name]
    assert [len(recipe[step]["exchanges"]) for step in ("offline", "badGateway", "refused")] == [3, 3, 1]
    assert [recipe[step]["data"] for step in ("offline", "badGateway", "refused")] == [None] * 3


def test_apollo_sends_nothing_again_that_the_app_has_aborted(asked: Found) -> None:
    assert len(asked["apollo"]["aborted"]["exchanges"]) == 1


def test_no_card_number_is_in_a_url_or_in_what_an_error_report_holds(recipe: dict[str, Any]) -> None:
    steps = [step for step in recipe.values() if isinstance(step, dict)]
    sent = [exchange for step in steps for exchange in step["exchanges"]]
    assert {(exchange["method"], exchange["number"]) for exchange in sent} == {("POST", False)}
    assert "UPSTREAM_UNAVAILABLE" in recipe["retried"]["report"]
    for step in steps:
        assert "949133" not in step["report"]


def test_no_recipe_warns(recipe: dict[str, Any]) -> None:
    assert recipe.get("warnings", []) == []


def test_apollo_keeps_one_entity_for_a_card_and_both_parts_of_the_viewer(asked: Found) -> None:
    assert asked["apollo"]["cards"] == len(CARDS)
    assert asked["apollo"]["viewer"] == ["__typename", "member", "scopes"]


def test_every_block_but_those_for_kotlin_and_swift_is_taken_out_of_the_page() -> None:
    before = PAGE.partition("## Apollo Kotlin")[0] + PAGE.partition("## Persisted documents")[2]
    assert len(re.findall(r"^```\w+$", before, re.MULTILINE)) == len(files())


def test_urql_is_told_of_every_type_without_an_id() -> None:
    told = re.search(r"WITHOUT_ID = \[(.*?)\];", files()["urql.ts"], re.DOTALL)
    assert told
    objects = [each for each in build_schema().type_map.values() if is_object_type(each) and each.name[:2] != "__"]
    without = {each.name for each in objects if "id" not in each.fields} - {"Query"}
    assert set(re.findall(r"'(\w+)'", told[1])) == without


def test_what_the_recipe_for_graphql_request_replaces_does_hold_the_number(asked: Found) -> None:
    assert MISSING in asked["request"]["replaced"]


def test_relay_reads_a_field_with_its_error_caught(asked: Found) -> None:
    assert asked["relay"]["byNumber"]["data"]["card"]["bankName"]
    card = asked["relay"]["withoutAccount"]["data"]["card"]
    assert (card.get("bankName"), card["balance"] is None) == (None, False)


def test_the_documents_of_each_generator_are_found_by_id(asked: Found) -> None:
    by_id = [asked["apollo"]["byHash"], asked["relay"]["byNumber"], asked["typed"]["byNumber"]]
    assert [step["exchanges"][-1]["text"] for step in by_id] == [False] * 3
    assert by_id[0]["data"]["node"]["balance"] == CARDS[0].row["balance"]


def test_apollo_asks_again_for_what_failed(asked: Found) -> None:
    again = asked["apollo"]["missingAgain"]
    assert (again["data"], again["codes"]) == ({"card": None}, ["CARD_NOT_FOUND"])


def test_apollo_forgets_a_user_whose_store_is_cleared(asked: Found) -> None:
    same, following = asked["apollo"]["sameUser"], asked["apollo"]["nextUser"]
    assert (len(same["exchanges"]), len(following["exchanges"])) == (0, 1)


def test_apollo_keeps_the_number_of_a_look_up_unless_it_is_asked_without_the_cache(asked: Found) -> None:
    assert asked["apollo"]["uncached"]["data"]["card"]["balance"] == CARDS[0].row["balance"]
    assert asked["apollo"]["numberKept"] == [True, False]


def test_relay_keeps_no_number_in_the_environment_of_the_app(asked: Found) -> None:
    assert asked["relay"]["numberKept"] is False


def test_apollo_registers_a_document_by_its_digest(asked: Found) -> None:
    found = asked["apollo"]["byDigest"]
    assert [exchange["text"] for exchange in found["exchanges"]] == [False, True]
    assert found["exchanges"][0]["codes"] == ["PERSISTED_QUERY_NOT_FOUND"]
    assert found["exchanges"][1]["codes"] == []


def test_apollo_says_what_kind_of_error_it_was(asked: Found) -> None:
    kinds = {"retried": "CombinedGraphQLErrors", "offline": "TypeError", "balancer": "ServerError"}
    assert len(asked["apollo"]["balancer"]["exchanges"]) == 3
    for step, kind in kinds.items():
        assert asked["apollo"][step]["report"].startswith(kind)
