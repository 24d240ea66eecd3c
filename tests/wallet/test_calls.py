"""What a wallet costs: the upstream calls of every way to a card, by plan and on graphql-core."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.security.callers import MEMBER, RECEIPT
from tests.tables import table
from tests.telemetry.scrape import value
from tests.wallet.bank import ACCOUNTS, FIRST, FIVE, INTROSPECTION, TWELVE, bank, both_ways, member, rows, wallet

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = (INTROSPECTION, MEMBER, RECEIPT, ACCOUNTS)
PAGE = "transactions(first: 2) { nodes { trAmount approvalDateTime } }"
DETOURED = (
    "pendingAmount isNamed expiryDate limits { day } points { pointName } physicalCard { maskedCardNo cardStatus }"
)


def cards(fields: str) -> str:
    return f"{{ viewer {{ member {{ cards {{ {fields} }} }} }} }}"


def card(fields: str) -> str:
    return f'{{ card(cardNo: "{FIRST}") {{ {fields} }} }}'


# Query, and its calls. Those of one stage are made at once; a stage waits for the one before it.
CALLS: dict[str, tuple[str, list[dict[str, int]]]] = {
    "nothing but the viewer": ("{ viewer { scopes member { id userId } } }", []),
    "balances": (cards("balance"), [{"card_list": 1}]),
    "all that a row has": (
        cards(f"id cardNo maskedCardNo cardStatus serviceId serviceName isRegistered {DETOURED}"),
        [{"card_list": 1}],
    ),
    "what only the other source has": (
        cards("balance cashReceiptInfo { idNo }"),
        [{"card_list": 1}, {"card_info": 5}],
    ),
    "all that only the other source has": (
        cards("ownerKa isAutoRechargeBeforePayment cashReceiptInfo { maskedIdNo }"),
        [{"card_list": 1}, {"card_info": 5}],
    ),
    "a card by its number": (card("balance"), [{"card_info": 1}]),
    "its transactions": (card(f"balance {PAGE}"), [{"card_info": 1}, {"card_list": 1}, {"transactions": 1}]),
    "two aliases of one page": (
        card(f"a: {PAGE} b: {PAGE}"),
        [{"card_info": 1}, {"card_list": 1}, {"transactions": 1}],
    ),
    "two aliases of different pages": (
        card(f"a: {PAGE} b: {PAGE.replace('first: 2', 'first: 3')}"),
        [{"card_info": 1}, {"card_list": 1}, {"transactions": 2}],
    ),
    "defaults and the same spelled out": (
        card(
            "a: transactions { nodes { nrNumber } } b: transactions(first: 20, type: null) { nodes { nrNumber } }"
        ),
        [{"card_info": 1}, {"card_list": 1}, {"transactions": 1}],
    ),
    "several fields of the other source": (card(DETOURED), [{"card_info": 1}, {"card_list": 1}]),
    "an edge behind the other source": (
        card(f"{DETOURED} taxDeduction {{ created }}"),
        [{"card_info": 1}, {"card_list": 1}, {"tax_deduction": 1}],
    ),
    "an account by number": (
        card("virtualAccount { maskedAccountNo bankName }"),
        [{"card_info": 1}, {"virtual_account": 1}],
    ),
    "a product whose name is there": (card("product { serviceId serviceName }"), [{"card_info": 1}]),
    "one number twice": (
        f'{{ a: card(cardNo: "{FIRST}") {{ balance }} cards(cardNos: ["{FIRST}", "{FIRST}"]) {{ isNamed }} }}',
        [{"card_info": 1}, {"card_list": 1}],
    ),
    "cards of one member by their numbers": (
        f"{{ cards(cardNos: {json.dumps([one.numbers[0] for one in FIVE])}) {{ isNamed expiryDate }} }}",
        [{"card_info": 5}, {"card_list": 1}],
    ),
    "a card and its member's cards": (
        card("balance member { cards { balance member { userId cards { isNamed } } } }"),
        [{"card_info": 1}, {"card_list": 1}],
    ),
    "a list within a list": (
        cards("balance member { id cards { cardStatus } }"),
        [{"card_list": 1}],
    ),
    "the viewer by id": (
        '{ viewer { member { cards { balance } } } member(userId: "2005") { cards { isNamed } } }',
        [{"card_list": 1}],
    ),
    "terms": ("{ terms { tcId order isAgree } }", [{"terms": 1}]),
    "a member's terms": ("{ viewer { member { terms { tcId agreeDate } } } }", [{"terms": 1}]),
    "terms of two languages": ("{ a: terms { title } b: terms(locale: EN) { title } }", [{"terms": 2}]),
    "an identity check": ("{ viewer { member { isIdentityVerified } } }", [{"identity_check": 1}]),
    "a member's page": (
        "{ viewer { member { isIdentityVerified terms { tcId } profile { userName } cards { balance } } } }",
        [{"identity_check": 1, "terms": 1, "user_info": 1, "card_list": 1}],
    ),
}


def in_stages(calls: list[str], stages: list[dict[str, int]]) -> list[dict[str, int]]:
    """The calls, cut where the expected stages end."""
    found, rest = [], calls
    for stage in stages:
        count = sum(stage.values())
        found.append(dict(Counter(rest[:count])))
        rest = rest[count:]
    return [*found, dict(Counter(rest))] if rest else found


@pytest.mark.slow
@table("query, stages", CALLS.values())
async def test_a_query_makes_the_calls_of_the_table_and_is_planned(
    query: str, stages: list[dict[str, int]], tmp_path: Path
) -> None:
    async with wallet(tmp_path) as running:
        answer, calls = await both_ways(running, member(2005, *EVERYTHING), query)
        counted = [value(running.gateway.metrics, f"operations_{how}_total") for how in OPERATIONS]
    assert answer["errors"] == []
    assert in_stages(calls, stages) == stages
    # The one on graphql-core has no plan, by its introspection.
    assert counted == [1, 1, 0]


OPERATIONS = ("planned", "unplanned", "abandoned")
WHOLE = f"balance {PAGE} product {{ serviceName }} virtualAccount {{ accountNo }} taxDeduction {{ deductionDate }}"


async def test_five_cards_with_everything_are_one_call_and_three_for_each(tmp_path: Path) -> None:
    told = [{**one.row, "serviceName": f"product {place}"} for place, one in enumerate(FIVE)]
    async with wallet(tmp_path, bank(card_list=rows(*told))) as running:
        answer, calls = await both_ways(running, member(2005, *EVERYTHING), cards(WHOLE))
    shown = answer["data"]["viewer"]["member"]["cards"]
    assert answer["errors"] == []
    assert [each["product"] for each in shown] == [{"serviceName": f"product {place}"} for place in range(5)]
    stages = [{"card_list": 1}, {"transactions": 5, "virtual_account": 5, "tax_deduction": 5}]
    assert in_stages(calls, stages) == stages


async def test_names_that_rows_lack_are_one_call_for_all_of_a_request(tmp_path: Path) -> None:
    untold = [{name: each for name, each in one.row.items() if name != "serviceName"} for one in FIVE]
    query = f"""{{ a: viewer {{ member {{ cards {{ product {{ serviceId serviceName }} }} }} }}
      b: card(cardNo: "{FIRST}") {{ member {{ cards {{ product {{ serviceName }} }} }} }} }}"""
    async with wallet(tmp_path, bank(card_list=rows(*untold))) as running:
        answer, calls = await both_ways(running, member(2005, *EVERYTHING), query)
    assert answer["errors"] == []
    assert sorted(calls) == ["card_info", "card_list", "service_info"]
    # By id: products that two cards share are asked for once, so places would not fit.
    names = [each["product"]["serviceName"] for each in answer["data"]["b"]["member"]["cards"]]
    assert names == [one.infos[one.numbers[0]]["serviceName"] for one in FIVE]


async def test_a_product_that_does_not_exist_has_no_name_and_no_error(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        answer, calls = await both_ways(
            running, member(2012, *EVERYTHING), cards("product { serviceId serviceName }")
        )
    gone = {"serviceId": "SANDBOX00000099", "serviceName": None}
    assert answer["errors"] == []
    assert answer["data"]["viewer"]["member"]["cards"][8]["product"] == gone
    # The row that has only what is documented has no product.
    assert [each["product"] is None for each in answer["data"]["viewer"]["member"]["cards"]].index(True) == 10
    assert calls == ["card_list", "service_info"]


async def ids_of(running: Any, caller: Any, query: str) -> list[str]:
    answer = await running.ask(caller, query)
    return [each["id"] for each in answer["data"]["viewer"]["member"]["cards"]]


async def test_ids_cost_what_they_lead_to(tmp_path: Path) -> None:
    caller = member(2012, *EVERYTHING)
    async with wallet(tmp_path) as running:
        answer = await running.ask(caller, "{ viewer { member { id cards { id } } } }")
        owner = answer["data"]["viewer"]["member"]
        ids = [each["id"] for each in owner["cards"]]
        node = (
            "query ($id: ID!) { node(id: $id) { ... on Card { balance pendingAmount } ... on Member { userId } } }"
        )
        nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Card { balance } ... on Member { userId } } }"
        found = {
            "a card": await both_ways(running, caller, node, {"id": ids[0]}),
            "a card without a number": await both_ways(running, caller, node, {"id": ids[10]}),
            "the member": await both_ways(running, caller, node, {"id": owner["id"]}),
            "several": await both_ways(running, caller, nodes, {"ids": [*ids[:2], owner["id"], ids[0], ids[10]]}),
        }
        counted = [value(running.gateway.metrics, f"operations_{how}_total") for how in OPERATIONS]
    assert {name: sorted(calls) for name, (_, calls) in found.items()} == {
        "a card": ["card_info", "card_list"],
        "a card without a number": ["card_list"],
        "the member": [],
        "several": ["card_info", "card_info", "card_list"],
    }
    shown = found["several"][0]["data"]["nodes"]
    assert [each["id"] for each in shown] == [*ids[:2], owner["id"], ids[0], ids[10]]
    balances = [TWELVE[place].row["balance"] for place in (0, 1, 0, 10)]
    assert [each["balance"] for each in shown if "balance" in each] == balances
    assert [each for answer, _ in found.values() for each in answer["errors"]] == []
    assert counted == [5, 4, 0]
