"""What the audit log records of who was shown what of which card and member."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLObjectType

from graph.sandbox.ledger import CARDS
from graph.security.card_refs import CardRefs
from schema.query import build_schema
from schema.secrets import CardNo, Credential, MemberId
from tests.security.callers import (
    ALL_KNOWING,
    ANY_CARD,
    NUMBERS,
    OTHERS,
    OWN,
    REQUEST_ID,
    UNREGISTERED,
    Caller,
    callers,
    codes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.security.callers import Callers

KEY = "the key of the references, as long as it must be"
KEYED: dict[str, Any] = {"KONAGRAPH_CARD_REF_KEY": KEY}
PROFILE = "member { profile { %s } }"
PERSONAL = {
    "idNo": "cashReceiptInfo { idNo }",
    **{name: PROFILE % name for name in ("birthDate", "loginId", "mobileNumber", "userName", "email")},
    **{name: PROFILE % f"addressInfo {{ {name} }}" for name in ("address", "zipCode", "addressDetail")},
}
"""Every field with personal data, and how to query it."""
OTHER = {
    "cardNo maskedCardNo balance isRegistered serviceName": (["cardNo"], ["maskedCardNo"]),
    "isAutoRechargeBeforePayment member { userId }": (["userId"], []),
    "cashReceiptInfo { approvalDiv maskedIdNo manYn manYnRaw }": ([], ["maskedIdNo"]),
    "member { profile { aspId joinChannel addressInfo { __typename } } }": ([], []),
    "__typename": ([], []),
}
"""Selections of other fields, with those that show a secret, and those that show one masked."""


OBJECTS = ("__typename", "member", "profile", "addressInfo", "cashReceiptInfo")
REFS = CardRefs(Credential(KEY))


def ref(number: str) -> str:
    return REFS.of(CardNo(number))


def event(number: str, *fields: str, **changes: Any) -> dict[str, Any]:
    """The event of a card that a service has read; its fields are personal unless `clear` says otherwise."""
    user_id = card_of(number)["userId"]
    changes = {"clear": list(fields), **changes}
    if user_id is not None:
        changes["member_ref"] = REFS.of(MemberId(str(user_id)))
    return {
        "action": "read",
        "request_id": REQUEST_ID,
        "address": "127.0.0.1",
        "viewer_kind": "service",
        "viewer_id": "a-service",
        "viewer_ref": REFS.of_viewer(str(changes.get("viewer_id", "a-service"))),
        "card_ref": ref(number),
        "what": "card",
        "origin": "number",
        "fields": list(fields),
        **{name: value for name, value in changes.items() if value},
    }


def card_of(number: str) -> Mapping[str, Any]:
    """The sandbox's data of a card."""
    return CARDS[number].fields


async def asked(running: Callers, selection: str, *numbers: str, caller: Caller = ALL_KNOWING) -> dict[str, Any]:
    """Query a selection of each card, each under an alias."""
    aliases = " ".join(f'c{i}: card(cardNo: "{number}") {{ {selection} }}' for i, number in enumerate(numbers))
    return await running.ask(
        caller,
        f"query ($yes: Boolean = true, $no: Boolean = false) {{ {aliases} "
        "  t: __typename @include(if: $yes) @skip(if: $no) }",
    )


@pytest.mark.parametrize(("name", "selection"), PERSONAL.items(), ids=PERSONAL)
async def test_reading_a_personal_field_is_an_event(name: str, selection: str, tmp_path: Path) -> None:
    async with callers(tmp_path, **KEYED) as running:
        answer = await asked(running, selection, OWN)
        events = running.audited()
    assert "errors" not in answer
    assert events == [event(OWN, name)]


def test_every_text_of_a_person_in_the_schema_is_one_of_these() -> None:
    """A new field of a member's type is personal unless declared otherwise."""
    harmless = {
        "aspId",
        "nationality",
        "nationalityRaw",
        "gender",
        "genderRaw",
        "joinChannel",
        "addressInfo",
        "approvalDiv",
        "approvalDivRaw",
        "maskedIdNo",
        "manYn",
        "manYnRaw",
    }
    found = set()
    for name in ("MemberProfile", "AddressInfo", "CashReceiptInfo"):
        kind = build_schema().type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        found |= set(kind.fields)
    assert found == harmless | set(PERSONAL)


@pytest.mark.parametrize("selection", OTHER)
async def test_reading_anything_else_is_an_event(selection: str, tmp_path: Path) -> None:
    knowing = Caller("a-service", (*ALL_KNOWING.scopes, "card-number:read"))
    names = [name for name in re.findall(r"\w+", selection) if name not in OBJECTS]
    clear, masked = OTHER[selection]
    async with callers(tmp_path, **KEYED) as running:
        answer = await asked(running, selection, OWN, caller=knowing)
        events = running.audited()
    assert "errors" not in answer
    assert events == [event(OWN, *names, clear=clear, masked=masked)]


