"""What the fields of the schema show of Konaplate's records, executed by plans and by graphql-core alike."""

from __future__ import annotations

import pytest

from graph.graphql.bindings import executable_schema
from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.konaplate import errors
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.errors import CallDetails
from graph.security.authorization import ANONYMOUS, Viewer
from schema.secrets import CardNo, MemberId, PersonalText
from tests.graphql.plan_cases import A, B, C, broken, card, member, run_both, says
from tests.graphql.plan_world import REFS, World, outcome_of
from tests.test_toy_endpoint import COUPONS, Coupon, CouponBook, CouponQuery

RECEIPT = {"approvalDiv": "1", "idNo": "01012345678", "manYn": "0"}
OWNER = Viewer("member", "m", frozenset(), MemberId("1001"), None)


async def shown(selection: str, around: World) -> tuple[str, list[tuple[list[str | int], str]]]:
    """The data of the card, and the path and code of each error."""
    outcome, _ = await run_both(f'{{ card(cardNo: "{A}") {{ {selection} }} }}', around)
    errors = [(error["path"][1:], error["extensions"]["code"]) for error in outcome.errors]
    return outcome.data.decode().removeprefix('{"card":').removesuffix("}"), errors


def world(viewer: Viewer = ANONYMOUS, **fields: object) -> World:
    return World(viewer, {A: says(card(**fields))}, {"1001": member()})


async def test_a_card_is_asked_for_by_its_number_and_shows_it() -> None:
    expected = f'{{"cardNo":"{A}","maskedCardNo":"949133******0013"}}'
    assert await shown("cardNo maskedCardNo", world()) == (expected, [])


@pytest.mark.parametrize(
    ("word", "status"),
    [("SUSPENDED", '"SUSPENDED"'), ("FROZEN", '"UNKNOWN"'), ("UNKNOWN", '"UNKNOWN"'), (None, "null")],
)
async def test_a_word_is_its_enums_member_or_unknown(word: str | None, status: str) -> None:
    raw = "null" if word is None else f'"{word}"'
    expected = f'{{"cardStatus":{status},"cardStatusRaw":{raw}}}'
    assert await shown("cardStatus cardStatusRaw", world(cardStatus=word)) == (expected, [])


async def test_a_field_that_cannot_be_read_is_its_error_in_every_form_of_it_and_its_neighbours_answer() -> None:
    around = world(user_id="x", cardStatus=7, cashReceiptInfo="none")
    selection = "balance member { userId } isRegistered cardStatus cardStatusRaw cashReceiptInfo { idNo }"
    data, errors = await shown(selection, around)
    assert data.startswith('{"balance":1,"member":null,')
    assert errors == [
        ([name], "UPSTREAM_INVALID_RESPONSE")
        for name in ("member", "isRegistered", "cardStatus", "cardStatusRaw", "cashReceiptInfo")
    ]


async def test_an_unregistered_card_has_no_member_and_no_receipts() -> None:
    expected = '{"isRegistered":false,"member":null,"cashReceiptInfo":null}'
    selection = "isRegistered member { userId profile { email } } cashReceiptInfo { idNo }"
    assert await shown(selection, world(user_id=None)) == (expected, [])


async def test_a_receipts_identity_is_withheld_from_who_may_not_read_it_and_always_masked() -> None:
    selection = "cashReceiptInfo { idNo maskedIdNo approvalDiv approvalDivRaw manYn manYnRaw }"
    words = '"approvalDiv":"EXPENSE_PROOF","approvalDivRaw":"1","manYn":"CARD_NUMBER","manYnRaw":"0"'
    rest = f'"maskedIdNo":"010-****-5678",{words}}}}}'
    data, errors = await shown(selection, world(cashReceiptInfo=RECEIPT))
    assert ('{"cashReceiptInfo":{"idNo":"01012345678",' + rest, []) == (data, errors)
    data, errors = await shown(selection, world(OWNER, cashReceiptInfo=RECEIPT))
    assert '{"cashReceiptInfo":{"idNo":null,' + rest == data
    assert errors == [(["cashReceiptInfo", "idNo"], "FORBIDDEN")]


