"""Every card, wallet and page that an answer shows is an event with exactly its fields, however it was read."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from graph.sandbox.faults import FAULTS
from graph.security.authorization import EVERY_SCOPE
from graph.security.card_refs import CardRefs
from schema.secrets import CardNo, Credential, MemberId
from tests.security.callers import NOT_ISSUED, NUMBERS, Caller, callers, codes
from tests.support import on_core
from tests.wallet.bank import bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.security.callers import Callers

KEY: Final = "the key of the references, as long as it must be"
REFS: Final = CardRefs(Credential(KEY))
CALLER: Final = Caller("kim@example.com", tuple(EVERY_SCOPE), member="1001")
OF_A_CARD: Final = (
    "balance",
    "id",
    "maskedCardNo",
    "ownerKa",
    "expiryDate",
    "product { serviceName }",
    "member { userId profile { userName addressInfo { zipCode } } }",
    "cashReceiptInfo { idNo approvalDiv }",
    "transactions(first: 2) { nodes { trAmount merchantName } pageInfo { hasNextPage } }",
)
OF_A_MEMBER: Final = ("isIdentityVerified", "profile { email joinChannel }", "terms { title }")
# Every card names itself, so that the test can tell whose the fields are.
cards: st.SearchStrategy[str] = st.lists(st.sampled_from(OF_A_CARD), unique=True).map(
    lambda chosen: " ".join(("cardNo", *chosen))
)
members: st.SearchStrategy[str] = st.builds(
    lambda own, cards, *, with_cards: " ".join(("userId", *own)) + (f" cards {{ {cards} }}" if with_cards else ""),
    st.lists(st.sampled_from(OF_A_MEMBER), unique=True),
    cards,
    with_cards=st.booleans(),
)
# Some do not exist, and some have faults.
numbers: st.SearchStrategy[str] = st.sampled_from([*NUMBERS[:6], NOT_ISSUED[0], *list(FAULTS)[:4]])
user_ids: st.SearchStrategy[str] = st.sampled_from(["1001", "1002", "2003", "2005", "0002005"])


def several(what: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(what, min_size=1, max_size=3).map(lambda texts: ", ".join(f'"{text}"' for text in texts))


def roots(ids: list[str]) -> st.SearchStrategy[str]:
    """A field of the root, by any way."""
    handle = st.sampled_from(ids)
    either = st.builds("... on Card {{ {} }} ... on Member {{ {} }}".format, cards, members)
    entities = several(handle).map(
        lambda texts: ", ".join(f'{{__typename: "Card", id: {text}}}' for text in texts.split(", "))
    )
    return st.one_of(
        st.builds('card(cardNo: "{}") {{ {} }}'.format, numbers, cards),
        st.builds("cards(cardNos: [{}]) {{ {} }}".format, several(numbers), cards),
        st.builds('cardLookup(by: {{cardNo: "{}"}}) {{ ... on Card {{ {} }} }}'.format, numbers, cards),
        st.builds('cardLookup(by: {{id: "{}"}}) {{ ... on Card {{ {} }} }}'.format, handle, cards),
        st.builds('node(id: "{}") {{ {} }}'.format, handle, either),
        st.builds("nodes(ids: [{}]) {{ {} }}".format, several(handle), either),
        st.builds("_entities(representations: [{}]) {{ {} }}".format, entities, either),
        st.builds("viewer {{ member {{ {} }} }}".format, members),
        st.builds('member(userId: "{}") {{ {} }}'.format, user_ids, members),
    )


About = tuple[str, str]
Events = defaultdict[About, set[str]]


def read_in(value: Any, events: Events, about: About | None = None) -> None:
    """Add what an answer shows, by what and about whom it is."""
    if isinstance(value, list):
        for item in value:
            read_in(item, events, about)
    elif isinstance(value, dict):
        about = about_of(value, about)
        if about is not None:
            events[about].update(name for name, member in value.items() if is_leaf(member))
        for name, member in value.items():
            read_in(member, events, below(name, about) if isinstance(member, dict | list) else None)
            if name == "cards" and about is not None and member is not None:
                events["wallet", about[1]].update(())


def about_of(value: dict[str, Any], about: About | None) -> About | None:
    if value.get("cardNo"):
        return "card", REFS.of(CardNo(value["cardNo"]))
    if value.get("userId") and about is None:
        return "member", REFS.of(MemberId(value["userId"]))
    return about


def below(name: str, about: About | None) -> About | None:
    """What a field's objects are about, unless they say it themselves."""
    events = {"cards": "wallet", "transactions": "transactions"}
    return (events[name], about[1]) if name in events and about is not None else about


def is_leaf(member: Any) -> bool:
    return member is not None and not isinstance(member, dict | list)


async def ids_of(running: Callers) -> list[str]:
    """The ids of a member, and of some cards."""
    query = "query ($n: [CardNumber!]!) { viewer { member { id cards { id } } } cards(cardNos: $n) { id } }"
    data = (await running.ask(CALLER, query, {"n": NUMBERS[:6]}))["data"]
    member = data["viewer"]["member"]
    return [member["id"], *(card["id"] for card in (*member["cards"], *data["cards"])), "no-id"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Callers, list[str]]]:
    """A running gateway, its event loop, and some ids."""
    names = ("MAX_COST", "COST_BURST", "CARDS_PER_MINUTE", "REQUEST_RATE", "REQUEST_BURST")
    limits = {f"KONAGRAPH_{name}": 10_000_000 for name in names}
    settings = {"KONAGRAPH_CARD_REF_KEY": KEY, "KONAGRAPH_FEDERATION": "true", **limits}
    with asyncio.Runner() as runner:
        opened = callers(tmp_path_factory.mktemp("every-way"), bank(), **settings)
        running = runner.run(opened.__aenter__())
        yield runner, running, runner.run(ids_of(running))
        runner.run(opened.__aexit__(None, None, None))


