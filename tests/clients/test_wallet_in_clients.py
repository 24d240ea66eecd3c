"""The caller's wallet in the normalised caches of Apollo Client, urql and Relay."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.wallets import WALLETS
from tests.clients.node import walk
from tests.clients.wallet_secrets import DEV_MEMBER, found_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CARDS = [card for card in WALLETS if card.user_id == DEV_MEMBER]
# An id, or a cursor: letters only.
HANDLE = re.compile("[a-z]{94,128}")


@pytest.fixture(scope="module")
def walked(gateway_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return walk(gateway_url, tmp_path_factory.mktemp("relay"))


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_a_cache_finds_a_card_of_the_list_by_its_id(walked: dict[str, dict[str, Any]], client: str) -> None:
    found = walked[client]
    card = found["cards"][0]
    assert [card["balance"] for card in found["cards"]] == [card.row["balance"] for card in CARDS]
    for of_node in (found["read"], found["node"]):
        assert {name: value for name, value in of_node.items() if name != "__typename"}.items() <= card.items()
    assert found["node"]["virtualAccount"] == card["virtualAccount"]
    last = found["exchanges"][-1]
    assert (last["method"], last["text"], last["status"]) == ("GET", False, 200)
    assert {code for exchange in found["exchanges"] for code in exchange["codes"]} <= {"PERSISTED_QUERY_NOT_FOUND"}


def test_urql_answers_a_query_by_id_from_its_cache(walked: dict[str, dict[str, Any]]) -> None:
    assert walked["urql"]["requestsOfRead"] == 0


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_a_card_that_is_watched_by_its_number_and_in_the_list_is_one(
    walked: dict[str, dict[str, Any]], client: str
) -> None:
    twice = walked[client]["twice"]
    listed, single = twice["cards"]
    assert listed["id"] == single["id"]
    assert single["ownerKa"] == CARDS[0].infos[CARDS[0].numbers[0]]["ownerKa"]
    assert (twice["entities"], twice["warnings"]) == (len(CARDS), [])
    # No watcher asks again because the other one took something out of the cache. Hashes may be registered first.
    assert twice["requests"] <= 4


def test_no_client_warns_and_a_warning_would_be_seen(walked: dict[str, dict[str, Any]]) -> None:
    assert [found["warnings"] for found in walked.values()] == [[], [], []]
    (warning,) = walked["apollo"]["lost"]["warnings"]
    assert warning.startswith("Cache data may be lost")


def test_apollo_keeps_all_of_an_object_without_an_id_once_its_type_is_merged(
    walked: dict[str, dict[str, Any]],
) -> None:
    assert walked["apollo"]["merged"] == {"kept": ["__typename", "member", "scopes"], "warnings": []}


def test_relay_refetches_a_card_by_its_id(walked: dict[str, dict[str, Any]]) -> None:
    relay = walked["relay"]
    assert (relay["cards"], relay["card"]["id"]) == (len(CARDS), relay["id"])
    assert relay["card"]["balance"] == CARDS[0].row["balance"]


def test_relay_appends_the_next_page_of_a_connection(walked: dict[str, dict[str, Any]]) -> None:
    first, both = walked["relay"]["first"], walked["relay"]["both"]
    assert (len(first["edges"]), len(both["edges"])) == (5, 10)
    assert both["edges"][:5] == first["edges"]
    assert len({edge["node"]["nrNumber"] for edge in both["edges"]}) == 10
    times = [edge["node"]["approvalDateTime"] for edge in both["edges"]]
    assert times == sorted(times, reverse=True)
    assert both["pageInfo"]["hasNextPage"]


def handles(value: object, name: str = "") -> Iterator[str]:
    """The ids and cursors in a cache, or what stands for them."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from handles(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from handles(each, name)
    elif isinstance(value, str) and re.search(r"(^|\.)(id|cursor|endCursor)$", name):
        # urql keeps values as JSON.
        text = value.strip('"')
        if text != "null":
            yield text


@pytest.mark.parametrize("client", ["apollo", "urql", "relay"])
def test_a_cache_holds_nothing_that_was_not_asked_for(walked: dict[str, dict[str, Any]], client: str) -> None:
    secrets, stored = secrets_of(DEV_MEMBER), walked[client]["stored"]
    assert set(secrets.values()) == {"a PAR", "a card number", "an account number", "merchantName", "bizLicenseNo"}
    text = json.dumps(stored)
    assert CARDS[0].row["serviceName"] in json.dumps(stored, ensure_ascii=False) or client == "relay"
    assert found_in(text, secrets) == []
    assert '"par"' not in text.lower()
    kept = set(handles(stored))
    assert len(kept) > len(CARDS)
    for handle in kept:
        assert HANDLE.fullmatch(handle)
