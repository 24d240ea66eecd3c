"""The gateway reads a member's wallet from a Konaplate of another make, in every form that is tolerated."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.security.development import DevelopmentSigner, signer_settings
from tests.support import gateway

from .inquiries import (
    ACCOUNT_PATH,
    AUTHENTICATION_PATH,
    CARD_LIST_PATH,
    DEDUCTION_PATH,
    PRODUCTS_PATH,
    TERMS_PATH,
    TRANSACTIONS_PATH,
)
from .konaplate import CARD_PATH, IndependentKonaplate
from .raw_client import Draft, connect, envelope, keys, sealed
from .wallet import (
    CARDS,
    MEMBER_ID,
    TRANSACTIONS,
    approved,
    card_no,
    fill,
    numbers_in_text,
    only_documented,
    other_dates,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

EVERYTHING = """{ viewer { member { userId isIdentityVerified
  terms { tcId order isAgree agreeDate required }
  cards {
    maskedCardNo balance cardStatus pendingAmount isNamed expiryDate limits { day once month }
    points { remainingPoint autoUse } physicalCard { maskedCardNo } product { serviceId serviceName }
    virtualAccount { maskedAccountNo bankCode bankName connectType }
    taxDeduction { isRegistered deductionDate created }
    transactions(first: 20) { pageInfo { hasNextPage } nodes {
      trType authCancelType trAmount balanceAfter approvalDateTime merchantName cashReceiptInfo { isuStCd } } }
} } } }"""


class Asking:
    """A member who asks a gateway, and the calls that this makes."""

    def __init__(self, ask: Callable[[str], Awaitable[dict[str, Any]]], upstream: IndependentKonaplate) -> None:
        self._ask, self._upstream = ask, upstream

    async def query(self, text: str) -> tuple[dict[str, Any], Counter[str]]:
        """The answer, and the number of calls by path."""
        before = len(self._upstream.calls)
        answer = await self._ask(text)
        assert self._upstream.violations == []
        return answer, Counter(call.path for call in self._upstream.calls[before:])


@asynccontextmanager
async def asking(folder: Path, *, encrypted: bool = True, **options: Any) -> AsyncIterator[Asking]:
    """A member without any scope at a gateway that encrypts where the vendor's pages say so."""
    signer = DevelopmentSigner.in_directory(folder)
    token = signer.token("m", scopes=(), lifetime=3600, claims={"konaplate_user_id": str(MEMBER_ID)})
    async with IndependentKonaplate(credentials=keys(), encrypted=encrypted, **options) as upstream:
        fill(upstream.bank)
        for place in range(CARDS):
            upstream.cards[card_no(place)] = {
                "userId": MEMBER_ID,
                "balance": 1000 * place,
                "serviceId": "S",
                "serviceName": "N",
                "isAutoRechargeBeforePayment": True,
                "cashReceiptInfo": {"approvalDiv": "0", "idNo": "01012345678", "manYn": "1"},
            }
        of = upstream.credentials
        variables = {
            **signer_settings(folder),
            "KONAPLATE_BASE_URL": upstream.base_url,
            "KONAPLATE_ASP_ID": of.asp_id,
            "KONAPLATE_ACCESS_KEY": of.access_key,
            "KONAPLATE_SECRET_KEY": of.secret_key,
            "KONAPLATE_ENCRYPTION": "on" if encrypted else "off",
            "KONAPLATE_CRYPTO_KEY_ID": of.crypto_key_id,
            "KONAPLATE_SERVER_PUBLIC_KEY": of.server_public_key_pem,
            "KONAPLATE_CLIENT_PRIVATE_KEY": of.client_private_key_pem,
            "KONAGRAPH_COST_BURST": "100000",
        }
        async with gateway(httpx.AsyncHTTPTransport(), **variables) as running:

            async def ask(text: str) -> dict[str, Any]:
                answer: dict[str, Any] = (await running.post(text, Authorization=f"Bearer {token}")).json()
                return answer

            yield Asking(ask, upstream)


