"""Ids: the same for the same viewer, of no use to anybody else, and refused with one answer."""

from __future__ import annotations

import json
import re
import string
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.record import MAX_USER_ID
from graph.redact import holds_card_number
from graph.security.handles import HANDLE_LETTERS, Handles, Kind
from schema.secrets import Credential
from tests.security.callers import ANY_CARD, OWN, Caller, callers, codes
from tests.tables import table
from tests.wallet.bank import (
    FIRST,
    FIVE,
    INTROSPECTION,
    TWELVE,
    bank,
    both_ways,
    member,
    named,
    rows,
    wallet,
)

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.security.callers import Callers

KEY, OTHER_KEY, THIRD_KEY = "k" * 32, "o" * 32, "t" * 32
NODE: Final = (
    "query ($id: ID!) { node(id: $id) { __typename id ... on Card { balance } ... on Member { userId } } }"
)
NODES: Final = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Card { balance } } }"
LIST: Final = "{ viewer { member { id cards { id cardNo balance } } } }"
OWNER: Final = member(2005)
HANDLES: Final = Handles([Credential(KEY)])


def made(kind: int, key: str, *, viewer: str = f"member:{OWNER.id}", handles: Handles = HANDLES) -> str:
    """An id that the gateway with `KEY` takes, if it is right."""
    return handles.make(viewer, Kind(kind), key)


async def listed(running: Callers, caller: Caller = OWNER) -> dict[str, Any]:
    answer = await running.ask(caller, LIST)
    assert "errors" not in answer
    found: dict[str, Any] = answer["data"]["viewer"]["member"]
    return found


