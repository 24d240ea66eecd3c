"""What the audit log records of refusals."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.faults import FAULTS
from graph.security.audit import Caller as AuditedCaller
from graph.security.audit import RequestAudit
from graph.security.authorization import Viewer
from graph.security.card_refs import CardRefs
from schema.secrets import CardNo, Credential, MemberId
from tests.security.callers import ANY_CARD, NOT_ISSUED, NUMBERS, OTHERS, OWN, REQUEST_ID, Caller, callers
from tests.support import KeptEvents
from tests.telemetry.scrape import value

if TYPE_CHECKING:
    from pathlib import Path

    from graph.security.audit import AccessOrigin
    from tests.security.callers import Callers

KEY = "the key of the references, as long as it must be"
KEYED: dict[str, Any] = {"KONAGRAPH_CARD_REF_KEY": KEY}
REFS = CardRefs(Credential(KEY))
OWNER = Caller("the-owner", member="1001")
SERVICE = Caller("a-service", (ANY_CARD,))
CARD = "query ($n: CardNumber!) { card(cardNo: $n) { balance } }"
LIST = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"


def refusal(code: str, number: str | None = None, *, member: bool = False, **more: Any) -> dict[str, Any]:
    """The event of a refusal."""
    named = {} if number is None else {"card_ref": REFS.of(CardNo(number))}
    kind, name = ("member", "the-owner") if member else ("service", "a-service")
    return {
        "action": "refused",
        "request_id": REQUEST_ID,
        "address": "127.0.0.1",
        "viewer_kind": kind,
        "viewer_id": name,
        "viewer_ref": REFS.of_viewer(name),
        **named,
        "code": code,
        **more,
    }


def refused(running: Callers) -> list[dict[str, Any]]:
    return [event for event in running.audited() if event["action"] == "refused"]


async def test_a_request_without_credentials_is_an_event_without_a_viewer(tmp_path: Path) -> None:
    async with callers(tmp_path, **KEYED) as running:
        await running.gateway.post(CARD, {"n": OWN}, **{"x-request-id": REQUEST_ID})
        events = running.audited()
    assert events == [
        {
            "action": "refused",
            "request_id": REQUEST_ID,
            "address": "127.0.0.1",
            "code": "UNAUTHENTICATED",
            "reason": "there is no Authorization header",
        }
    ]


@pytest.mark.parametrize(
    "number",
    [
        OTHERS,
        NUMBERS[5],
        NOT_ISSUED[0],
        *(n for n, fault in FAULTS.items() if fault.description.startswith(("001_", "003_"))),
    ],
)
async def test_a_hidden_card_is_an_event(number: str, tmp_path: Path) -> None:
    async with callers(tmp_path, **KEYED) as running:
        await running.ask(OWNER, CARD, {"n": number})
        events = running.audited()
    assert events == [refusal("CARD_NOT_FOUND", number, member=True)]


async def test_a_hidden_card_is_one_event_however_often_a_request_names_it(tmp_path: Path) -> None:
    query = """query ($a: CardNumber!, $n: [CardNumber!]!) {
      x: card(cardNo: $a) { balance } y: card(cardNo: $a) { balance } cards(cardNos: $n) { balance } }"""
    async with callers(tmp_path, **KEYED) as running:
        for _ in range(2):
            await running.ask(OWNER, query, {"a": OTHERS, "n": [OTHERS, OWN, NOT_ISSUED[0], OTHERS]})
        events = refused(running)
    one = [refusal("CARD_NOT_FOUND", number, member=True) for number in (OTHERS, NOT_ISSUED[0])]
    assert sorted(one * 2, key=repr) == sorted(events, key=repr)


async def test_each_hidden_member_is_an_event(tmp_path: Path) -> None:
    query = (
        '{ a: member(userId: "1001") { id } b: member(userId: "1002") { id } c: member(userId: "1002") { id } }'
    )
    async with callers(tmp_path, **KEYED) as running:
        await running.ask(SERVICE, query)
        assert refused(running) == [
            refusal("MEMBER_NOT_FOUND", member_ref=REFS.of(MemberId(user_id))) for user_id in ("1001", "1002")
        ]


async def test_what_is_refused_of_a_card_without_a_number_names_its_member(tmp_path: Path) -> None:
    shown, hidden = Caller("a-service", (ANY_CARD, "members:read:any")), Caller("a-service", ())
    settings = {**KEYED, "KONAGRAPH_ID_KEY": "the key of the ids, which is as long as it must be"}
    async with callers(tmp_path, **settings) as running:
        listed = await running.ask(shown, '{ member(userId: "2012") { cards { id maskedCardNo } } }')
        (card_id,) = (card["id"] for card in listed["data"]["member"]["cards"] if {*card["maskedCardNo"]} == {"*"})
        query = (
            "query ($id: ID!) { node(id: $id) { ... on Card { transactions(first: 1) { nodes { trAmount } } } } }"
        )
        for caller in (shown, hidden):
            await running.ask(caller, query, {"id": card_id})
        named = REFS.of(MemberId("2012"))
        assert refused(running) == [
            refusal("FORBIDDEN", member_ref=named, fields=["transactions"]),
            refusal("CARD_NOT_FOUND", member_ref=named),
        ]


async def test_a_card_that_is_not_there_for_anybody_is_no_refusal(tmp_path: Path) -> None:
    async with callers(tmp_path, **KEYED) as running:
        await running.ask(SERVICE, CARD, {"n": NOT_ISSUED[0]})
        events = running.audited()
    assert events == []


async def test_a_field_that_needs_a_scope_is_an_event_with_its_name(tmp_path: Path) -> None:
    query = """query ($n: [CardNumber!]!) { cards(cardNos: $n) {
      member { userId profile { userName } } cashReceiptInfo { idNo maskedIdNo } } }"""
    async with callers(tmp_path, **KEYED) as running:
        await running.ask(SERVICE, query, {"n": [OWN, OTHERS, OWN]})
        events = refused(running)
    for one in events:
        one["fields"].sort()
    fields = ["idNo", "profile"]
    assert events == [refusal("FORBIDDEN", number, fields=fields) for number in (OWN, OTHERS)]


async def test_a_card_beyond_the_budget_is_an_event(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1, **KEYED) as running:
        await running.ask(SERVICE, LIST, {"n": [*NUMBERS[:3], NUMBERS[2]]})
        events = refused(running)
    assert events == [refusal("RATE_LIMITED", number) for number in NUMBERS[1:3]]


async def test_a_request_too_many_is_an_event(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_REQUEST_RATE=1, KONAGRAPH_REQUEST_BURST=1, **KEYED) as running:
        await asyncio.gather(*(running.ask(SERVICE, CARD, {"n": OWN}) for _ in range(3)))
        events = refused(running)
    assert events == [refusal("RATE_LIMITED", reason="requests")] * 2


async def test_what_a_budget_can_never_pay_is_an_event_and_counts_as_its_refusal(tmp_path: Path) -> None:
    service = Caller("a-service", (ANY_CARD, "members:read:any"))
    wallet = '{ member(userId: "2005") { cards { balance } } }'
    async with callers(tmp_path, **KEYED, KONAGRAPH_CARDS_PER_MINUTE=2) as running:
        await running.ask(service, wallet)
        assert refused(running) == [refusal("QUERY_LIMIT_EXCEEDED", member_ref=REFS.of(MemberId("2005")))]
        assert value(running.gateway.metrics, "budget_refusals_total", budget="cards") == 1
    async with callers(tmp_path / "2", **KEYED, KONAGRAPH_COST_BURST=5, KONAGRAPH_MAX_COST=5) as running:
        await running.ask(SERVICE, CARD, {"n": NUMBERS[0]})
    assert refused(running) == []
    async with callers(tmp_path / "3", **KEYED, KONAGRAPH_COST_BURST=5) as running:
        await running.ask(SERVICE, CARD, {"n": NUMBERS[0]})
        assert refused(running) == [refusal("QUERY_LIMIT_EXCEEDED", reason="cost")]
        assert value(running.gateway.metrics, "budget_refusals_total", budget="cost") == 1


@pytest.mark.slow
async def test_other_failures_are_no_refusals(tmp_path: Path) -> None:
    others = [n for n, fault in FAULTS.items() if fault.description.startswith(("HTTP 5", "HTTP 429"))]
    assert len(others) > 2
    async with callers(tmp_path, **KEYED) as running:
        for number in others:
            answer = await running.ask(OWNER, CARD, {"n": number})
            assert answer["errors"]
        events = running.audited()
    assert events == []


MEMBER = Viewer("member", "somebody", frozenset(), None, None)


async def test_events_of_reads_are_recorded_once_and_only_of_what_is_shown() -> None:
    events = KeptEvents()
    audit = RequestAudit(AuditedCaller(MEMBER, "192.0.2.1", "an-id"), REFS, events)
    shown, _hidden = (audit.access("card", CardNo(number), None, "number") for number in (OWN, OTHERS))
    for leaves in ([("a", "idNo", "clear"), ("b", "balance", None)], [("a", "manYn", None)]):
        shown.add(leaves, {"a": 1, "b": None})
    assert events == []
    assert await audit.settle()
    assert await audit.settle()
    audit.close()
    (event,) = events
    assert (event.card_ref, event.fields, event.clear) == (REFS.of(CardNo(OWN)), ("idNo", "manYn"), ("idNo",))


async def test_an_event_does_not_depend_on_which_way_to_a_card_comes_first() -> None:
    ways: list[tuple[object, AccessOrigin]] = [
        (None, "member"),
        (MemberId("1002"), "number"),
        (MemberId("1001"), "id"),
    ]
    events = KeptEvents()
    for order in permutations(ways):
        audit = RequestAudit(AuditedCaller(MEMBER, "192.0.2.1", "an-id"), REFS, events)
        for owner, origin in order:
            audit.access("card", CardNo(OWN), owner, origin).add([("a", "balance", None)], {"a": 1})
        assert await audit.settle()
    told = [(event.card_ref, event.member_ref, event.origin) for event in events]
    assert told == [(REFS.of(CardNo(OWN)), REFS.of(MemberId("1001")), "number")] * 6


async def test_a_value_that_is_clear_in_one_place_is_clear() -> None:
    forms = (None, "masked", "clear")
    events = KeptEvents()
    for order in permutations(forms):
        audit = RequestAudit(AuditedCaller(MEMBER, "192.0.2.1", "an-id"), REFS, events)
        shown = audit.access("card", CardNo(OWN), None, "number")
        for form in order:
            shown.add([("a", "idNo", form)], {"a": 1})
        assert await audit.settle()
    assert [(event.clear, event.masked) for event in events] == [(("idNo",), ())] * 6


async def test_a_member_that_no_card_led_to_is_named_by_a_reference_of_its_own() -> None:
    events = KeptEvents()
    audit = RequestAudit(AuditedCaller(MEMBER, "192.0.2.1", "an-id"), REFS, events)
    member = MemberId("1001")
    shown = audit.access("member", member, member, "member")
    shown.add([("e", "email", "clear")], {"e": "kim@example.com"})
    audit.withhold(member, "idNo", "cash-receipt:read")
    assert await audit.settle()
    audit.close()
    assert [(event.action, event.card_ref, event.member_ref, event.fields, event.code) for event in events] == [
        ("read", None, REFS.of(member), ("email",), None),
        ("refused", None, REFS.of(member), ("idNo",), "FORBIDDEN"),
    ]