async def test_one_request_makes_one_event_for_each_card_with_the_fields_in_their_order(tmp_path: Path) -> None:
    query = """query ($a: CardNumber!, $n: [CardNumber!]!) {
      x: card(cardNo: $a) { cashReceiptInfo { idNo } member { profile { userName } } }
      y: card(cardNo: $a) { cashReceiptInfo { again: idNo } member { profile { name: userName ...P } } }
      cards(cardNos: $n) { cashReceiptInfo { idNo } } }
      fragment P on MemberProfile { email }"""
    async with callers(tmp_path, **KEYED) as running:
        await running.ask(ALL_KNOWING, query, {"a": OWN, "n": [OTHERS, OWN, OTHERS]})
        events = running.audited()
    assert {tuple(one["fields"]) for one in events if one["card_ref"] == ref(OWN)} == {
        ("idNo", "userName", "email")
    }
    assert [ref(OWN), ref(OTHERS)] == [one["card_ref"] for one in events]
    assert events[1] == event(OTHERS, "idNo")


async def test_cards_of_one_member_are_an_event_each(tmp_path: Path) -> None:
    async with callers(tmp_path, **KEYED) as running:
        await asked(running, "member { profile { userName } }", *NUMBERS[:3])
        events = running.audited()
    assert events == [event(number, "userName") for number in NUMBERS[:3]]


async def test_each_request_makes_its_own_events(tmp_path: Path) -> None:
    async with callers(tmp_path, **KEYED) as running:
        for _ in range(2):
            await asked(running, PERSONAL["idNo"], OWN)
        events = running.audited()
    assert events == [event(OWN, "idNo")] * 2


async def test_a_field_that_is_skipped_is_not_read(tmp_path: Path) -> None:
    selection = """cashReceiptInfo { idNo @skip(if: $yes) } member { profile {
      userName @include(if: $no) email @include(if: $yes) ... @skip(if: $yes) { mobileNumber } } }"""
    async with callers(tmp_path, **KEYED) as running:
        answer = await asked(running, selection, OWN)
        events = running.audited()
    assert answer["data"]["c0"] == {"cashReceiptInfo": {}, "member": {"profile": {"email": "kim@example.com"}}}
    assert events == [event(OWN, "email")]


async def test_a_field_that_has_no_value_is_not_read(tmp_path: Path) -> None:
    # The third card of the first member has no receipt identity, and the member of the fourth has no address.
    async with callers(tmp_path, **KEYED) as running:
        await asked(running, "cashReceiptInfo { idNo }", NUMBERS[2], UNREGISTERED)
        await asked(running, PERSONAL["address"], OTHERS)
        events = running.audited()
    assert events == [event(number) for number in (NUMBERS[2], UNREGISTERED, OTHERS)]


async def test_an_event_names_the_member_who_read_the_card(tmp_path: Path) -> None:
    owner = Caller("kim@example.com", ("cash-receipt:read",), member="1001")
    async with callers(tmp_path, **KEYED) as running:
        await asked(running, PERSONAL["idNo"], OWN, caller=owner)
        events = running.audited()
    assert events == [event(OWN, "idNo", viewer_kind="member", viewer_id="kim@example.com", own=True)]


@pytest.mark.parametrize("log", ["audit.log", "/dev/full"])
async def test_a_setting_leaves_out_what_owners_read_of_their_own(log: str, tmp_path: Path) -> None:
    owner = Caller("kim@example.com", ("cash-receipt:read", "cards:read:any"), member="1001")
    settings = {**KEYED, "KONAGRAPH_AUDIT_OWN_READS": "false", "KONAGRAPH_AUDIT_LOG": tmp_path / log}
    query = """query ($n: CardNumber!) {
      viewer { member { cards { balance transactions { nodes { trAmount } } } } }
      card(cardNo: $n) { cashReceiptInfo { idNo } member { userId } } }"""
    async with callers(tmp_path, **settings) as running:
        own = await running.ask(owner, query, {"n": OWN})
        other = await running.ask(owner, query, {"n": OTHERS})
        events = running.audited() if log == "audit.log" else []
    assert "errors" not in own
    if log == "audit.log":
        assert [(one["what"], one["card_ref"], "own" in one) for one in events] == [("card", ref(OTHERS), False)]
    else:
        assert codes(other) == [(("card",), "AUDIT_UNAVAILABLE")]


async def test_an_event_has_the_id_that_the_answer_has(tmp_path: Path) -> None:
    query = f'{{ card(cardNo: "{OWN}") {{ {PERSONAL["idNo"]} }} }}'
    async with callers(tmp_path, **KEYED) as running:
        response = await running.post(ALL_KNOWING, query, request_id="another-id-of-a-test")
        made_up = await running.post(ALL_KNOWING, query, request_id="short")
        events = running.audited()
    assert [one["request_id"] for one in events] == [
        response.headers["x-request-id"],
        made_up.headers["x-request-id"],
    ]
    assert response.headers["x-request-id"] == "another-id-of-a-test"


async def test_what_a_caller_may_not_read_is_refused_and_not_read(tmp_path: Path) -> None:
    limited = Caller("a-service", (ANY_CARD, "member:read"))
    selection = "cashReceiptInfo { idNo maskedIdNo } member { profile { userName } }"
    async with callers(tmp_path, **KEYED) as running:
        await asked(running, selection, OWN, OWN, caller=limited)
        events = running.audited()
    assert events[0] == event(OWN, "maskedIdNo", "userName", clear=["userName"], masked=["maskedIdNo"])
    assert [(one["action"], one["code"], one["fields"]) for one in events[1:]] == [
        ("refused", "FORBIDDEN", ["idNo"])
    ]
