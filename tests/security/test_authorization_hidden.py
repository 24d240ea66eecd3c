"""A hidden card is indistinguishable from a missing one: the same response, byte for byte, at the same cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, get_named_type

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.sandbox.faults import FAULTS
from schema.query import build_schema
from tests.konaplate.support import answering, card_fields, encoded, succeeded, without
from tests.security.callers import ANY_CARD, NOT_ISSUED, NUMBERS, OTHERS, OWN, UNREGISTERED, Caller, callers, codes
from tests.support import GRAPHQL_RESPONSE, Recorder, sandbox_transport
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN_CODES = ("001_006", "003_001", "003_008", "003_021", "003_022", "error code", "encrypted error")
HIDDEN = {
    "somebody else's": OTHERS,
    "another one of somebody else": NUMBERS[4],
    "terminated": NUMBERS[7],
    "nobody's": UNREGISTERED,
    "not issued": NOT_ISSUED[0],
    **{fault.description: fault.number for fault in FAULTS.values() if fault.description.startswith(HIDDEN_CODES)},
}
BLIND = {
    "a member": Caller("a", ("member:read", "cash-receipt:read"), "1001"),
    "a member without scopes": Caller("b", (), "1001"),
    "a service without scopes": Caller("c"),
}
ALL_SEEING = Caller("f", (ANY_CARD,))

FIELDS = """cardNo maskedCardNo balance cardStatus cardStatusRaw serviceId serviceName ownerKa isRegistered
  isAutoRechargeBeforePayment member { userId profile { userName email addressInfo { address } } }
  cashReceiptInfo { approvalDiv idNo maskedIdNo manYn }"""
ONE, MANY = "query ($n: CardNumber!)", "query ($n: [CardNumber!]!)"
CARD = f"card(cardNo: $n) {{ {FIELDS} }}"
LOOKUP = "cardLookup(by: {cardNo: $n}) { __typename ... on CardError { code message retryable }"
SHAPES = {
    "a card": f"{ONE} {{ {CARD} }}",
    "aliases": f"{ONE} {{ a: {CARD} b: card(cardNo: $n) {{ balance }} }}",
    "fragments": f"{ONE} {{ ...Q }} fragment Q on Query {{ card(cardNo: $n) {{ ...C }} }}"
    f" fragment C on Card {{ {FIELDS} }}",
    "inline fragments": f"{ONE} {{ ... on Query {{ card(cardNo: $n) {{ ... {{ {FIELDS} }} }} }} }}",
    "its type's name alone": f"{ONE} {{ card(cardNo: $n) {{ __typename }} }}",
    "a list": f"{ONE} {{ cards(cardNos: [$n]) {{ {FIELDS} }} }}",
    "a list without brackets": f"{MANY} {{ cards(cardNos: $n) {{ {FIELDS} }} }}",
    "first of a list": f'{ONE} {{ cards(cardNos: [$n, "{OWN}", "{OWN}"]) {{ {FIELDS} }} }}',
    "middle of a list": f'{ONE} {{ cards(cardNos: ["{OWN}", $n, "{OWN}"]) {{ {FIELDS} }} }}',
    "last of a list": f'{ONE} {{ cards(cardNos: ["{OWN}", "{OWN}", $n]) {{ {FIELDS} }} }}',
    "twice in a list": f"{ONE} {{ cards(cardNos: [$n, $n]) {{ {FIELDS} }} }}",
    "an error as data": f"{ONE} {{ {LOOKUP} ... on Card {{ {FIELDS} }} }} }}",
    "a card and a list": f"{ONE} {{ {CARD} cards(cardNos: [$n]) {{ balance }} }}",
}
JSON = "application/json"
CASES = [(query, GRAPHQL_RESPONSE, "off") for query in SHAPES.values()]
CASES += [(SHAPES["a card"], JSON, "on"), (SHAPES["a list"], JSON, "off")]


def bare(response: httpx.Response) -> str:
    """All of an answer. The request id needs no care: the caller has chosen the same one each time."""
    return repr((response.status_code, response.headers.multi_items(), response.content))


@pytest.mark.slow
@table(("query", "accept", "encryption"), CASES)
async def test_every_hidden_card_gives_the_same_answer_at_the_same_cost(
    query: str, accept: str, encryption: str, tmp_path: Path
) -> None:
    assert len(HIDDEN) == 14
    upstream = Recorder(sandbox_transport(encrypted=encryption == "on"))
    limits: dict[str, Any] = {"KONAGRAPH_CARDS_PER_MINUTE": 1_000, "KONAGRAPH_REQUEST_BURST": 1_000}
    async with callers(tmp_path, upstream, KONAPLATE_ENCRYPTION=encryption, **limits) as running:
        for blind in BLIND.values():
            answers, calls = set(), set()
            for number in HIDDEN.values():
                before = len(running.calls)
                answers.add(bare(await running.post(blind, query, {"n": number}, accept=accept)))
                calls.add(tuple(running.calls[before:]))
            (only,) = answers
            assert '"code":"CARD_NOT_FOUND"' in only
            assert "upstream" not in only
            assert calls == {expected_calls(query, blind)}


def expected_calls(query: str, blind: Caller) -> tuple[str, ...]:
    """One call for the hidden card; if the own card is in the list, one more, and one for its profile."""
    own = OWN in query and blind.member is not None
    profile = own and "member:read" in blind.scopes
    return (CARD_INFO.path,) * (2 if OWN in query else 1) + (USER_INFO.path,) * profile


async def test_the_answer_for_a_hidden_card_is_this_one(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        response = await running.post(BLIND["a member"], SHAPES["its type's name alone"], {"n": OTHERS})
    assert response.json() == {
        "errors": [
            {
                "message": "No such card.",
                "locations": [{"line": 1, "column": 27}],
                "path": ["card"],
                "extensions": {
                    "code": "CARD_NOT_FOUND",
                    "retryable": False,
                    "requestId": response.headers["x-request-id"],
                },
            }
        ],
        "data": {"card": None},
    }


class Answering(Recorder):
    """An unencrypted upstream that gives one response to every call."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(httpx.MockTransport(answering(body, status)))


