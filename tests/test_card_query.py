"""One card query, end to end against the sandbox: fields, and the number of upstream calls."""

from __future__ import annotations

import httpx
import pytest

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.sandbox.ledger import CARDS
from tests.faults.jumping_clock import jumping
from tests.independent.konaplate import IndependentKonaplate
from tests.independent.raw_client import keys
from tests.support import CONTRACT_QUERY, Recorder, gateway

NUMBERS = list(CARDS)


async def test_the_contract_query_answers_every_field() -> None:
    async with gateway() as running:
        answer = await running.query(CONTRACT_QUERY, {"cardNo": NUMBERS[0]})
    assert {
        "data": {
            "card": {
                "cardNo": NUMBERS[0],
                "balance": 50_000,
                "cardStatus": "ACTIVE",
                "serviceId": "SANDBOX00000001",
                "serviceName": "샌드박스 선불카드",
                "ownerKa": "000000000000001",
                "isAutoRechargeBeforePayment": False,
                "member": {
                    "userId": "1001",
                    "profile": {
                        "userName": "김샌드",
                        "mobileNumber": "01012345678",
                        "email": "kim@example.com",
                    },
                },
                "cashReceiptInfo": {"approvalDiv": "INCOME_DEDUCTION", "idNo": "01012345678", "manYn": "MANUAL"},
            }
        }
    } == answer


async def test_every_field_of_the_schema_can_be_selected() -> None:
    query = """query ($cardNo: CardNumber!) { card(cardNo: $cardNo) {
      maskedCardNo cardStatusRaw isRegistered
      cashReceiptInfo { approvalDivRaw maskedIdNo manYnRaw }
      member { profile { aspId birthDate loginId nationality nationalityRaw gender genderRaw joinChannel
        addressInfo { address zipCode addressDetail } } } } }"""
    async with gateway() as running:
        answer = await running.query(query, {"cardNo": NUMBERS[0]})
    assert answer["data"]["card"] == {
        "maskedCardNo": f"949133******{NUMBERS[0][-4:]}",
        "cardStatusRaw": "ACTIVE",
        "isRegistered": True,
        "cashReceiptInfo": {"approvalDivRaw": "0", "maskedIdNo": "010-****-5678", "manYnRaw": "1"},
        "member": {
            "profile": {
                "aspId": "000000000000001",
                "birthDate": "19900101",
                "loginId": "kim@example.com",
                "nationality": "KOREAN",
                "nationalityRaw": "Korean",
                "gender": "FEMALE",
                "genderRaw": "Female",
                "joinChannel": "APP",
                "addressInfo": {
                    "address": "서울특별시 중구 모래로 1",
                    "zipCode": "04500",
                    "addressDetail": "101호",
                },
            }
        },
    }


async def test_every_card_of_the_ledger_answers_what_it_holds() -> None:
    query = """query ($cardNos: [CardNumber!]!) { cards(cardNos: $cardNos) {
      cardNo balance cardStatusRaw isRegistered member { userId } ownerKa } }"""
    async with gateway() as running:
        answer = await running.query(query, {"cardNos": NUMBERS})
    expected = [
        {
            "cardNo": card.number,
            "balance": card.fields["balance"],
            "cardStatusRaw": card.fields["cardStatus"],
            "isRegistered": card.fields["userId"] is not None,
            "member": None if card.fields["userId"] is None else {"userId": str(card.fields["userId"])},
            "ownerKa": card.fields["ownerKa"],
        }
        for card in CARDS.values()
    ]
    assert answer == {"data": {"cards": expected}}


async def test_an_undocumented_status_is_unknown_and_its_word_stays_readable() -> None:
    frozen = next(card for card in CARDS.values() if card.fields["cardStatus"] == "FROZEN")
    query = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { cardStatus cardStatusRaw } }"
    async with gateway() as running:
        answer = await running.query(query, {"cardNo": frozen.number})
    assert answer == {"data": {"card": {"cardStatus": "UNKNOWN", "cardStatusRaw": "FROZEN"}}}


async def test_three_aliases_of_one_card_make_one_upstream_call() -> None:
    query = """query ($n: CardNumber!) {
      a: card(cardNo: $n) { balance } b: card(cardNo: $n) { cardStatus } c: card(cardNo: $n) { serviceId } }"""
    recorder = Recorder()
    async with gateway(recorder) as running:
        answer = await running.query(query, {"n": NUMBERS[0]})
    assert "errors" not in answer
    assert recorder.paths == [CARD_INFO.path]


async def test_duplicates_in_a_list_make_one_upstream_call() -> None:
    query = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"
    recorder = Recorder()
    async with gateway(recorder) as running:
        answer = await running.query(query, {"n": [NUMBERS[1], NUMBERS[0], NUMBERS[1]]})
    assert [card["balance"] for card in answer["data"]["cards"]] == [3_200, 50_000, 3_200]
    assert recorder.paths == [CARD_INFO.path] * 2


