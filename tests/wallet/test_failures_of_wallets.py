"""What fails within a wallet takes with it what depends on it, and nothing else; its owner is told why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from graph.sandbox.failures import FAILURES, reserved_cards
from graph.sandbox.faults import Coded, Raw
from graph.sandbox.ledger import card_number
from schema.errors import ErrorCode
from tests.faults.jumping_clock import jumping
from tests.security.callers import ANY_CARD, MEMBER, Caller, codes
from tests.tables import table
from tests.tools import entry
from tests.wallet.bank import (
    ACCOUNTS,
    ANY_MEMBER,
    FIRST,
    FIVE,
    INTROSPECTION,
    TRANSACTIONS,
    bank,
    both_ways,
    member,
    named,
    plain,
    wallet,
)

if TYPE_CHECKING:
    from pathlib import Path

    from graph.sandbox.failures import MemberFailure

PAGE: Final = """{ viewer { member { userId profile { userName } isIdentityVerified terms { tcId }
  cards { balance ownerKa product { serviceName } virtualAccount { accountNo } taxDeduction { isRegistered }
    transactions { nodes { trAmount } } } } } }"""
SCOPES: Final = (INTROSPECTION, MEMBER, ACCOUNTS)
OF_MEMBER: Final = {
    "user_info": "profile",
    "card_list": "cards",
    "identity_check": "isIdentityVerified",
    "terms": "terms",
}
OF_CARD: Final = {
    "transactions": "transactions",
    "virtual_account": "virtualAccount",
    "tax_deduction": "taxDeduction",
    "service_info": "product.serviceName",
}


class Whole(NamedTuple):
    """A failure of a whole answer."""

    user_id: int
    failure: MemberFailure


def one_of_each_code() -> list[Whole]:
    """For each API a failure of every code that its reserved members have, of those that take no time."""
    found: dict[tuple[str, ErrorCode, bool], Whole] = {}
    for user_id, failure in FAILURES.items():
        if failure.code is not None and failure.field is None and failure.code is not ErrorCode.UPSTREAM_TIMEOUT:
            found.setdefault((failure.endpoint, failure.code, failure.retryable), Whole(user_id, failure))
    return list(found.values())


def below(shown: Any, path: str) -> Any:
    for step in path.split("."):
        shown = shown[step]
    return shown


@pytest.mark.slow
@table("whole", one_of_each_code())
@jumping
async def test_an_owner_loses_what_depends_on_the_api_that_fails_and_is_told_why(
    whole: Whole, tmp_path: Path
) -> None:
    user_id, failure = whole
    async with wallet(tmp_path) as running:
        answer, _ = await both_ways(running, member(user_id, *SCOPES), PAGE)
    shown = answer["data"]["viewer"]["member"]
    path: list[str | int] = ["viewer", "member"]
    lost = set()
    if failure.endpoint in OF_MEMBER:
        name = OF_MEMBER[failure.endpoint]
        path.append(name)
        lost = {name}
    else:
        name = entry(
            OF_CARD, failure.endpoint, "OF_CARD (or OF_MEMBER) in tests/wallet/test_failures_of_wallets.py"
        )
        path += ["cards", 0, *name.split(".")]
        card = shown["cards"][0]
        assert {each for each in OF_CARD.values() if below(card, each) is None} == {name}
        assert card["balance"] == 50_000
        assert card["ownerKa"] is not None
    assert {each for each in OF_MEMBER.values() if shown[each] is None} == lost
    assert shown["userId"] == str(user_id)
    (error,) = answer["errors"]
    assert error["path"] == path
    extensions = error["extensions"]
    assert (extensions["code"], extensions["retryable"]) == (failure.code, failure.retryable)
    assert failure.code is not None
    assert error["message"] == failure.code.message


async def test_every_api_has_a_failure_of_several_codes() -> None:
    of = [whole.failure.endpoint for whole in one_of_each_code()]
    assert {endpoint: of.count(endpoint) >= 5 for endpoint in (*OF_MEMBER, *OF_CARD)} == dict.fromkeys(
        (*OF_MEMBER, *OF_CARD), True
    )


# Failures of the list that another field of a card by its number needs: what its owner and a service are told.
CODED, DOWN = Coded("001_006", "Wallet user not found."), Raw(503)
BY_NUMBER: Final = f"""{{ card(cardNo: "{FIRST}") {{ balance ownerKa virtualAccount {{ bankCode }}
  pendingAmount isNamed taxDeduction {{ created }} transactions {{ nodes {{ trAmount }} }} }} }}"""
DETOURED: Final = ("pendingAmount", "isNamed", "taxDeduction", "transactions")


@pytest.mark.slow
@table("behaviour, code", [(CODED, "MEMBER_NOT_FOUND"), (DOWN, "UPSTREAM_UNAVAILABLE")])
async def test_a_list_that_fails_takes_only_what_a_card_needs_it_for(
    behaviour: Any, code: str, tmp_path: Path
) -> None:
    service = Caller("s", (ANY_CARD, TRANSACTIONS, INTROSPECTION))
    async with wallet(tmp_path, bank(card_list={"faults": {2005: behaviour}})) as running:
        for caller in (member(2005, INTROSPECTION), service):
            answer, calls = await both_ways(running, caller, BY_NUMBER)
            card = answer["data"]["card"]
            assert (card["balance"], card["virtualAccount"]) == (182_350, {"bankCode": "020"})
            assert codes(answer) == [(("card", name), code) for name in DETOURED]
            # Once for all four, and again if that may help.
            assert set(calls) == {"card_info", "card_list", "virtual_account"}


async def test_the_other_source_fails_for_one_card_of_a_list(tmp_path: Path) -> None:
    number = FIVE[2].numbers[0]
    query = "{ viewer { member { cards { balance ownerKa cashReceiptInfo { maskedIdNo } } } } }"
    async with wallet(tmp_path, bank(card_info={"faults": {number: Coded("777_777", "?")}})) as running:
        answer, calls = await both_ways(running, member(2005, INTROSPECTION), query)
    cards = answer["data"]["viewer"]["member"]["cards"]
    assert [card["balance"] for card in cards] == [card.row["balance"] for card in FIVE]
    assert [card["ownerKa"] is None for card in cards] == [place == 2 for place in range(5)]
    path = ("viewer", "member", "cards", 2)
    assert [place for place, _ in codes(answer)] == [(*path, "ownerKa"), (*path, "cashReceiptInfo")]
    # What a card by its number says, too: `card/info` does not tell a member what is wrong with a card.
    assert {code for _, code in codes(answer)} == {"CARD_NOT_FOUND"}
    assert calls == ["card_list", *["card_info"] * 5]


async def test_a_batch_that_fails_is_an_error_of_each_product_that_needs_it(tmp_path: Path) -> None:
    query = "{ viewer { member { cards { balance product { serviceId serviceName } } } } }"
    fails = {"faults": {FIVE[4].row["serviceId"]: Coded("777_777", "?")}}
    async with wallet(tmp_path, bank(service_info=fails)) as running:
        answer, calls = await both_ways(running, member(2005, INTROSPECTION), query)
    cards = answer["data"]["viewer"]["member"]["cards"]
    assert codes(answer) == [
        (("viewer", "member", "cards", 4, "product", "serviceName"), ErrorCode.UPSTREAM_ERROR)
    ]
    assert [card["product"]["serviceName"] is None for card in cards] == [False] * 4 + [True]
    assert cards[4]["product"]["serviceId"] == FIVE[4].row["serviceId"]
    assert calls == ["card_list", "service_info"]


@pytest.mark.slow
async def test_an_id_whose_card_cannot_be_reached_says_so(tmp_path: Path) -> None:
    node = "query ($id: ID!) { node(id: $id) { id ... on Card { balance } } }"
    fails: dict[str, Any] = {}
    transport = bank(card_info={"faults": fails})
    async with wallet(tmp_path, transport) as running:
        owner = member(2005, INTROSPECTION)
        answer = await running.ask(owner, "{ viewer { member { cards { id } } } }")
        one = answer["data"]["viewer"]["member"]["cards"][0]
        fails[FIRST] = DOWN
        down, _ = await both_ways(running, owner, node, one)
        fails[FIRST] = Coded("003_022", "Card already terminated")
        coded, _ = await both_ways(running, owner, node, one)
    assert codes(down) == [(("node",), ErrorCode.UPSTREAM_UNAVAILABLE)]
    assert codes(coded) == [(("node",), ErrorCode.NODE_NOT_FOUND)]
    assert coded["errors"][0]["extensions"] == {"code": "NODE_NOT_FOUND", "retryable": False}


@pytest.mark.slow
@jumping
async def test_strangers_are_told_of_no_failure(tmp_path: Path) -> None:
    by_id = '{{ member(userId: "{}") {{ profile {{ userName }} cards {{ balance }} }} }}'
    by_number = '{{ card(cardNo: "{}") {{ balance transactions {{ nodes {{ trAmount }} }} }} }}'
    stranger = member(2003, MEMBER, TRANSACTIONS)
    cards = reserved_cards()
    async with wallet(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1_000, KONAGRAPH_REQUEST_BURST=1_000) as running:
        expected = plain(await running.ask(stranger, by_id.format(2006)))
        unknown = plain(await running.ask(stranger, by_number.format(card_number(9_999_999))))
        for user_id, _ in one_of_each_code():
            assert plain(await running.ask(stranger, by_id.format(user_id))) == expected
        assert set(named(running.calls)) <= {"card_info"}
        for user_id, _ in one_of_each_code():
            number = cards[user_id].numbers[0]
            assert plain(await running.ask(stranger, by_number.format(number))) == unknown
        assert set(named(running.calls)) == {"card_info"}
    assert codes(expected) == [(("member",), "MEMBER_NOT_FOUND")]
    assert codes(unknown) == [(("card",), "CARD_NOT_FOUND")]


async def test_a_service_is_told_of_each_failure_with_its_details(tmp_path: Path) -> None:
    service = Caller("s", (ANY_CARD, ANY_MEMBER, INTROSPECTION))
    query = '{ member(userId: "2005") { isIdentityVerified cards { taxDeduction { created } } } }'
    changes: dict[str, dict[str, Any]] = {
        "identity_check": {"faults": {2005: Coded("777_777", "?")}},
        "tax_deduction": {"faults": {FIVE[1].par: Coded("218_1000_001", "Account not found.", 404)}},
    }
    async with wallet(tmp_path, bank(**changes)) as running:
        answer, _ = await both_ways(running, service, query)
    found = {tuple(error["path"]): error["extensions"]["upstream"] for error in answer["errors"]}
    assert {path: (each["code"], each["status"]) for path, each in found.items()} == {
        ("member", "isIdentityVerified"): ("777_777", 400),
        ("member", "cards", 1, "taxDeduction"): ("218_1000_001", 404),
    }