BY_NUMBER = f'card(cardNo: "{card_no(1)}")'
ONE_PAGE = {CARD_PATH: 1, CARD_LIST_PATH: 1, TRANSACTIONS_PATH: 1}
TWO_ALIASES = "a: transactions { nodes { trType } } b: transactions { nodes { trAmount } }"
COUNTS = {
    "viewer { member { cards { balance } } }": {CARD_LIST_PATH: 1},
    "viewer { member { cards { cashReceiptInfo { manYn } } } }": {CARD_LIST_PATH: 1, CARD_PATH: CARDS},
    f"{BY_NUMBER} {{ balance }}": {CARD_PATH: 1},
    f"{BY_NUMBER} {{ balance transactions {{ nodes {{ trAmount }} }} }}": ONE_PAGE,
    f"{BY_NUMBER} {{ {TWO_ALIASES} }}": ONE_PAGE,
    "terms { title }": {TERMS_PATH: 1},
    "viewer { member { isIdentityVerified terms { title } } }": {AUTHENTICATION_PATH: 1, TERMS_PATH: 1},
    "viewer { scopes member { userId } }": {},
}


@pytest.mark.parametrize(("fields", "calls"), COUNTS.items())
async def test_a_query_makes_the_calls_that_it_must(fields: str, calls: dict[str, int], tmp_path: Path) -> None:
    async with asking(tmp_path) as member:
        answer, made = await member.query(f"{{ {fields} }}")
    assert "errors" not in answer
    assert made == calls


def expected(place: int) -> dict[str, Any]:
    """The card in the graph."""
    own = range(min(20, TRANSACTIONS)) if place < 2 else ()
    return {
        "maskedCardNo": f"949133******{place:04d}",
        "balance": 1000 * place,
        "cardStatus": "ACTIVE",
        "pendingAmount": 7,
        "isNamed": True,
        "expiryDate": "2912",
        "limits": {"day": 3, "once": 2, "month": 0} if place == 1 else None,
        "points": [{"remainingPoint": 5, "autoUse": True}],
        "physicalCard": None,
        "product": (
            {"serviceId": "PRODUCT00000009", "serviceName": None}
            if place == 4
            else {"serviceId": "PRODUCT00000002", "serviceName": "상품"}
        ),
        "virtualAccount": (
            None
            if place == 4
            else {
                "maskedAccountNo": f"****{place:04d}",
                "bankCode": "020",
                "bankName": "우리은행",
                "connectType": None,
            }
        ),
        "taxDeduction": {
            "isRegistered": place == 0,
            "deductionDate": None if place else "2025-01-02",
            "created": None if place else "2025-01-02T03:04:05+09:00",
        },
        "transactions": {
            "pageInfo": {"hasNextPage": bool(own)},
            "nodes": [
                {
                    "trType": "PAYMENT",
                    "authCancelType": "CANCEL" if age == 1 else "AUTH",
                    "trAmount": 100 + age,
                    "balanceAfter": age,
                    "approvalDateTime": approved(age).isoformat(),
                    "merchantName": "가게",
                    "cashReceiptInfo": {"isuStCd": "1"} if age == 0 else None,
                }
                for age in own
            ],
        },
    }


FORMS: dict[str, dict[str, Any]] = {
    "as documented, in clear where unknown": {},
    "encrypted where unknown": {"seals_unknown": True},
    "with the longer content key, without a key id": {"content_encryption": "A256GCM", "answer_key_id": False},
    "on a line without encryption": {"encrypted": False},
    "with numbers in text": {"reshape": numbers_in_text},
    "with other forms of dates": {"reshape": other_dates},
}


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
async def test_a_whole_wallet_is_read_in_every_form(options: dict[str, Any], tmp_path: Path) -> None:
    async with asking(tmp_path, **options) as member:
        answer, calls = await member.query(EVERYTHING)
    codes = [(error["path"][-1], error["extensions"]["code"]) for error in answer.get("errors", [])]
    assert codes == [("virtualAccount", "UPSTREAM_ERROR")]
    found = answer["data"]["viewer"]["member"]
    assert (found["userId"], found["isIdentityVerified"]) == (str(MEMBER_ID), True)
    assert [terms["tcId"] for terms in found["terms"]] == ["2", "1"]
    assert [terms["order"] for terms in found["terms"]] == [2, 10]
    assert [terms["agreeDate"] for terms in found["terms"]] == [None, "2025-01-02T03:04:05.678+09:00"]
    assert found["cards"] == [expected(place) for place in range(CARDS)]
    assert calls == {
        CARD_LIST_PATH: 1,
        AUTHENTICATION_PATH: 1,
        TERMS_PATH: 1,
        # One for both names that did not come with their rows.
        PRODUCTS_PATH: 1,
        ACCOUNT_PATH: CARDS,
        DEDUCTION_PATH: CARDS,
        TRANSACTIONS_PATH: CARDS,
    }


