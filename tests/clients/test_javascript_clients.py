"""Apollo Client and urql against a gateway process: queries by POST and GET, errors, persisted queries."""

from __future__ import annotations

import asyncio
import json
from typing import Any, TypedDict

import pytest

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, FIRST_CARD
from graph.sandbox.wallets import WALLETS
from schema.errors import ErrorCode
from tests.cli.processes import command
from tests.clients.node import run_node
from tests.clients.wallet_secrets import DEV_MEMBER

CLIENTS = {"apollo": "@apollo/client", "urql": "@urql/exchange-persisted"}
OWN_CARD = next(card for card in WALLETS if card.user_id == DEV_MEMBER)
MISSING_CARD = next(fault.number for fault in FAULTS.values() if fault.code is ErrorCode.CARD_NOT_FOUND)


class Exchange(TypedDict):
    """One request and its response, as the client's `fetch` saw them."""

    method: str
    text: bool
    hash: bool
    status: int
    codes: list[str]


class Asked(TypedDict):
    results: list[dict[str, Any]]
    exchanges: list[Exchange]


def run_client(client: str, url: str, name: str) -> dict[str, Asked]:
    """Run a client's script. `name` is the operation's: a new one has not been registered before."""
    arguments = (f"{client}.mjs", url, FIRST_CARD, MISSING_CARD, name)
    found: dict[str, Asked] = json.loads(run_node(*arguments, packages=(CLIENTS[client],)))
    return found


@pytest.fixture(scope="module", params=CLIENTS)
def asked(request: pytest.FixtureRequest, gateway_url: str) -> dict[str, Asked]:
    client: str = request.param
    return run_client(client, gateway_url, f"Registered{client.capitalize()}")


STATUSES: dict[str | None, int] = {"BAD_REQUEST": 405}


def card_of(result: dict[str, Any], field: str = "card") -> dict[str, Any]:
    assert result["codes"] == []
    # Apollo Client also requests `__typename`.
    return {name: value for name, value in result["data"][field].items() if name != "__typename"}


def exchange(*, text: bool, sha256: bool, method: str = "POST", code: str | None = None) -> Exchange:
    status = STATUSES.get(code, 200)
    return Exchange(method=method, text=text, hash=sha256, status=status, codes=[code] if code else [])


FIRST = {
    "maskedCardNo": "949133******0013",
    "balance": CARDS[FIRST_CARD].fields["balance"],
    "cardStatus": CARDS[FIRST_CARD].fields["cardStatus"],
}
MISS = exchange(text=False, sha256=True, code="PERSISTED_QUERY_NOT_FOUND")
REGISTER = exchange(text=True, sha256=True)
HIT = exchange(text=False, sha256=True)


def test_a_client_gets_a_card_and_the_code_of_an_error(asked: dict[str, Asked]) -> None:
    card, missing = asked["text"]["results"]
    assert card_of(card) == FIRST
    assert missing == {"data": {"card": None}, "codes": ["CARD_NOT_FOUND"]}


def test_a_client_registers_a_document_at_its_first_miss_and_hits_from_then_on(asked: dict[str, Asked]) -> None:
    assert [card_of(result) for result in asked["first"]["results"]] == [FIRST, FIRST]
    assert asked["first"]["exchanges"] == [MISS, REGISTER, HIT]


def test_another_client_hits_what_the_first_one_registered(asked: dict[str, Asked]) -> None:
    assert [card_of(result) for result in asked["second"]["results"]] == [FIRST]
    assert asked["second"]["exchanges"] == [HIT]


def assert_found_by_id(result: dict[str, Any]) -> None:
    """The caller's first card was found."""
    found = card_of(result, "node")
    assert len(found.pop("id")) == 128
    assert found == {"balance": OWN_CARD.row["balance"]}


@pytest.mark.parametrize("run", ["get", "getById"])
def test_a_client_may_send_hashes_by_get_where_no_argument_is_a_card_number(
    asked: dict[str, Asked], run: str
) -> None:
    for result in asked[run]["results"]:
        if run == "get":
            assert result["data"] == {"__typename": "Query"}
        else:
            assert_found_by_id(result)
    miss, register, hit = asked[run]["exchanges"]
    assert miss == exchange(text=False, sha256=True, method="GET", code="PERSISTED_QUERY_NOT_FOUND")
    assert (register["text"], register["status"]) == (True, 200)
    assert hit == exchange(text=False, sha256=True, method="GET")


def test_a_client_may_send_text_by_get_where_no_argument_is_a_card_number(asked: dict[str, Asked]) -> None:
    without_arguments, by_id = asked["getText"]["results"]
    assert without_arguments["data"] == {"__typename": "Query"}
    assert_found_by_id(by_id)
    assert asked["getText"]["exchanges"] == [exchange(text=True, sha256=False, method="GET")] * 2


def test_a_client_that_sends_a_card_number_by_get_is_refused(asked: dict[str, Asked]) -> None:
    refused = exchange(text=False, sha256=True, method="GET", code="BAD_REQUEST")
    assert asked["getCard"]["exchanges"] == [refused]
    assert asked["getCardText"]["exchanges"] == [{**refused, "text": True, "hash": False}]


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_stops_asking_by_hash_where_nothing_can_be_registered(client: str) -> None:
    async with command("dev", "--port", "0", KONAGRAPH_APQ="false") as gateway:
        asked = await asyncio.to_thread(run_client, client, await gateway.url(), "Unregistered")
    assert [card_of(result) for result in asked["first"]["results"]] == [FIRST, FIRST]
    by_text = exchange(text=True, sha256=False)
    assert asked["first"]["exchanges"] == [MISS, by_text, by_text]