QUERY = "query ($n: CardNumber!) { card(cardNo: $n) { balance isRegistered member { userId } } }"
PLAIN: dict[str, Any] = {"KONAPLATE_ENCRYPTION": "off"}

BAD_USER_IDS: dict[str, Any] = {
    "a name": "kim",
    "negative": -1001,
    "a fraction": 1001.5,
    "a list": [1001],
    "an object": {"userId": 1001},
    "a truth": True,
    "too large": 10**19,
    "empty": "",
    "with a space": "1001 ",
    "in other digits": "١٠٠١",
}


@pytest.mark.parametrize("user_id", BAD_USER_IDS.values(), ids=BAD_USER_IDS)
async def test_a_card_whose_member_cannot_be_read_is_nobodys(user_id: object, tmp_path: Path) -> None:
    body = succeeded(card_fields(userId=user_id))
    async with callers(tmp_path, Answering(200, body), **PLAIN) as running:
        for blind in (*BLIND.values(), Caller("d", (), "1"), Caller("e", (), "0")):
            answer = await running.ask(blind, QUERY, {"n": OWN})
            assert (answer["data"], codes(answer)) == ({"card": None}, [(("card",), "CARD_NOT_FOUND")])
        answer = await running.ask(ALL_SEEING, QUERY, {"n": OWN})
    assert answer["data"]["card"]["balance"] == card_fields()["balance"]
    assert codes(answer) == [
        (("card", "isRegistered"), "UPSTREAM_INVALID_RESPONSE"),
        (("card", "member"), "UPSTREAM_INVALID_RESPONSE"),
    ]


@pytest.mark.parametrize(
    "fields", [card_fields(userId=None), without(card_fields(), "userId")], ids=["null", "none"]
)
async def test_a_card_without_a_member_is_nobodys(fields: dict[str, Any], tmp_path: Path) -> None:
    async with callers(tmp_path, Answering(200, succeeded(fields)), **PLAIN) as running:
        for blind in (*BLIND.values(), Caller("e", (), "0"), Caller("g", (), "None")):
            answer = await running.ask(blind, QUERY, {"n": OWN})
            assert codes(answer) == [(("card",), "CARD_NOT_FOUND")]
        answer = await running.ask(ALL_SEEING, QUERY, {"n": OWN})
    assert (answer["data"]["card"]["isRegistered"], answer["data"]["card"]["member"]) == (False, None)


@pytest.mark.parametrize("user_id", [1001, "1001", "01001", 1001.0], ids=repr)
async def test_a_card_is_its_owners_however_konaplate_writes_the_number(user_id: object, tmp_path: Path) -> None:
    body = succeeded(card_fields(userId=user_id))
    async with callers(tmp_path, Answering(200, body), **PLAIN) as running:
        answer = await running.ask(BLIND["a member"], QUERY, {"n": OWN})
        others = await running.ask(Caller("g", (), "10010"), QUERY, {"n": OWN})
    assert answer["data"]["card"]["member"] == {"userId": "1001"}
    assert codes(others) == [(("card",), "CARD_NOT_FOUND")]