async def test_what_was_only_seen_may_be_missing(tmp_path: Path) -> None:
    query = EVERYTHING.replace("maskedCardNo balance", "balance", 1).replace(
        "virtualAccount { maskedAccountNo bankCode bankName connectType }", ""
    )
    async with asking(tmp_path, reshape=only_documented) as member:
        answer, calls = await member.query(query)
    assert "errors" not in answer
    for place, card in enumerate(answer["data"]["viewer"]["member"]["cards"]):
        assert (card["balance"], card["isNamed"], card["limits"]) == (
            1000 * place,
            True,
            expected(place)["limits"],
        )
        unknown = ("cardStatus", "pendingAmount", "expiryDate", "points", "physicalCard", "product")
        assert [card[name] for name in unknown] == [None] * len(unknown)
        nodes = card["transactions"]["nodes"]
        assert {value for node in nodes for value in node.values()} <= {None}
    assert calls[PRODUCTS_PATH] == 0


async def test_a_walk_over_a_history_sees_each_transaction_once(tmp_path: Path) -> None:
    amounts, after = [], "null"
    async with asking(tmp_path) as member:
        while after:
            answer, calls = await member.query(
                f"{{ {BY_NUMBER} {{ transactions(first: 10, after: {after}) {{"
                " nodes { trAmount } pageInfo { hasNextPage endCursor } } } }"
            )
            page = answer["data"]["card"]["transactions"]
            amounts.append([node["trAmount"] for node in page["nodes"]])
            assert calls[TRANSACTIONS_PATH] <= 2
            after = json.dumps(page["pageInfo"]["endCursor"]) if page["pageInfo"]["hasNextPage"] else ""
    assert [len(each) for each in amounts] == [10, 10, 5]
    assert [amount for page in amounts for amount in page] == [100 + age for age in range(TRANSACTIONS)]


def clear(path: str, **payload: Any) -> Draft:
    return Draft(json.dumps(payload).encode(), path)


DAYS = {"startDate": "20250101", "endDate": "20250102"}
# Made in the test: the times in their headers are those of a moment.
WRONG: dict[str, Callable[[], Draft]] = {
    "userId is missing": lambda: clear(CARD_LIST_PATH),
    "userId is not as": lambda: clear(CARD_LIST_PATH, userId="77"),
    "cardNo is no field": lambda: clear(CARD_LIST_PATH, userId=77, cardNo=card_no(0)),
    "X-KM-Crypto-Key-Id: missing": lambda: clear(CARD_LIST_PATH, userId=77).without("X-KM-Crypto-Key-Id"),
    "X-KM-Crypto-Key-Id: present": lambda: clear(PRODUCTS_PATH, serviceIdList=["P"]),
    "encData is no field": lambda: Draft(envelope(sealed(b'{"userId":77}')), CARD_LIST_PATH),
    "encData is not the one": lambda: clear(ACCOUNT_PATH, cardNo=card_no(0)),
    "par is not as": lambda: Draft(envelope(sealed(b'{"par":"P"}')), DEDUCTION_PATH),
    "userId is not as documented": lambda: clear(TRANSACTIONS_PATH, par="P" * 27, userId=10**15, **DAYS),
    "pageRequest is not": lambda: clear(TRANSACTIONS_PATH, par="P" * 27, pageRequest={"page": -1}, **DAYS),
    "trType is not": lambda: clear(TRANSACTIONS_PATH, par="P" * 27, trType="PAYMENT", **DAYS),
    "locale is not": lambda: clear(TERMS_PATH, locale=None),
    "isAuthed is no field": lambda: Draft(envelope(sealed(b'{"userId":77,"isAuthed":true}')), AUTHENTICATION_PATH),
}


@pytest.mark.parametrize("rule", WRONG)
async def test_a_deviation_is_noticed(rule: str) -> None:
    draft = WRONG[rule]()
    async with IndependentKonaplate(credentials=keys()) as fake, connect(fake.base_url) as client:
        status, _, _ = await client.send(draft.raw())
    (violation,) = fake.violations
    assert rule in violation
    assert (status, fake.calls) == (400, [])
