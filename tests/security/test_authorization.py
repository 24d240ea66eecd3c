"""Which callers see which cards and which fields: every combination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS
from schema.errors import ErrorCode
from tests.faults.jumping_clock import jumping
from tests.security.callers import (
    ANY_CARD,
    MEMBER,
    NOT_ISSUED,
    OTHERS,
    OWN,
    RECEIPT,
    UNREGISTERED,
    Caller,
    callers,
    codes,
)
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

QUERY = """query ($n: CardNumber!) { card(cardNo: $n) {
  balance member { userId profile { userName } } cashReceiptInfo { idNo maskedIdNo } } }"""
NO_CARD, NO_MEMBER, FORBIDDEN = "CARD_NOT_FOUND", "MEMBER_NOT_FOUND", "FORBIDDEN"
PROFILE, ID_NO = ("card", "member", "profile"), ("card", "cashReceiptInfo", "idNo")


class Sees(NamedTuple):
    """What a caller sees: of the cards of the members 1001 and 1002, of nobody's, of none; and which fields."""

    caller: Caller
    firsts: bool
    seconds: bool
    nobodys: bool
    profile: bool
    id_no: bool


SEES: dict[str, Sees] = {
    #                                                               1001's 1002's nobody's profile idNo
    "the owner": Sees(Caller("a", (), "1001"), True, False, False, False, False),
    "the owner, profiles": Sees(Caller("b", (MEMBER,), "1001"), True, False, False, True, False),
    "the owner, receipts": Sees(Caller("c", (RECEIPT,), "1001"), True, False, False, False, True),
    "the owner, both": Sees(Caller("d", (MEMBER, RECEIPT), "1001"), True, False, False, True, True),
    "another member": Sees(Caller("e", (), "1002"), False, True, False, False, False),
    "another member, both": Sees(Caller("f", (MEMBER, RECEIPT), "1002"), False, True, False, True, True),
    "a member with zeros in front": Sees(Caller("g", (), "0001001"), False, False, False, False, False),
    "a member who has no card": Sees(Caller("h", (MEMBER, RECEIPT), "4242"), False, False, False, True, True),
    "a member of the number zero": Sees(Caller("i", (), "0"), False, False, False, False, False),
    "a claim that is no number": Sees(Caller("j", (MEMBER, RECEIPT), "1001 "), False, False, False, True, True),
    "a member who sees all cards": Sees(Caller("k", (ANY_CARD,), "1002"), True, True, True, False, False),
    "a service without scopes": Sees(Caller("l"), False, False, False, False, False),
    "a service, both fields": Sees(Caller("m", (MEMBER, RECEIPT)), False, False, False, True, True),
    "a service, all cards": Sees(Caller("n", (ANY_CARD,)), True, True, True, False, False),
    "a service, all cards, profiles": Sees(Caller("o", (ANY_CARD, MEMBER)), True, True, True, True, False),
    "a service, all cards, receipts": Sees(Caller("p", (ANY_CARD, RECEIPT)), True, True, True, False, True),
    "a service, everything": Sees(Caller("q", (ANY_CARD, MEMBER, RECEIPT)), True, True, True, True, True),
    "scopes that are none of ours": Sees(
        Caller("r", ("cards:read:*", "cards:read", "CARDS:READ:ANY", "member:*", "introspection")),
        False,
        False,
        False,
        False,
        False,
    ),
}


def registered(number: str, *, profile: bool, id_no: bool) -> tuple[dict[str, Any], list[Any]]:
    """A card that is seen, with the fields that may be: its data and its errors."""
    fields = CARDS[number].fields
    receipt = fields["cashReceiptInfo"]["idNo"]
    masked = {"01012345678": "010-****-5678", "1234567890": "****7890"}[receipt]
    member: dict[str, Any] = {"userId": str(fields["userId"]), "profile": None}
    if profile:
        member["profile"] = {"userName": MEMBERS[fields["userId"]]["userName"]}
    data = {
        "balance": fields["balance"],
        "member": member,
        "cashReceiptInfo": {"idNo": receipt if id_no else None, "maskedIdNo": masked},
    }
    refused = [(PROFILE, profile), (ID_NO, id_no)]
    return data, [(path, FORBIDDEN) for path, allowed in refused if not allowed]


def expected_of(number: str, sees: Sees) -> tuple[dict[str, Any] | None, list[Any]]:
    if not {OWN: sees.firsts, OTHERS: sees.seconds, UNREGISTERED: sees.nobodys}[number]:
        return None, [(("card",), NO_CARD)]
    if number == UNREGISTERED:
        return {"balance": 10_000, "member": None, "cashReceiptInfo": None}, []
    return registered(number, profile=sees.profile, id_no=sees.id_no)


