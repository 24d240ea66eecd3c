"""Every reserved card number of the sandbox: its code, whether it is retryable, and what still answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graph.sandbox.faults import FAULTS, Fault
from graph.sandbox.ledger import CARDS, FIRST_CARD
from schema.errors import ErrorCode
from tests.faults.jumping_clock import jumping
from tests.support import gateway
from tests.tables import table

if TYPE_CHECKING:
    from tests.telemetry.capture import Unredacted

QUERY = """query ($n: [CardNumber!]!) { cards(cardNos: $n) {
  maskedCardNo balance serviceId serviceName cardStatus isAutoRechargeBeforePayment
  member { userId profile { userName } } cashReceiptInfo { approvalDiv maskedIdNo manYn } } }"""


@table("fault", FAULTS.values())
@jumping
async def test_a_reserved_card_fails_as_documented_and_its_neighbour_answers(
    fault: Fault, logged: Unredacted
) -> None:
    async with gateway() as running:
        response = await running.post(QUERY, {"n": [fault.number, FIRST_CARD]})
    answer = response.json()
    neighbour = answer["data"]["cards"][1]
    assert CARDS[FIRST_CARD].fields["balance"] == neighbour["balance"]
    assert neighbour["member"]["profile"]["userName"] == "김샌드"
    expected = [] if fault.code is None else [(fault.code.value, fault.retryable, expected_path(fault))]
    assert [
        (error["extensions"]["code"], error["extensions"]["retryable"], error["path"])
        for error in answer.get("errors", [])
    ] == expected
    assert (fault.code is not None and fault.field is None) == (answer["data"]["cards"][0] is None)
    assert fault.number not in response.text
    assert fault.number not in logged.text
    assert FIRST_CARD not in response.text + logged.text


def expected_path(fault: Fault) -> list[Any]:
    field = {"cashReceiptInfo.idNo": "cashReceiptInfo.maskedIdNo"}.get(fault.field or "", fault.field)
    return ["cards", 0, *(field.split(".") if field else [])]


@table("fault", [fault for fault in FAULTS.values() if fault.code is not None])
@jumping
async def test_an_error_tells_its_upstream_call_and_nothing_of_the_upstreams_words(fault: Fault) -> None:
    async with gateway() as running:
        answer = await running.query(QUERY, {"n": [fault.number]})
    (error,) = answer["errors"]
    assert fault.code is not None
    assert ErrorCode[fault.code].message == error["message"]
    extensions = error["extensions"]
    assert extensions.keys() - {"retryAfterMs"} == {"code", "retryable", "requestId", "upstream"}
    assert extensions["upstream"].keys() == {"api", "code", "status", "correlationId"}
    assert len(extensions["upstream"]["correlationId"]) == 20


async def test_the_upstreams_code_and_status_are_shown() -> None:
    by_code = {fault.description[:7]: fault for fault in FAULTS.values()}
    async with gateway() as running:
        answer = await running.query(QUERY, {"n": [by_code["006_022"].number, by_code["777_777"].number]})
    assert [
        (error["extensions"]["upstream"]["code"], error["extensions"]["upstream"]["status"])
        for error in answer["errors"]
    ] == [("006_022", 400), ("777_777", 400)]


async def test_a_card_that_does_not_exist_is_not_found() -> None:
    async with gateway() as running:
        answer = await running.query('{ card(cardNo: "9491339499999999") { balance } }')
    assert answer["data"] == {"card": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["CARD_NOT_FOUND"]


async def test_answers_that_only_look_odd_are_good() -> None:
    odd = [fault for fault in FAULTS.values() if fault.code is None]
    async with gateway() as running:
        answer = await running.query(QUERY, {"n": [fault.number for fault in odd]})
    found = dict(zip((fault.description for fault in odd), answer["data"]["cards"], strict=True))
    assert "errors" not in answer
    assert found["balance as digits in a string"]["balance"] == 4_200
    assert found["a name longer than documented"]["serviceName"] == "긴이름" * 100
    assert found["undocumented values"]["cashReceiptInfo"]["approvalDiv"] == "UNKNOWN"


async def test_a_user_id_beyond_63_bits_keeps_every_digit() -> None:
    big = next(fault for fault in FAULTS.values() if "2^63" in fault.description)
    async with gateway() as running:
        answer = await running.query(f'{{ card(cardNo: "{big.number}") {{ member {{ userId }} }} }}')
    assert answer == {"data": {"card": {"member": {"userId": "9223372036854775808"}}}}


async def test_one_bad_field_is_null_with_its_own_error_and_the_others_answer() -> None:
    bad = next(fault for fault in FAULTS.values() if fault.description == "a negative balance")
    async with gateway() as running:
        answer = await running.query(f'{{ card(cardNo: "{bad.number}") {{ balance serviceId isRegistered }} }}')
    assert answer["data"]["card"] == {"balance": None, "serviceId": "SANDBOX00000001", "isRegistered": True}
    assert [error["path"] for error in answer["errors"]] == [["card", "balance"]]


async def test_a_bad_user_id_leaves_unknown_whether_the_card_is_registered() -> None:
    bad = next(fault for fault in FAULTS.values() if fault.description == "a user id that is not a number")
    async with gateway() as running:
        answer = await running.query(f'{{ card(cardNo: "{bad.number}") {{ isRegistered member {{ userId }} }} }}')
    assert answer["data"]["card"] == {"isRegistered": None, "member": None}
    assert [error["path"] for error in answer["errors"]] == [["card", "isRegistered"], ["card", "member"]]