async def test_the_profile_costs_no_call_unless_it_is_selected() -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:
        await running.query(f'{{ card(cardNo: "{NUMBERS[0]}") {{ member {{ userId }} }} }}')
    assert recorder.paths == [CARD_INFO.path]


@jumping
async def test_ten_cards_of_one_member_make_one_member_call() -> None:
    # The independent upstream, which has the ten cards.
    async with IndependentKonaplate(credentials=keys(), encrypted=False) as upstream:
        numbers = [f"94913394{index:08d}" for index in range(10)]
        upstream.cards.update({number: independent_card(userId=77) for number in numbers})
        upstream.members[77] = independent_member(77)
        query = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { member { profile { userName } } } }"
        async with gateway(httpx.AsyncHTTPTransport(), **plain_settings(upstream)) as running:
            answer = await running.query(query, {"n": numbers})
    assert [card["member"]["profile"]["userName"] for card in answer["data"]["cards"]] == ["홍길동"] * 10
    assert sum(call.path.endswith(CARD_INFO.path) for call in upstream.calls) == 10
    assert sum(call.path.endswith(USER_INFO.path) for call in upstream.calls) == 1
    assert upstream.violations == []


@pytest.mark.slow
@pytest.mark.parametrize("content_encryption", ["A128GCM", "A256GCM"])
@jumping
async def test_an_upstream_of_another_make_accepts_every_encrypted_call(content_encryption: str) -> None:
    async with IndependentKonaplate(credentials=keys(), content_encryption=content_encryption) as upstream:
        numbers = [f"94913394{index:08d}" for index in range(20)]
        upstream.cards.update({number: independent_card(userId=index + 1) for index, number in enumerate(numbers)})
        upstream.members.update({index + 1: independent_member(index + 1) for index in range(20)})
        query = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance member { userId profile { email } } } }"
        of = upstream.credentials
        variables = {
            **plain_settings(upstream),
            "KONAPLATE_ENCRYPTION": "on",
            "KONAPLATE_CRYPTO_KEY_ID": of.crypto_key_id,
            "KONAPLATE_SERVER_PUBLIC_KEY": of.server_public_key_pem,
            "KONAPLATE_CLIENT_PRIVATE_KEY": of.client_private_key_pem,
        }
        async with gateway(httpx.AsyncHTTPTransport(), **variables) as running:
            for _ in range(3):
                answer = await running.query(query, {"n": numbers})
                assert [str(index + 1) for index in range(20)] == [
                    card["member"]["userId"] for card in answer["data"]["cards"]
                ]
    assert upstream.violations == []
    assert 120 == len(upstream.correlation_ids) == len(set(upstream.correlation_ids))


async def test_no_more_upstream_calls_are_in_flight_than_allowed() -> None:
    recorder = Recorder()
    async with gateway(recorder, KONAPLATE_MAX_CONNECTIONS=3) as running:
        answer = await running.query(
            "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }", {"n": NUMBERS}
        )
    assert "errors" not in answer
    assert recorder.most_in_flight == 3
    assert len(NUMBERS) == len(recorder.paths)


async def test_a_plain_line_needs_no_keys() -> None:
    async with IndependentKonaplate(credentials=keys(), encrypted=False) as upstream:
        upstream.cards[NUMBERS[0]] = independent_card()
        async with gateway(httpx.AsyncHTTPTransport(), **plain_settings(upstream)) as running:
            answer = await running.query(f'{{ card(cardNo: "{NUMBERS[0]}") {{ balance }} }}')
    assert answer == {"data": {"card": {"balance": 1234}}}
    assert upstream.violations == []


def plain_settings(upstream: IndependentKonaplate) -> dict[str, str]:
    """Settings of a gateway for the independent upstream without encryption."""
    return {
        "KONAPLATE_BASE_URL": upstream.base_url,
        "KONAPLATE_ASP_ID": upstream.credentials.asp_id,
        "KONAPLATE_ACCESS_KEY": upstream.credentials.access_key,
        "KONAPLATE_SECRET_KEY": upstream.credentials.secret_key,
        "KONAPLATE_ENCRYPTION": "off",
    }


def independent_card(**changes: object) -> dict[str, object]:
    """The business fields of a card."""
    return {
        "userId": 1,
        "balance": 1234,
        "serviceId": "S",
        "serviceName": "N",
        "isAutoRechargeBeforePayment": True,
        **changes,
    }


def independent_member(user_id: int) -> dict[str, object]:
    """The `userInfo` of a member."""
    return {
        "aspId": "1",
        "userId": user_id,
        "birthDate": "19900101",
        "ci": "c" * 88,
        "loginId": "h@example.com",
        "nationality": "Korean",
        "gender": "Male",
        "mobileNumber": "01000000000",
        "userName": "홍길동",
        "email": "h@example.com",
    }