@given(data=st.data(), by_plan=st.booleans())
def test_an_answer_shows_what_its_events_name_and_nothing_else(
    gateway: tuple[asyncio.Runner, Callers, list[str]], data: st.DataObject, *, by_plan: bool
) -> None:
    runner, running, ids = gateway
    chosen = data.draw(st.lists(roots(ids), min_size=1, max_size=4))
    query = "{ " + " ".join(f"r{index}: {root}" for index, root in enumerate(chosen)) + " }"
    before = len(running.audited())
    answer = runner.run(running.ask(CALLER, query if by_plan else on_core(query)))
    expected: Events = defaultdict(set)
    read_in({name: value for name, value in answer["data"].items() if name != "__schema"}, expected)
    events = [event for event in running.audited()[before:] if event["action"] == "read"]
    refs = [(event["what"], event.get("card_ref") or event["member_ref"]) for event in events]
    note(query)
    assert expected == dict(zip(refs, (set(event["fields"]) for event in events), strict=True))
    for event in events:
        fields = set(event["fields"])
        assert fields & {"cardNo", "idNo", "userId", "userName", "email"} <= set(event.get("clear", ()))
        assert fields & {"maskedCardNo", "maskedIdNo"} == set(event.get("masked", ()))


SERVICE: Final = Caller("an-agent", tuple(EVERY_SCOPE))
BY_ID: Final = (
    'node(id: "{}") {{ ... on Card {{ {} }} }}',
    'nodes(ids: ["{}"]) {{ ... on Card {{ {} }} }}',
    'cardLookup(by: {{id: "{}"}}) {{ ... on Card {{ {} }} }}',
    '_entities(representations: [{{__typename: "Card", id: "{}"}}]) {{ ... on Card {{ {} }} }}',
)
OF_NO_NUMBER: Final = "maskedCardNo balance transactions(first: 2) { nodes { trAmount merchantName } }"


@pytest.mark.parametrize("by_plan", [True, False])
@pytest.mark.parametrize("way", BY_ID, ids=("node", "nodes", "cardLookup", "_entities"))
def test_what_is_shown_of_a_card_without_a_number_is_told_by_its_member(
    gateway: tuple[asyncio.Runner, Callers, list[str]], way: str, *, by_plan: bool
) -> None:
    runner, running, _ = gateway
    listed = runner.run(running.ask(SERVICE, '{ member(userId: "2012") { cards { id cardNo } } }'))
    (card_id,) = (card["id"] for card in listed["data"]["member"]["cards"] if card["cardNo"] is None)
    query = f"{{ {way.format(card_id, OF_NO_NUMBER)} }}"
    before = len(running.audited())
    answer = runner.run(running.ask(SERVICE, query if by_plan else on_core(query)))
    assert "errors" not in answer
    told = {event["what"]: event for event in running.audited()[before:]}
    assert {what: event["fields"] for what, event in told.items()} == {
        "card": ["maskedCardNo", "balance"],
        "transactions": ["trAmount", "merchantName"],
    }
    for event in told.values():
        assert ("card_ref" in event, event["member_ref"], event["origin"]) == (
            False,
            REFS.of(MemberId("2012")),
            "id",
        )


def test_zeros_in_front_of_a_members_id_are_no_way_around_the_record(
    gateway: tuple[asyncio.Runner, Callers, list[str]],
) -> None:
    runner, running, _ = gateway
    before = len(running.audited())
    query = '{ a: member(userId: "2005") { userId } b: member(userId: "002005") { profile { userName } } }'
    answer = runner.run(running.ask(SERVICE, query))
    assert answer["data"]["b"]["profile"]["userName"]
    (event,) = running.audited()[before:]
    assert (event["member_ref"], event["fields"]) == (REFS.of(MemberId("2005")), ["userId", "userName"])
    assert REFS.of(MemberId("002005")) == REFS.of(MemberId("2005"))


@pytest.mark.parametrize(
    "user_id", ["0" * 19 + "1" + "0" * 5_000, "0" * 19 + "1" + "0" * 30, "1" + "0" * 19, "0" * 30, "²", "-1", ""]
)
def test_what_is_no_members_id_is_no_member(
    gateway: tuple[asyncio.Runner, Callers, list[str]], user_id: str
) -> None:
    runner, running, _ = gateway
    answer = runner.run(running.ask(SERVICE, f'{{ member(userId: "{user_id}") {{ userId }} }}'))
    assert codes(answer) == [(("member",), "MEMBER_NOT_FOUND")]


def test_zeros_of_any_number_are_in_front_of_the_same_member(
    gateway: tuple[asyncio.Runner, Callers, list[str]],
) -> None:
    runner, running, _ = gateway
    answer = runner.run(running.ask(SERVICE, f'{{ member(userId: "{"0" * 25}2005") {{ userId }} }}'))
    assert answer == {"data": {"member": {"userId": "2005"}}}
