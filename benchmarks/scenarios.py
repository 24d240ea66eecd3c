"""What is asked, under which load, and the one answer that counts as right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

ALIASES: Final = 20
DISTINCT: Final = 15
WALLET_CARDS: Final = 5
TRANSACTIONS: Final = 20
_FIELDS: Final = (
    "cardNo balance cardStatus serviceId serviceName ownerKa isAutoRechargeBeforePayment "
    "member {{ userId {profile} }} cashReceiptInfo {{ approvalDiv idNo manYn }}"
)
_CARD_FIELDS: Final = _FIELDS.format(profile="")


@dataclass(frozen=True, slots=True)
class Question:
    """A GraphQL request for some cards."""

    name: str
    query: str
    cards: int
    """Distinct cards that it asks for: one, or several by aliases."""
    upstream_calls: int
    """The fewest calls that answer it."""
    expected: str
    """In every right answer, and in no wrong one: the load generator looks for it."""
    with_profile: bool = False
    variable: str = "cardNo"
    """What the number in the request stands for: `userId` asks for a wallet."""

    def body(self, *card_nos: str) -> bytes:
        """The request's body, the same for every server."""
        variables = {self.variable: card_nos[0]}
        if self.cards > 1:
            variables = {f"c{at}": card_nos[at % self.cards] for at in range(ALIASES)}
        return orjson.dumps({"query": self.query, "variables": variables})

    def answer(self, *card_nos: str) -> dict[str, Any]:
        """The right answer, for the benchmark's upstream."""
        if self.cards > 1:
            return {"data": {f"a{at}": self._card(card_nos[at % self.cards]) for at in range(ALIASES)}}
        if self.variable == "userId":
            return {"data": {"member": {"cards": _cards_of(card_nos[0])}}}
        return {"data": {"card": self._card(card_nos[0])}}

    def _card(self, card_no: str) -> dict[str, Any]:
        profile = {"userName": "Hong Gildong", "mobileNumber": "01012345678", "email": "member@example.com"}
        return {
            "cardNo": card_no,
            "balance": 152300,
            "cardStatus": "ACTIVE",
            "serviceId": "100000000000001",
            "serviceName": "Benchmark card",
            "ownerKa": "100000000000002",
            "isAutoRechargeBeforePayment": True,
            "member": {"userId": card_no, **({"profile": profile} if self.with_profile else {})},
            "cashReceiptInfo": {"approvalDiv": "INCOME_DEDUCTION", "idNo": "01012345678", "manYn": "MANUAL"},
        }


def _cards_of(user_id: str) -> list[dict[str, Any]]:
    nodes = [
        {
            "nrNumber": f"{at:018d}",
            "trAmount": 1000 + at,
            "authCancelType": "AUTH",
            "merchantName": f"Merchant {at}",
        }
        for at in range(TRANSACTIONS)
    ]
    # The last four digits of a card in a wallet: see `benchmarks/upstream.py`.
    masked = [f"949133******{user_id[-3:]}{place}" for place in range(WALLET_CARDS)]
    return [{"maskedCardNo": each, "balance": 152300, "transactions": {"nodes": nodes}} for each in masked]


_ONE: Final = "query ($cardNo: CardNumber!) {{ card(cardNo: $cardNo) {{ {fields} }} }}"
CARD: Final = Question("card", _ONE.format(fields=_CARD_FIELDS), 1, 1, '"balance":152300')
MEMBER: Final = Question(
    "card and member",
    _ONE.format(fields=_FIELDS.format(profile="profile { userName mobileNumber email }")),
    cards=1,
    upstream_calls=2,
    expected='"email":"member@example.com"',
    with_profile=True,
)
MANY: Final = Question(
    f"{ALIASES} aliases with {ALIASES - DISTINCT} duplicates",
    f"query ({', '.join(f'$c{at}: CardNumber!' for at in range(ALIASES))}) "
    f"{{ {' '.join(f'a{at}: card(cardNo: $c{at}) {{ {_CARD_FIELDS} }}' for at in range(ALIASES))} }}",
    cards=DISTINCT,
    upstream_calls=DISTINCT,
    expected=f'"a{ALIASES - 1}":{{"cardNo":',
)
WALLET: Final = Question(
    f"wallet of {WALLET_CARDS} cards with {TRANSACTIONS} transactions each",
    "query ($userId: ID!) { member(userId: $userId) { cards { maskedCardNo balance transactions(first: "
    f"{TRANSACTIONS}) {{ nodes {{ nrNumber trAmount authCancelType merchantName }} }} }} }} }}",
    cards=1,
    upstream_calls=1 + WALLET_CARDS,
    expected=f'"merchantName":"Merchant {TRANSACTIONS - 1}"',
    variable="userId",
)
SCENARIOS: Final = (CARD, MEMBER, MANY, WALLET)


@dataclass(frozen=True, slots=True)
class Case:
    """A question under a load: one column of figures."""

    name: str
    question: Question = CARD
    connections: int = 32
    """Each has one request in flight."""
    upstream_ms: int = 0
    hot: float | None = None
    """Exponent of Zipf's law, by which cards are asked for again. None: every request asks for new ones."""
    attacked: bool = False
    """Whether one viewer sends the worst documents meanwhile: the figures are the others'."""


CARD_32: Final = Case("card, 32 connections")
CARD_128: Final = Case("card, 128 connections", connections=128)
CARD_32_SLOW: Final = Case("card, 32 connections, 20 ms", upstream_ms=20)
CARD_128_SLOW: Final = Case("card, 128 connections, 20 ms", connections=128, upstream_ms=20)
CARD_AND_MEMBER: Final = Case("card and member, 32 connections", MEMBER)
MANY_CARDS: Final = Case(f"{MANY.name}, 8 connections", MANY, connections=8)
WALLETS: Final = Case("wallet of 5 cards, 8 connections", WALLET, connections=8)
HOT: Final = Case("hot cards, 256 connections, 20 ms", connections=256, upstream_ms=20, hot=1.5)
ATTACKED: Final = Case("card, beside the worst documents", attacked=True)
CASES: Final = (CARD_32, CARD_128, CARD_32_SLOW, CARD_128_SLOW, CARD_AND_MEMBER, MANY_CARDS, WALLETS, HOT)
PLAIN_32: Final = Case("plain: card, 32 connections")