async def test_ids_are_opaque_and_the_same_by_whichever_way(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        owner = await listed(running)
        again = await listed(running)
        by_number = await running.ask(
            OWNER, "query ($n: [CardNumber!]!) { cards(cardNos: $n) { id member { id } } }", {"n": numbers()}
        )
        by_node = await running.ask(OWNER, NODES, {"ids": [each["id"] for each in owner["cards"]]})
        twelve = await listed(running, member(2012))
    ids = [each["id"] for each in owner["cards"]]
    assert again == owner
    assert [each["id"] for each in by_number["data"]["cards"]] == ids
    assert [each["member"]["id"] for each in by_number["data"]["cards"]] == [owner["id"]] * 5
    assert [each["id"] for each in by_node["data"]["nodes"]] == ids
    every = [owner["id"], *ids, twelve["id"], *(each["id"] for each in twelve["cards"])]
    assert len(set(every)) == 19
    for each in every:
        assert len(each) == HANDLE_LETTERS
        assert set(each) <= set(string.ascii_letters)
        assert not holds_card_number(each)


def numbers() -> list[str]:
    return [card.numbers[0] for card in FIVE]


async def test_ids_are_each_viewers_own(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        query = f'{{ card(cardNo: "{FIRST}") {{ id }} }}'
        callers_of = [OWNER, Caller("a", (ANY_CARD,)), Caller("b", (ANY_CARD,)), Caller("c", (ANY_CARD,), "2003")]
        found = [(await running.ask(caller, query))["data"]["card"]["id"] for caller in callers_of]
        # A service and a member of one name are different viewers.
        found.append((await running.ask(Caller("a", (ANY_CARD,), "2003"), query))["data"]["card"]["id"])
        assert len(set(found)) == 5
        for caller in callers_of:
            answer = await running.ask(caller, NODES, {"ids": found})
            shown = [None if node is None else node["id"] for node in answer["data"]["nodes"]]
            own = callers_of.index(caller)
            assert shown == [each if place == own else None for place, each in enumerate(found)]


async def refused(running: Callers, text: str) -> tuple[int, bytes, list[str]]:
    """The answer to an id byte for byte, but for what is left of the budget, and the calls for it."""
    del running.calls[:]
    response = await running.post(OWNER, NODE, {"id": text})
    content = re.sub(rb'"available": ?[0-9]+', b"", response.content)
    return response.status_code, content, named(running.calls)


def of_a_later_kind() -> str:
    sealed = HANDLES._handles[0].encrypt(b"\t" + FIRST.encode().ljust(47, b"\0"), [f"member:{OWNER.id}".encode()])
    return sealed.hex().translate(str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst"))


STRANGE: dict[str, str] = {
    "of a later kind": of_a_later_kind(),
    "another viewer's": made(1, FIRST, viewer="member:somebody"),
    "a service's of the same name": made(1, FIRST, viewer=f"service:{OWNER.id}"),
    "of a removed key": made(1, FIRST, handles=Handles([Credential(OTHER_KEY)])),
    "a cursor": HANDLES.seal(b"\1" + FIRST.encode(), f"member:{OWNER.id}"),
    "another member's": made(2, "2003"),
    "a member that does not exist": made(2, "2006"),
    "another member's row": made(3, f"2003:{FIVE[0].par}"),
    "cut": made(1, FIRST)[:-1],
    "cut by two": made(1, FIRST)[:-2],
    "longer": made(1, FIRST) + "b",
    "longer by two": made(1, FIRST) + "bb",
    "with a space": made(1, FIRST) + " ",
    "in capitals": made(1, FIRST).upper(),
    "one letter changed": made(1, FIRST)[:64] + ("b" if made(1, FIRST)[64] != "b" else "c") + made(1, FIRST)[65:],
    "another alphabet": "x" * HANDLE_LETTERS,
    "digits": "1" * HANDLE_LETTERS,
    "empty": "",
    "a card number": FIRST,
    "a member's number": "2005",
    "not ASCII": "카드" * 64,
    "NUL": "\0" * HANDLE_LETTERS,
    "long": "b" * 60_000,
}


async def test_whatever_is_no_id_of_the_viewers_is_answered_alike_and_asks_nothing(tmp_path: Path) -> None:
    async with wallet(tmp_path, KONAGRAPH_ID_KEY=KEY) as running:
        assert (await running.ask(OWNER, NODE, {"id": made(1, FIRST)}))["data"]["node"]["balance"]
        expected = await refused(running, "b" * HANDLE_LETTERS)
        for name, text in STRANGE.items():
            assert await refused(running, text) == expected, name
    status, content, calls = expected
    assert (status, calls) == (200, [])
    assert content.count(b"NODE_NOT_FOUND") == 1


@given(text=st.text(max_size=200) | st.text("bcdfghjklmnpqrst", min_size=128, max_size=128))
def test_no_text_opens_by_chance(text: str) -> None:
    assert HANDLES.open("member:kim", text) is None


async def test_an_id_of_100_kilobytes_is_too_much_for_any_request(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        response = await running.post(OWNER, NODE, {"id": "b" * 100_000})
        assert running.calls == []
    assert response.status_code == 413


async def test_a_card_that_has_left_is_answered_as_an_unknown_id(tmp_path: Path) -> None:
    row = FIVE[0].row
    par_only = {name: value for name, value in row.items() if not name.startswith(("mobile", "physical"))}
    infos = FIVE[0].infos[FIRST]
    # What has become of the card, and the calls that say so.
    gone: dict[str, tuple[dict[str, Any], str, list[str]]] = {
        "it is gone": ({"card_info": {"rows": {OWN: infos}}}, made(1, FIRST), ["card_info"]),
        "somebody else's": (
            {"card_info": {"rows": {FIRST: {**infos, "userId": 2003}}}},
            made(1, FIRST),
            ["card_info"],
        ),
        "nobody's": ({"card_info": {"rows": {FIRST: {**infos, "userId": 0}}}}, made(1, FIRST), ["card_info"]),
        "not in the list": ({"card_list": rows(par_only)}, made(3, f"2005:{FIVE[1].par}"), ["card_list"]),
        "an empty list": ({"card_list": rows()}, made(3, f"2005:{FIVE[0].par}"), ["card_list"]),
    }
    for name, (changes, text, calls) in gone.items():
        async with wallet(tmp_path, bank(**changes), KONAGRAPH_ID_KEY=KEY) as running:
            expected = await refused(running, "b" * HANDLE_LETTERS)
            found = await refused(running, text)
        assert found == (*expected[:2], calls), name


async def test_a_row_without_any_number_has_an_id(tmp_path: Path) -> None:
    fields = (
        "__typename id ... on Card { balance cardNo maskedCardNo pendingAmount taxDeduction { isRegistered } }"
    )
    node = f"query ($id: ID!) {{ node(id: $id) {{ {fields} }} }}"
    caller = member(2012, INTROSPECTION)
    async with wallet(tmp_path) as running:
        owner = await listed(running, caller)
        row = owner["cards"][10]
        answer, calls = await both_ways(running, caller, node, {"id": row["id"]})
    assert row["cardNo"] is None
    assert answer["errors"] == []
    assert answer["data"]["node"] == {
        "__typename": "Card",
        "id": row["id"],
        "balance": TWELVE[10].row["balance"],
        "cardNo": None,
        "maskedCardNo": "*" * 16,
        "pendingAmount": 0,
        "taxDeduction": {"isRegistered": False},
    }
    assert calls == ["card_list", "tax_deduction"]


@table("par", [FIVE[0].par, "A:B:C", "a b", "#" * 27])
async def test_a_par_may_have_any_characters(par: str, tmp_path: Path) -> None:
    row = {"par": par, "balance": 5, "isNamed": True}
    async with wallet(tmp_path, bank(card_list=rows(dict(FIVE[1].row), row))) as running:
        owner = await listed(running)
        answer = await running.ask(OWNER, NODE, {"id": owner["cards"][1]["id"]})
    assert answer["data"]["node"] == {"__typename": "Card", "id": owner["cards"][1]["id"], "balance": 5}


@table("par", ["P" * 28, "P" * 200, "서울특별시서울특별시서울특별시", "a\0b"])
async def test_a_par_that_fits_into_no_id_has_one_that_leads_nowhere(par: str, tmp_path: Path) -> None:
    row, other = {"par": par, "balance": 5, "isNamed": True}, {"par": f"{par}!", "balance": 6, "isNamed": True}
    table = {"rows": {MAX_USER_ID: {"cardDataInfo": [dict(FIVE[1].row), row, other]}}}
    caller = member(MAX_USER_ID)
    async with wallet(tmp_path, bank(card_list=table)) as running:
        query = "{ viewer { member { cards { id balance } } } }"
        cards = (await running.ask(caller, query))["data"]["viewer"]["member"]["cards"]
        answer = await running.ask(caller, NODE, {"id": cards[1]["id"]})
    assert [card["balance"] for card in cards] == [FIVE[1].row["balance"], 5, 6]
    assert len({card["id"] for card in cards}) == 3
    assert codes(answer) == [(("node",), "NODE_NOT_FOUND")]


async def test_a_row_with_neither_number_nor_par_has_no_id_and_konaplate_is_at_fault(tmp_path: Path) -> None:
    row = {"balance": 5, "isNamed": True}
    caller = member(2005, INTROSPECTION)
    async with wallet(tmp_path, bank(card_list=rows(dict(FIVE[1].row), row))) as running:
        without, _ = await both_ways(running, caller, "{ viewer { member { cards { balance } } } }")
        answer, _ = await both_ways(running, caller, "{ viewer { member { cards { id balance } } } }")
    assert [card["balance"] for card in without["data"]["viewer"]["member"]["cards"]] == [1_204_880, 5]
    assert codes(answer) == [(("viewer", "member", "cards", 1, "id"), "UPSTREAM_INVALID_RESPONSE")]


async def test_nodes_are_in_the_order_of_their_ids_and_as_many(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        owner = await listed(running)
        one, two = (each["id"] for each in owner["cards"][:2])
        del running.calls[:]
        answer = await running.ask(OWNER, NODES, {"ids": [two, "b", one, two, owner["id"]]})
        calls = named(running.calls)
        too_many = await running.ask(OWNER, NODES, {"ids": [one] * 21})
        assert named(running.calls) == calls
        none = await running.ask(OWNER, NODES, {"ids": []})
    shown = [node and node["id"] for node in answer["data"]["nodes"]]
    assert shown == [two, None, one, two, owner["id"]]
    assert codes(answer) == [(("nodes", 1), "NODE_NOT_FOUND")]
    assert calls == ["card_info", "card_info"]
    assert none["data"]["nodes"] == []
    (error,) = too_many["errors"]
    assert (error["extensions"]["code"], error["extensions"]["maximum"]) == ("QUERY_LIMIT_EXCEEDED", 20)


@table(
    "keys, opens",
    [((KEY, ""), True), ((OTHER_KEY, KEY), True), ((OTHER_KEY, ""), False), ((THIRD_KEY, OTHER_KEY), False)],
)
async def test_ids_outlive_their_key_as_long_as_it_is_the_second_one(
    keys: tuple[str, str], tmp_path: Path, *, opens: bool
) -> None:
    names = {"KONAGRAPH_ID_KEY": keys[0], "KONAGRAPH_ID_KEY_2": keys[1]}
    async with wallet(tmp_path, None, **{name: key for name, key in names.items() if key}) as running:
        old = made(1, FIRST)
        answer = await running.ask(OWNER, NODE, {"id": old})
    if not opens:
        assert codes(answer) == [(("node",), "NODE_NOT_FOUND")]
        return
    # The answer has the id that the first key makes.
    expected = made(1, FIRST, handles=Handles([Credential(keys[0])]))
    assert answer["data"]["node"]["id"] == expected
    assert (expected == old) is (keys[0] == KEY)


async def get(running: Callers, caller: Caller, **parameters: Any) -> httpx.Response:
    await running.ask(caller, "{ __typename }")
    texts = {name: text if isinstance(text, str) else json.dumps(text) for name, text in parameters.items()}
    headers = {"authorization": f"Bearer {running.tokens[caller]}"}
    return await running.gateway.client.get("/graphql", params=texts, headers=headers)


async def test_ids_go_by_get_and_card_numbers_do_not(tmp_path: Path) -> None:
    async with callers(tmp_path, bank()) as running:
        owner = await listed(running)
        one = owner["cards"][0]["id"]
        by_get = await get(running, OWNER, query=NODE, variables={"id": one})
        inline = await get(running, OWNER, query=f'{{ node(id: "{one}") {{ id }} }}')
        several = await get(running, OWNER, query=NODES, variables={"ids": [one, owner["id"]]})
        wallet_by_get = await get(running, OWNER, query=LIST)
        del running.calls[:]
        refusals = [
            await get(running, OWNER, query="query ($n: CardNumber!) { card(cardNo: $n) { id } }", variables=each)
            for each in ({"n": FIRST}, {}, {"n": "1"})
        ]
        refusals += [
            await get(running, OWNER, query=f'{{ card(cardNo: "{FIRST}") {{ id }} }}'),
            await get(running, OWNER, query=NODE, variables={"id": FIRST}),
            await get(running, OWNER, query=NODE, variables={"id": "b" * 100 + "1234567890123"}),
        ]
        assert running.calls == []
    assert by_get.json()["data"]["node"]["id"] == inline.json()["data"]["node"]["id"] == one
    assert [node["id"] for node in several.json()["data"]["nodes"]] == [one, owner["id"]]
    assert wallet_by_get.json()["data"]["viewer"]["member"] == owner
    for response in (by_get, inline, several, wallet_by_get, *refusals):
        assert response.headers["cache-control"] == "private, no-store"
    for response in refusals:
        assert response.status_code == 405
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("text", [5, True, None, ["b"], {"b": 1}, 1.5])
async def test_an_id_is_a_text(text: Any, tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        answer = await running.ask(OWNER, NODE, {"id": text})
        assert running.calls == []
    (error,) = answer["errors"]
    # A whole number is an `ID`, too, by GraphQL's rules.
    expected = "NODE_NOT_FOUND" if text == 5 and text is not True else "BAD_USER_INPUT"
    assert error["extensions"]["code"] == expected
