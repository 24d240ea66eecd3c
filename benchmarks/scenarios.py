"""What is asked, and the one answer that counts as right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

_CARD_FIELDS: Final = "cardNo balance cardStatus serviceId serviceName ownerKa isAutoRechargeBeforePayment"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One query and what it takes to answer it."""

    name: str
    query: str
    upstream_calls: int
    with_profile: bool

    def body(self, card_no: str) -> bytes:
        """The request's body; every target gets the same."""
        return orjson.dumps({"query": self.query, "variables": {"cardNo": card_no}})

    def answer(self, card_no: str) -> dict[str, Any]:
        """The right answer, for the benchmark's upstream."""
        member: dict[str, Any] = {"userId": card_no}
        if self.with_profile:
            member["profile"] = {
                "userName": "Hong Gildong",
                "mobileNumber": "01012345678",
                "email": "member@example.com",
            }
        card = {
            "cardNo": card_no,
            "balance": 152300,
            "cardStatus": "ACTIVE",
            "serviceId": "100000000000001",
            "serviceName": "Benchmark card",
            "ownerKa": "100000000000002",
            "isAutoRechargeBeforePayment": True,
            "member": member,
            "cashReceiptInfo": {"approvalDiv": "INCOME_DEDUCTION", "idNo": "01012345678", "manYn": "MANUAL"},
        }
        return {"data": {"card": card}}


def _query(member_fields: str) -> str:
    return (
        f"query ($cardNo: CardNumber!) {{ card(cardNo: $cardNo) {{ {_CARD_FIELDS} "
        f"member {{ {member_fields} }} cashReceiptInfo {{ approvalDiv idNo manYn }} }} }}"
    )


TWO_CALLS: Final = Scenario(
    "card and member",
    _query("userId profile { userName mobileNumber email }"),
    upstream_calls=2,
    with_profile=True,
)
ONE_CALL: Final = Scenario("card", _query("userId"), upstream_calls=1, with_profile=False)
SCENARIOS: Final = (TWO_CALLS, ONE_CALL)