def coded(code: str) -> bytes:
    return encoded({"response": {"code": code, "description": "?"}})


OTHERS_CARD = (200, succeeded(card_fields(userId=1002)))
ARRIVED = {
    "a code of cards": (400, coded("003_777")),
    "a code of members": (404, coded("001_999")),
    "a code of nothing known": (400, coded("004_404")),
    "the same under 200": (200, coded("004_404")),
    "the same under 500": (500, coded("004_404")),
    "the same under 503": (503, coded("004_404")),
    "the same in another place": (400, encoded({"code": "004_404"})),
    "a refused value": (400, coded("000_002")),
    "a fault of the vendor's": (400, coded("006_022")),
    "a refusal of ours": (400, coded("010_001")),
    "success under 500": (500, succeeded(card_fields(userId=1002))),
    "no code": (404, b"{}"),
    "a page": (404, b"<html>"),
    "a page under 200": (200, b"<html>"),
    "nothing": (204, b""),
    "a redirect": (302, b""),
    "forbidden": (403, b""),
    "a card that lacks everything": (200, encoded({"response": {"code": "000_000"}})),
}


async def answers_about(status: int, body: bytes, folder: Path) -> list[str]:
    """What everybody is told of a card of which this arrived."""
    answers: list[str] = []
    async with callers(folder, Answering(status, body), **PLAIN) as running:
        for query in (QUERY, f"{ONE} {{ cards(cardNos: [$n]) {{ balance }} }}", f"{ONE} {{ {LOOKUP} }} }}"):
            answers += [bare(await running.post(blind, query, {"n": OWN})) for blind in BLIND.values()]
        assert len(running.calls) == 3 * len(BLIND)
    return answers


@pytest_asyncio.fixture
async def about_others(tmp_path: Path) -> list[str]:
    return await answers_about(*OTHERS_CARD, tmp_path)


@pytest.mark.slow
@table(("status", "body"), ARRIVED.values())
async def test_whatever_arrived_about_a_hidden_card_is_the_same_answer_at_the_same_cost(
    status: int, body: bytes, about_others: list[str], tmp_path: Path
) -> None:
    assert about_others == await answers_about(status, body, tmp_path)


SILENCE = {"throttled": 429, "a fault without a code": 500, "away": 503}


@pytest.mark.parametrize("status", SILENCE.values(), ids=SILENCE)
async def test_what_says_nothing_of_a_card_is_shown(status: int, tmp_path: Path) -> None:
    async with callers(tmp_path, Answering(status, b"<html>"), **PLAIN) as running:
        answer = await running.ask(BLIND["a member"], QUERY, {"n": OWN})
    assert codes(answer) == [(("card",), "UPSTREAM_UNAVAILABLE")]
    assert answer["errors"][0]["extensions"]["upstream"]["status"] == status


@pytest.mark.parametrize("code", ["001_000", "003_777", "004_404"])
async def test_who_sees_every_card_is_shown_the_code(code: str, tmp_path: Path) -> None:
    async with callers(tmp_path, Answering(400, coded(code)), **PLAIN) as running:
        answer = await running.ask(ALL_SEEING, QUERY, {"n": OWN})
    assert answer["errors"][0]["extensions"]["upstream"]["code"] == code


def ways_to(name: str) -> set[tuple[str, str]]:
    """The types and fields that lead to a type."""
    types = build_schema().type_map.values()
    return {
        (kind.name, field)
        for kind in types
        if isinstance(kind, GraphQLObjectType)
        for field, definition in kind.fields.items()
        if get_named_type(definition.type).name == name
    }


def test_there_is_no_other_way_to_a_card_or_a_member_than_those_that_are_tested_here() -> None:
    tested = {
        "Card": {("Query", "card"), ("Query", "cards"), ("Member", "cards")},
        "CardLookupResult": {("Query", "cardLookup")},
        "Member": {("Card", "member"), ("Query", "member"), ("Viewer", "member")},
        "Node": {("Query", "node"), ("Query", "nodes")},
        "MemberProfile": {("Member", "profile")},
        "CashReceiptInfo": {("Card", "cashReceiptInfo")},
        "AddressInfo": {("MemberProfile", "addressInfo")},
    }
    told = "add it here, with a test that others cannot follow it"
    assert {name: ways_to(name) for name in tested} == tested, told
    roots = {"card", "cards", "cardLookup", "viewer", "member", "node", "nodes", "terms", "errorCatalog"}
    assert set(build_schema().query_type.fields) == roots, told  # type: ignore[union-attr]