async def test_a_receipts_identity_that_cannot_be_read_is_no_fault_of_who_may_not_read_it() -> None:
    faulty = {**RECEIPT, "idNo": 7}
    codes = [
        (await shown("cashReceiptInfo { idNo }", world(viewer, cashReceiptInfo=faulty)))[1][0][1]
        for viewer in (OWNER, ANONYMOUS)
    ]
    assert codes == ["FORBIDDEN", "UPSTREAM_INVALID_RESPONSE"]


async def test_what_is_read_of_a_card_and_of_its_member_is_noted_in_one_place_and_only_if_it_is_shown() -> None:
    text = f"""query ($no: Boolean = false) {{ card(cardNo: "{A}") {{
      cashReceiptInfo {{ idNo maskedIdNo }}
      member {{ userId profile {{ userName gender mobileNumber @include(if: $no) }} }} }} }}"""
    outcome, _ = await run_both(text, world(cashReceiptInfo=RECEIPT))
    (event,) = outcome.events
    assert (event.action, event.what, event.card_ref) == ("read", "card", REFS.of(CardNo(A)))
    assert event.member_ref == REFS.of(MemberId("1001"))
    assert event.fields == ("gender", "idNo", "maskedIdNo", "userId", "userName")
    assert (event.clear, event.masked) == (("idNo", "userId", "userName"), ("maskedIdNo",))
    assert (event.origin, event.own) == ("number", False)


async def test_a_profile_without_its_scope_is_refused_without_a_call() -> None:
    outcome, _ = await run_both(f'{{ card(cardNo: "{A}") {{ member {{ profile {{ email }} }} }} }}', world(OWNER))
    assert list(outcome.calls) == [("card_info", A)]
    read, refused = sorted(outcome.events)
    assert (read.action, read.fields, read.own) == ("read", (), True)
    assert (refused.action, refused.card_ref, refused.code) == ("refused", REFS.of(CardNo(A)), "FORBIDDEN")
    assert refused.fields == ("profile",)


async def test_a_balance_that_json_cannot_carry_is_an_error_and_not_a_rounded_number() -> None:
    around = World(ANONYMOUS, {A: says(broken(balance=2**53))})
    data, errors = await shown("balance serviceId", around)
    assert (data, errors) == ('{"balance":null,"serviceId":"S1"}', [(["balance"], "INTERNAL_SERVER_ERROR")])


async def test_a_single_number_is_taken_for_a_list_of_one() -> None:
    outcome, _ = await run_both(f'{{ cards(cardNos: "{A}") {{ balance }} }}', world())
    assert outcome.data == b'{"cards":[{"balance":1}]}'


async def test_cards_are_answered_in_the_order_asked_and_one_that_fails_is_null_at_its_place() -> None:
    around = World(ANONYMOUS, {A: says(card(balance=3)), B: says(LookupError())})
    outcome, _ = await run_both(f'{{ cards(cardNos: ["{A}", "{B}", "{A}"]) {{ balance }} }}', around)
    assert outcome.data == b'{"cards":[{"balance":3},null,{"balance":3}]}'
    assert [error["path"] for error in outcome.errors] == [["cards", 1]]


async def test_a_card_that_some_record_leads_to_is_hidden_as_one_that_the_caller_names() -> None:
    schema = executable_schema([*ENDPOINTS, COUPONS], CouponQuery)
    book = CouponBook(
        user_id=MemberId("1001"),
        coupons=[Coupon(giver_name=PersonalText("Kim"), card_no=CardNo(number)) for number in (A, B, C)],
    )
    failure = errors.UnknownCodeError(CallDetails("261122120000-0123456", 400, "001_999"))
    cards = {A: says(card(user_id=1001)), B: says(card(user_id=1002)), C: says(failure)}
    document = Documents(schema, DocumentLimits(), introspection=False).read(
        '{ coupons(userId: "1001") { card { balance } } }'
    )
    for kind in ("plan", "core"):
        around = World(OWNER, cards, others={"coupons": {"1001": says(book)}})
        outcome = await outcome_of(OperationExecutor(schema, kind), around, document, document.operation(None), {})
        assert outcome.data == b'{"coupons":[{"card":{"balance":1}},{"card":null},{"card":null}]}'
        told = [{**error, "locations": None, "path": None} for error in outcome.errors]
        assert [error["extensions"]["code"] for error in told] == ["CARD_NOT_FOUND"] * 2
        # Nor does it tell whether there is such a card.
        assert told[0] == told[1]