@table("sees", SEES.values())
async def test_a_caller_sees_of_each_card_what_the_table_says(sees: Sees, tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        for number in (OWN, OTHERS, UNREGISTERED):
            answer = await running.ask(sees.caller, QUERY, {"n": number})
            assert (answer["data"]["card"], codes(answer)) == expected_of(number, sees)


@table("sees", SEES.values())
async def test_what_a_caller_does_not_see_is_not_fetched_either(sees: Sees, tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        for number in (OWN, OTHERS, UNREGISTERED):
            before = len(running.calls)
            data, _ = expected_of(number, sees)
            await running.ask(sees.caller, QUERY, {"n": number})
            # The card, which is not known before, and the profile if it is shown.
            shown = data is not None and data["member"] is not None and data["member"]["profile"] is not None
            assert len(running.calls) - before == 1 + shown


ABOUT_CARDS = [
    fault
    for fault in FAULTS.values()
    if fault.code in (ErrorCode.CARD_NOT_FOUND, ErrorCode.MEMBER_NOT_FOUND) and fault.field is None
]


async def test_who_sees_every_card_is_told_why_one_cannot_be_had(tmp_path: Path) -> None:
    assert len(ABOUT_CARDS) == 9
    async with callers(tmp_path) as running:
        for fault in ABOUT_CARDS:
            answer = await running.ask(Caller("n", (ANY_CARD,)), QUERY, {"n": fault.number})
            assert codes(answer) == [(("card",), fault.code)]
            details = answer["errors"][0]["extensions"]["upstream"]
            assert details["code"][:4] in ("001_", "003_")
        answer = await running.ask(Caller("n", (ANY_CARD,)), QUERY, {"n": NOT_ISSUED[0]})
    assert answer["errors"][0]["extensions"]["upstream"]["code"] == "003_001"


OTHER_FAILURES = [
    fault
    for fault in FAULTS.values()
    if fault.code is not None and fault not in ABOUT_CARDS and fault.field is None
]
# No response, or one that reports a temporary failure.
SILENT = (ErrorCode.UPSTREAM_TIMEOUT, ErrorCode.UPSTREAM_UNAVAILABLE)


@jumping
async def test_who_sees_every_card_is_told_every_failure_with_its_details(tmp_path: Path) -> None:
    assert len(OTHER_FAILURES) > 20
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=100) as running:
        for fault in OTHER_FAILURES:
            answer = await running.ask(Caller("a", (ANY_CARD,), "1001"), QUERY, {"n": fault.number})
            assert codes(answer) == [(("card",), fault.code)]
            extensions = answer["errors"][0]["extensions"]
            assert extensions["upstream"].keys() >= {"api", "code", "status", "correlationId"}
            assert extensions["retryable"] is fault.retryable


@jumping
async def test_a_member_is_told_only_what_says_nothing_of_the_card(tmp_path: Path) -> None:
    assert sum(fault.code in SILENT for fault in OTHER_FAILURES) > 5
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=100) as running:
        for fault in OTHER_FAILURES:
            answer = await running.ask(Caller("a", (), "1001"), QUERY, {"n": fault.number})
            silent = fault.code in SILENT
            assert codes(answer) == [(("card",), fault.code if silent else NO_CARD)], fault
            extensions = answer["errors"][0]["extensions"]
            assert ("upstream" in extensions) is silent
            assert silent is False or extensions["upstream"]["code"] is None


async def test_a_field_that_is_withheld_does_not_say_whether_it_could_have_been_read(tmp_path: Path) -> None:
    broken = next(fault.number for fault in FAULTS.values() if fault.field == "cashReceiptInfo.idNo")
    masked = ("card", "cashReceiptInfo", "maskedIdNo")
    query = "query ($n: CardNumber!) { card(cardNo: $n) { cashReceiptInfo { idNo maskedIdNo } } }"
    async with callers(tmp_path) as running:
        withheld = await running.ask(Caller("a", (), "1001"), query, {"n": broken})
        shown = await running.ask(Caller("c", (RECEIPT,), "1001"), query, {"n": broken})
    invalid = ErrorCode.UPSTREAM_INVALID_RESPONSE
    assert codes(withheld) == [(ID_NO, FORBIDDEN), (masked, invalid)]
    assert codes(shown) == [(ID_NO, invalid), (masked, invalid)]
    assert "upstream" not in withheld["errors"][0]["extensions"]


async def test_a_profile_that_is_withheld_is_refused_even_when_there_is_none(tmp_path: Path) -> None:
    gone = next(
        fault.number for fault in FAULTS.values() if fault.code is ErrorCode.MEMBER_NOT_FOUND and fault.field
    )
    query = "query ($n: CardNumber!) { card(cardNo: $n) { member { profile { userName } } } }"
    async with callers(tmp_path) as running:
        withheld = await running.ask(Caller("n", (ANY_CARD,)), query, {"n": gone})
        shown = await running.ask(Caller("o", (ANY_CARD, MEMBER)), query, {"n": gone})
    assert codes(withheld) == [(PROFILE, FORBIDDEN)]
    assert codes(shown) == [(PROFILE, NO_MEMBER)]
