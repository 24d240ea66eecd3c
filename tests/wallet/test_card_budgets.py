"""The budget of distinct cards: what a wallet's owner and others spend of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from graph.redact import holds_card_number
from tests.security.callers import ANY_CARD, NOT_ISSUED, Caller, codes
from tests.wallet.bank import ANY_MEMBER, FIRST, FIVE, THREE, TWELVE, member, named, wallet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.callers import Callers

SERVICE: Final = Caller("a-service", (ANY_CARD, ANY_MEMBER))
LIST: Final = "query ($n: ID!) { member(userId: $n) { cards { id balance } } }"
BY_NUMBER: Final = "query ($n: CardNumber!) { card(cardNo: $n) { id balance isNamed } }"
NODE: Final = "query ($id: ID!) { node(id: $id) { ... on Card { balance isNamed } } }"
LIMITED: Final = "RATE_LIMITED"


async def left(running: Callers, caller: Caller) -> int:
    """How many cards a caller may still try out. Spends them."""
    query = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"
    found = [
        code
        for start in (0, 20)
        for _, code in codes(await running.ask(caller, query, {"n": NOT_ISSUED[start : start + 20]}))
    ]
    assert len(found) == 40
    return found.count("CARD_NOT_FOUND")


async def test_an_owner_spends_nothing_on_the_own_wallet(tmp_path: Path) -> None:
    caller = member(2012)
    async with wallet(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=3) as running:
        query = """{ viewer { member { cards { id balance ownerKa virtualAccount { bankCode }
          transactions(first: 1) { nodes { trType } } } } } }"""
        answer = await running.ask(caller, query)
        cards = answer["data"]["viewer"]["member"]["cards"]
        assert {code for _, code in codes(answer)} <= {"UPSTREAM_ERROR"}
        assert [each["balance"] for each in cards] == [card.row["balance"] for card in TWELVE]
        for each in cards:
            again = await running.ask(caller, NODE, {"id": each["id"]})
            assert "errors" not in again
        assert await left(running, caller) == 3


async def test_a_number_that_is_tried_counts_though_it_is_the_callers_own(tmp_path: Path) -> None:
    caller = member(2012)
    async with wallet(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=3) as running:
        for card in TWELVE[:3]:
            assert "errors" not in await running.ask(caller, BY_NUMBER, {"n": card.numbers[0]})
        answer = await running.ask(caller, BY_NUMBER, {"n": TWELVE[3].numbers[0]})
        assert codes(answer) == [(("card",), LIMITED)]
        # By their ids they still are free.
        assert "errors" not in await running.ask(caller, "{ viewer { member { cards { id ownerKa } } } }")


async def test_the_numbers_of_another_members_list_count_for_a_service(tmp_path: Path) -> None:
    told = sum(len(card.numbers) for card in FIVE)
    async with wallet(tmp_path) as running:
        for _ in range(2):
            # The second time, they are no others.
            assert "errors" not in await running.ask(SERVICE, LIST, {"n": "2005"})
        assert await left(running, SERVICE) == 30 - told


async def test_a_list_that_a_service_has_no_budget_for_is_refused_whole(tmp_path: Path) -> None:
    told = sum(len(card.numbers) for card in FIVE)
    async with wallet(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=told) as running:
        answer = await running.ask(SERVICE, LIST, {"n": "2003"})
        assert len(answer["data"]["member"]["cards"]) == 3
        refused = await running.ask(SERVICE, LIST, {"n": "2005"})
        again = await running.ask(SERVICE, LIST, {"n": "2003"})
    assert refused["data"]["member"] == {"cards": None}
    (error,) = refused["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["member", "cards"], LIMITED)
    assert (error["extensions"]["retryable"], 0 < error["extensions"]["retryAfterMs"] <= 60_000) == (True, True)
    assert not holds_card_number(json.dumps(refused["errors"]))
    assert again["data"]["member"]["cards"] == answer["data"]["member"]["cards"]


async def test_a_list_that_no_budget_is_enough_for_is_refused_for_good_and_costs_nothing(tmp_path: Path) -> None:
    told = sum(len(card.numbers) for card in FIVE)
    async with wallet(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=told - 1) as running:
        refused = await running.ask(SERVICE, LIST, {"n": "2005"})
        assert await left(running, SERVICE) == told - 1
    (error,) = refused["errors"]
    extensions = error["extensions"]
    assert (error["path"], extensions["code"]) == (["member", "cards"], "QUERY_LIMIT_EXCEEDED")
    assert (extensions["retryable"], extensions["limit"], extensions["maximum"]) == (False, "cards", told - 1)


async def test_a_service_spends_nothing_on_ids(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        answer = await running.ask(SERVICE, LIST, {"n": "2003"})
        spent = sum(len(card.numbers) for card in THREE)
        for each in answer["data"]["member"]["cards"]:
            assert "errors" not in await running.ask(SERVICE, "query ($id: ID!) { node(id: $id) { id } }", each)
        assert await left(running, SERVICE) == 30 - spent


async def test_a_way_by_a_list_counts_the_cards_beside_the_one_that_was_asked_for(tmp_path: Path) -> None:
    told = sum(len(card.numbers) for card in FIVE)
    async with wallet(tmp_path) as running:
        assert "errors" not in await running.ask(SERVICE, BY_NUMBER, {"n": FIRST})
        assert await left(running, SERVICE) == 30 - told
    async with wallet(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=told - 1) as running:
        answer = await running.ask(SERVICE, BY_NUMBER, {"n": FIRST})
        calls = named(running.calls)
    assert answer["data"]["card"]["balance"] == FIVE[0].row["balance"]
    assert codes(answer) == [(("card", "isNamed"), LIMITED)]
    assert calls == ["card_info", "card_list"]


async def test_a_hidden_list_counts_nothing(tmp_path: Path) -> None:
    caller: Any = Caller("a", (ANY_MEMBER,))
    async with wallet(tmp_path) as running:
        assert codes(await running.ask(caller, LIST, {"n": "2005"})) == [(("member", "cards"), "CARD_NOT_FOUND")]
        assert running.calls == []
        assert await left(running, caller) == 30
