"""Who sees what of a wallet, by every way that leads to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from graph.sandbox.faults import FAULTS
from tests.security.callers import ANY_CARD, MEMBER, RECEIPT, UNREGISTERED, Caller, codes
from tests.support import gateway
from tests.tables import table
from tests.wallet.bank import (
    ACCOUNTS,
    ANY_MEMBER,
    FIRST,
    FIVE,
    INTROSPECTION,
    NUMBERS,
    TRANSACTIONS,
    both_ways,
    member,
    named,
    plain,
    wallet,
)

if TYPE_CHECKING:
    from pathlib import Path


FORBIDDEN, NO_CARD, NO_MEMBER, NO_NODE = "FORBIDDEN", "CARD_NOT_FOUND", "MEMBER_NOT_FOUND", "NODE_NOT_FOUND"
CARD: Final = """id cardNo maskedCardNo balance pendingAmount physicalCard { cardNo maskedCardNo }
  cashReceiptInfo { idNo maskedIdNo } virtualAccount { accountNo maskedAccountNo }
  transactions(first: 3) { nodes { trAmount merchantName bizLicenseNo } }"""
OWN: Final = f"{{ viewer {{ member {{ userId profile {{ userName }} cards {{ {CARD} }} }} }} }}"
OTHERS: Final = f'{{ member(userId: "2005") {{ userId profile {{ userName }} cards {{ {CARD} }} }} }}'
SCOPES: Final = {
    "accountNo": "virtual-account:read",
    "cardNo": "card-number:read",
    "idNo": "cash-receipt:read",
    "profile": "member:read",
    "transactions": "transactions:read",
}
BY_NUMBER: Final = f'{{ card(cardNo: "{FIRST}") {{ member {{ userId profile {{ userName }} }} {CARD} }} }}'


class Sees(NamedTuple):
    """What a caller sees of a card that it may read."""

    numbers: bool
    receipt: bool
    account: bool
    history: bool
    profile: bool


NOTHING_MORE: Final = Sees(False, False, False, False, False)


def forbidden(answer: dict[str, Any]) -> set[str]:
    """The fields that are denied, by their paths below a card or a member. Nothing else may fail."""
    found = set()
    for error in answer.get("errors", ()):
        path = error["path"]
        assert error["extensions"]["code"] == FORBIDDEN
        assert error["extensions"]["requiredScope"] == SCOPES[path[-1]]
        below = [step for step in path if isinstance(step, str)]
        start = next((place + 1 for place, step in enumerate(below) if step in ("cards", "card", "node")), None)
        found.add(".".join(below[start:] if start is not None else below[-1:]).removeprefix("member."))
    return found


def denied(sees: Sees) -> set[str]:
    of = {
        "cardNo": sees.numbers,
        "physicalCard.cardNo": sees.numbers,
        "cashReceiptInfo.idNo": sees.receipt,
        "virtualAccount.accountNo": sees.account,
        "transactions": sees.history,
        "profile": sees.profile,
    }
    return {name for name, seen in of.items() if not seen}


OWNERS: dict[str, tuple[Caller, Sees]] = {
    "no scopes": (member(2005, INTROSPECTION), Sees(True, False, False, True, False)),
    "profiles": (member(2005, INTROSPECTION, MEMBER), Sees(True, False, False, True, True)),
    "receipts": (member(2005, INTROSPECTION, RECEIPT), Sees(True, True, False, True, False)),
    "accounts": (member(2005, INTROSPECTION, ACCOUNTS), Sees(True, False, True, True, False)),
    "all": (member(2005, INTROSPECTION, MEMBER, RECEIPT, ACCOUNTS), Sees(True, True, True, True, True)),
}
READERS: dict[str, tuple[Caller, Sees]] = {
    "cards": (Caller("a", (ANY_CARD,)), NOTHING_MORE),
    "numbers": (Caller("b", (ANY_CARD, NUMBERS)), NOTHING_MORE._replace(numbers=True)),
    "histories": (Caller("c", (ANY_CARD, TRANSACTIONS)), NOTHING_MORE._replace(history=True)),
    "receipts": (Caller("d", (ANY_CARD, RECEIPT)), NOTHING_MORE._replace(receipt=True)),
    "accounts": (Caller("e", (ANY_CARD, ACCOUNTS)), NOTHING_MORE._replace(account=True)),
    "profiles": (Caller("f", (ANY_CARD, MEMBER)), NOTHING_MORE._replace(profile=True)),
    "another member": (Caller("g", (ANY_CARD,), "2003"), NOTHING_MORE),
}
READERS = {
    name: (Caller(caller.id, (*caller.scopes, ANY_MEMBER, INTROSPECTION), caller.member), sees)
    for name, (caller, sees) in READERS.items()
}


@pytest.mark.slow
@table("caller, sees", OWNERS.values())
async def test_a_member_sees_the_own_wallet_whole_but_for_personal_data_by_scope(
    caller: Caller, sees: Sees, tmp_path: Path
) -> None:
    async with wallet(tmp_path) as running:
        listed, _ = await both_ways(running, caller, OWN)
        by_id, _ = await both_ways(running, caller, OTHERS)
        single, _ = await both_ways(running, caller, BY_NUMBER)
    assert forbidden(listed) == forbidden(by_id) == forbidden(single) == denied(sees)
    assert by_id["data"]["member"] == listed["data"]["viewer"]["member"]
    shown = listed["data"]["viewer"]["member"]["cards"]
    assert [each["cardNo"] for each in shown] == [card.numbers[0] for card in FIVE]
    assert [len(each["transactions"]["nodes"]) for each in shown] == [3, 3, 3, 0, 3]
    assert any(row["merchantName"] for each in shown for row in each["transactions"]["nodes"])
    # One card, whichever way leads to it.
    assert {name: single["data"]["card"][name] for name in shown[0]} == shown[0]


@pytest.mark.slow
@table("caller, sees", READERS.values())
async def test_others_see_of_a_wallet_what_their_scopes_say(caller: Caller, sees: Sees, tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        listed, _ = await both_ways(running, caller, OTHERS)
        single, _ = await both_ways(running, caller, BY_NUMBER)
        node = f"query ($id: ID!) {{ node(id: $id) {{ ... on Card {{ {CARD} }} }} }}"
        of_id, _ = await both_ways(running, caller, node, {"id": listed["data"]["member"]["cards"][0]["id"]})
    assert forbidden(listed) == denied(sees)
    assert forbidden(of_id) == denied(sees) - {"profile"}
    # It named the number, but not that of the twin.
    assert forbidden(single) == denied(sees) - {"cardNo"}
    assert single["data"]["card"]["cardNo"] == FIRST
    shown = listed["data"]["member"]["cards"]
    assert [each["maskedCardNo"][-4:] for each in shown] == [card.numbers[0][-4:] for card in FIVE]
    assert shown[0] == of_id["data"]["node"]
    assert [each["cardNo"] for each in shown] == [card.numbers[0] if sees.numbers else None for card in FIVE]
    assert [each["transactions"] is not None for each in shown] == [sees.history] * 5


async def test_what_is_denied_is_not_asked_for(tmp_path: Path) -> None:
    caller = Caller("a", (ANY_CARD, ANY_MEMBER, INTROSPECTION))
    fields = "profile { userName } cards { cardNo transactions { nodes { trAmount } } }"
    transactions = "transactions { nodes { trAmount } }"
    async with wallet(tmp_path) as running:
        _, listed = await both_ways(running, caller, f'{{ member(userId: "2005") {{ {fields} }} }}')
        # The other source would cost a call, and tell of more cards.
        single, calls = await both_ways(running, caller, f'{{ card(cardNo: "{FIRST}") {{ {transactions} }} }}')
    assert listed == ["card_list"]
    assert codes(single) == [(("card", "transactions"), FORBIDDEN)]
    assert calls == ["card_info"]


async def test_a_card_of_nobody_has_nothing_that_takes_a_member(tmp_path: Path) -> None:
    query = f"""{{ card(cardNo: "{UNREGISTERED}") {{ balance pendingAmount physicalCard {{ cardNo }}
      taxDeduction {{ created }} transactions {{ nodes {{ trType }} }} member {{ cards {{ balance }} }} }} }}"""
    readers = {
        False: Caller("a", (ANY_CARD, INTROSPECTION)),
        True: Caller("b", (ANY_CARD, TRANSACTIONS, INTROSPECTION)),
    }
    async with wallet(tmp_path) as running:
        for may, caller in readers.items():
            answer, calls = await both_ways(running, caller, query)
            assert {name for name, value in answer["data"]["card"].items() if value is not None} == {"balance"}
            # A field that is denied does not say whether there is anything.
            assert codes(answer) == ([] if may else [(("card", "transactions"), FORBIDDEN)])
            assert calls == ["card_info"]


async def test_the_terms_of_the_service_are_everybodys(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        for caller in (Caller("a"), member(2003), Caller("b", (ANY_CARD,))):
            answer = await running.ask(caller, "{ terms { tcId isAgree agreeDate } }")
            assert {(each["isAgree"], each["agreeDate"]) for each in answer["data"]["terms"]} == {(False, None)}


STRANGERS: dict[str, Caller] = {
    "another member": member(2003),
    "another member, every personal scope": member(2003, MEMBER, RECEIPT, ACCOUNTS, TRANSACTIONS, NUMBERS),
    "a service without scopes": Caller("s"),
    "a service, every personal scope": Caller("t", (MEMBER, RECEIPT, ACCOUNTS, TRANSACTIONS, NUMBERS)),
}
# Queries about the member 2005, for whom nothing may be asked; with `$id` and `$card`, ids that the owner has.
WAYS: dict[str, tuple[str, list[str]]] = {
    "by userId": ('{ member(userId: "2005") { userId cards { balance } } }', [NO_MEMBER]),
    "with zeros in front": ('{ member(userId: "0002005") { userId cards { balance } } }', [NO_MEMBER]),
    "of a member that does not exist": ('{ member(userId: "2006") { userId cards { balance } } }', [NO_MEMBER]),
    "of no member at all": ('{ member(userId: "kim") { userId cards { balance } } }', [NO_MEMBER]),
    "nothing but a type": ('{ member(userId: "2005") { __typename } }', [NO_MEMBER]),
    "aliases": (
        '{ a: member(userId: "2005") { terms { tcId } } b: member(userId: "2005") { isIdentityVerified } }',
        [NO_MEMBER, NO_MEMBER],
    ),
    "a fragment": (
        '{ ...Of } fragment Of on Query { member(userId: "2005") { cards { ...In } } } fragment In on Card { id }',
        [NO_MEMBER],
    ),
    "an id": ("query ($card: ID!) { node(id: $card) { id } }", [NO_NODE]),
    "a member's id": ("query ($id: ID!) { node(id: $id) { ... on Member { userId } } }", [NO_NODE]),
    "ids": (
        "query ($card: ID!, $id: ID!) { nodes(ids: [$card, $id]) { id __typename } }",
        [NO_NODE, NO_NODE],
    ),
}


@table("caller", STRANGERS.values())
async def test_nobody_else_learns_anything_by_any_way_and_nothing_is_asked(caller: Caller, tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        own = await running.ask(member(2005), "{ viewer { member { id cards { id } } } }")
        owner = own["data"]["viewer"]["member"]
        variables = {"id": owner["id"], "card": owner["cards"][0]["id"]}
        del running.calls[:]
        for name, (query, expected) in WAYS.items():
            given = {name: value for name, value in variables.items() if f"${name}:" in query}
            answer = await running.ask(caller, query, given)
            assert [code for _, code in codes(answer)] == expected, name
            # Nothing but the message that each code has, whoever is asked for.
            for error in answer["errors"]:
                assert error["extensions"].keys() == {"code", "retryable", "requestId"}, name
        assert running.calls == []


async def test_a_members_error_is_the_same_whether_there_is_such_a_member(tmp_path: Path) -> None:
    query = "query ($n: ID!) { member(userId: $n) { cards { balance } } }"
    async with wallet(tmp_path) as running:
        found = [
            plain(await running.ask(member(2003), query, {"n": user_id}))
            for user_id in ("2005", "2006", "9201", "", "-1", "0", "kim", "2" * 50, "２００５", FIRST)
        ]
        assert running.calls == []
    assert all(each == found[0] for each in found)


async def test_another_members_card_by_its_number_is_as_one_that_does_not_exist(tmp_path: Path) -> None:
    query = f"query ($n: CardNumber!) {{ card(cardNo: $n) {{ {CARD} member {{ cards {{ balance }} }} }} }}"
    async with wallet(tmp_path) as running:
        found = []
        for number in (FIRST, FIVE[0].numbers[1], next(iter(FAULTS)), "9491339999999999"):
            del running.calls[:]
            found.append((plain(await running.ask(member(2003), query, {"n": number})), named(running.calls)))
    assert all(each == found[0] for each in found)
    assert found[0][1] == ["card_info"]
    assert codes(found[0][0]) == [(("card",), NO_CARD)]


# What a service with `cards:read:any` and more scopes may do with a member's id.
MEMBERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "cards": ((ANY_CARD,), False),
    "cards and profiles": ((ANY_CARD, MEMBER), False),
    "members": ((ANY_CARD, ANY_MEMBER), True),
    "members alone": ((ANY_MEMBER,), True),
}


@table("scopes, found", MEMBERS.values())
async def test_a_member_by_id_takes_a_scope_of_its_own(
    scopes: tuple[str, ...], tmp_path: Path, *, found: bool
) -> None:
    caller = Caller("a", (*scopes, INTROSPECTION))
    query = '{ member(userId: "2005") { userId isIdentityVerified terms { isAgree } cards { balance } } }'
    async with wallet(tmp_path) as running:
        answer, calls = await both_ways(running, caller, query)
    if not found:
        assert (codes(answer), calls) == ([(("member",), NO_MEMBER)], [])
    elif ANY_CARD in scopes:
        assert answer["errors"] == []
        assert len(answer["data"]["member"]["cards"]) == 5
    else:
        # A member's cards are cards.
        assert codes(answer) == [(("member", "cards"), NO_CARD)]
        assert sorted(calls) == ["identity_check", "terms"]


async def test_a_service_reaches_a_list_by_way_of_a_card(tmp_path: Path) -> None:
    query = f'{{ card(cardNo: "{FIRST}") {{ member {{ cards {{ balance cardNo }} }} }} }}'
    async with wallet(tmp_path) as running:
        answer = await running.ask(Caller("a", (ANY_CARD,)), query)
    shown = answer["data"]["card"]["member"]["cards"]
    assert [each["balance"] for each in shown] == [card.row["balance"] for card in FIVE]
    # Of the card that it asked by its number, too: here, the list names it.
    assert codes(answer) == [(("card", "member", "cards", place, "cardNo"), FORBIDDEN) for place in range(5)]


async def test_the_viewer_is_there_for_everybody(tmp_path: Path) -> None:
    query = "{ viewer { scopes member { id userId cards { balance } } } }"
    async with wallet(tmp_path) as running:
        service = await running.ask(Caller("s", (ANY_CARD, MEMBER)), query)
        own = await running.ask(member(2000, MEMBER), query)
        assert named(running.calls) == ["card_list"]
    async with gateway() as running_open:
        anonymous = await running_open.query(query)
    assert service == {"data": {"viewer": {"scopes": [ANY_CARD, MEMBER], "member": None}}} | extensions(service)
    assert own["data"]["viewer"]["member"]["cards"] == []
    assert own["data"]["viewer"]["member"]["userId"] == "2000"
    assert anonymous["data"]["viewer"]["member"] is None
    assert "errors" not in anonymous


def extensions(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name == "extensions"}


async def test_claims_that_name_no_member_have_no_wallet(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        for claim in ("0", "kim", "2005 ", "+2005", "2" * 40):
            answer = await running.ask(Caller(f"c {claim}", (), claim), OWN)
            member_found = (answer["data"] or {}).get("viewer", {}).get("member")
            assert member_found is None or member_found["cards"] is None, claim
        assert running.calls == []
