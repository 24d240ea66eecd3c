"""An upstream whose response for one card has one bad field: only that field fails."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from tests.faults.card_upstream import BAD, GOOD, CardUpstream, say
from tests.faults.jumping_clock import jumping
from tests.faults.rows import INVALID
from tests.faults.whole_gateway import Failure, failures, gateway_over
from tests.konaplate.faulty_upstream import http
from tests.konaplate.support import card_fields, encoded, succeeded, without

QUERY = f"""
query {{ good: card(cardNo: "{GOOD}") {{ ...all }} bad: card(cardNo: "{BAD}") {{ ...all }} }}
fragment all on Card {{
  balance serviceId serviceName ownerKa cardStatus cardStatusRaw isAutoRechargeBeforePayment
  member {{ userId }} cashReceiptInfo {{ approvalDiv maskedIdNo manYn }}
}}"""

WELL: dict[str, Any] = {
    "balance": 9_999_999_999,
    "serviceId": "100000000000001",
    "serviceName": "지역 카드",
    "ownerKa": "200000000000002",
    "cardStatus": "ACTIVE",
    "cardStatusRaw": "ACTIVE",
    "isAutoRechargeBeforePayment": True,
    "member": {"userId": "9223372036854775808"},
    "cashReceiptInfo": {
        "approvalDiv": "INCOME_DEDUCTION",
        "maskedIdNo": "010-****-5432",
        "manYn": "MANUAL",
    },
}


class Case(NamedTuple):
    body: bytes
    differs: dict[str, Any]
    """The differences from the good card."""
    failing: tuple[tuple[str, ...], ...] = ()
    """The paths of the errors."""


def changed(differs: dict[str, Any], *failing: tuple[str, ...], **changes: object) -> Case:
    return Case(succeeded(card_fields(**changes)), differs, failing)


def literally(name: str, literal: str, differs: dict[str, Any], *failing: tuple[str, ...]) -> Case:
    """Raw JSON text that Python's numbers cannot express."""
    return Case(succeeded(card_fields(**{name: "?"})).replace(b'"?"', literal.encode()), differs, failing)


RECEIPT = {"approvalDiv": "0", "idNo": "01098765432", "manYn": "1"}
NO_MEMBER: dict[str, Any] = {"member": None}

CASES: dict[str, Case] = {
    "missing field": Case(
        encoded({**without(card_fields(), "serviceId"), "response": {"code": "000_000"}}),
        {"serviceId": None},
        (("serviceId",),),
    ),
    "null where it may not be": changed({"serviceName": None}, ("serviceName",), serviceName=None),
    "null where it may be": changed({"ownerKa": None}, ownerKa=None),
    "extra field": changed({}, surprise={"cardNo": BAD}),
    "unknown status": changed({"cardStatus": "UNKNOWN", "cardStatusRaw": "MELTED"}, cardStatus="MELTED"),
    "undocumented values": changed(
        {"cashReceiptInfo": {"approvalDiv": "UNKNOWN", "maskedIdNo": "010-****-5432", "manYn": "UNKNOWN"}},
        cashReceiptInfo={**RECEIPT, "approvalDiv": "7", "manYn": "x"},
    ),
    "number as string": changed({"balance": 4_200}, balance="4200"),
    "string as number": changed({"serviceId": None}, ("serviceId",), serviceId=100_000_000_000_001),
    "number with a zero fraction": literally("balance", "42.0", {"balance": 42}),
    "number with a fraction": literally("balance", "42.5", {"balance": None}, ("balance",)),
    "negative balance": changed({"balance": None}, ("balance",), balance=-1),
    "balance beyond its range": changed({"balance": None}, ("balance",), balance=10_000_000_000),
    "balance of 100 digits": literally("balance", "9" * 100, {"balance": None}, ("balance",)),
    "true as number": changed({"balance": None}, ("balance",), balance=True),
    "number as boolean": changed(
        {"isAutoRechargeBeforePayment": None}, ("isAutoRechargeBeforePayment",), isAutoRechargeBeforePayment=1
    ),
    "user id beyond 63 bits": literally(
        "userId", "9223372036854775808", {"member": {"userId": "9223372036854775808"}}
    ),
    "the largest user id": literally(
        "userId", "9999999999999999999", {"member": {"userId": "9999999999999999999"}}
    ),
    "a user id beyond the largest": literally("userId", "10000000000000000000", NO_MEMBER, ("member",)),
    "user id as string": changed({"member": {"userId": "9999999999999999999"}}, userId="9999999999999999999"),
    "user id as a float": literally("userId", "9.223372036854776e18", NO_MEMBER, ("member",)),
    "no user id": changed(NO_MEMBER, userId=None),
    "object as text": changed(
        {"cardStatus": None, "cardStatusRaw": None}, ("cardStatus",), ("cardStatusRaw",), cardStatus={"a": 1}
    ),
    "list as object": changed({"cashReceiptInfo": None}, ("cashReceiptInfo",), cashReceiptInfo=[]),
    "one field of an inner object": changed(
        {"cashReceiptInfo": {"approvalDiv": "INCOME_DEDUCTION", "maskedIdNo": None, "manYn": "MANUAL"}},
        ("cashReceiptInfo", "maskedIdNo"),
        cashReceiptInfo=without(RECEIPT, "idNo"),
    ),
    # RFC 8259 leaves duplicate keys undefined: one of the two values, and never an internal error.
    "a key twice": Case(succeeded(card_fields()).replace(b'{"userId"', b'{"balance":1,"userId"', 1), {}),
    "no response member": Case(encoded(card_fields()), {}),
    "a text of control characters": changed({"serviceName": "\x00\x1b[2J"}, serviceName="\x00\x1b[2J"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@jumping
async def test_an_odd_field_fails_alone(case: Case) -> None:
    upstream = CardUpstream(say(http(case.body)))
    async with gateway_over(upstream, GuardRules(breaker=BreakerRules(minimum_calls=1))) as gateway:
        first = await gateway.query(QUERY)
        second = await gateway.query(QUERY)
    for answer in (first, second):
        assert {"good": WELL, "bad": {**WELL, **case.differs}} == answer["data"]
        expected = [Failure(["bad", *path], INVALID, retryable=False) for path in case.failing]
        assert failures(answer) == expected
    # Never retried, and never counted by the breaker.
    assert (len(upstream.bad_calls), upstream.good_calls) == (2, 2)
