"""What is asked, and the one answer that counts as right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

CARD_FIELDS: Final = "cardNo balance cardStatus serviceId serviceName ownerKa isAutoRechargeBeforePayment"
WHOLE_CARD: Final = f"{CARD_FIELDS} member {{ userId }} cashReceiptInfo {{ approvalDiv idNo manYn }}"


class Question(Protocol):
    """A request about one or several cards."""

    @property
    def name(self) -> str:
        """Of its own among all questions."""
        ...

    @property
    def cards(self) -> int:
        """How many distinct cards it asks for."""
        ...

    @property
    def upstream_calls(self) -> int:
        """The fewest calls that answer it when nothing is remembered."""
        ...

    @property
    def expected(self) -> str:
        """What is in every right answer, and in no wrong one."""
        ...

    def body(self, *card_nos: str) -> bytes:
        """The request's body; every target gets the same."""
        ...

    def answer(self, *card_nos: str) -> dict[str, Any]:
        """The right answer, for the benchmark's upstream."""
        ...


@dataclass(frozen=True, slots=True)
class Scenario:
    """One card."""

    name: str
    query: str
    upstream_calls: int
    with_profile: bool

    @property
    def cards(self) -> int:
        """One."""
        return 1

    @property
    def expected(self) -> str:
        """A field of the last upstream answer."""
        return '"email":' if self.with_profile else '"balance":'

    def body(self, *card_nos: str) -> bytes:
        """The card number is a variable."""
        return orjson.dumps({"query": self.query, "variables": {"cardNo": card_nos[0]}})

    def answer(self, *card_nos: str) -> dict[str, Any]:
        """The card, and nothing else."""
        return {"data": {"card": card(card_nos[0], with_profile=self.with_profile)}}


def card(card_no: str, *, with_profile: bool = False) -> dict[str, Any]:
    """What every query here selects of a card."""
    member: dict[str, Any] = {"userId": card_no}
    if with_profile:
        member["profile"] = {
            "userName": "Hong Gildong",
            "mobileNumber": "01012345678",
            "email": "member@example.com",
        }
    return {
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


def _query(member_fields: str) -> str:
    return (
        f"query ($cardNo: CardNumber!) {{ card(cardNo: $cardNo) {{ {CARD_FIELDS} "
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
