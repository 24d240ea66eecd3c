"""How the sandbox answers correct calls of a client that shares no code with it."""

from __future__ import annotations

import json

import pytest

from graph.sandbox.ledger import BIGGEST_USER_ID, CARDS, FIRST_CARD, MEMBERS, SandboxCard, with_luhn_digit
from tests.independent.jwe import seal
from tests.independent.raw_client import Draft, envelope, keys
from tests.independent.rules import MEMBER_PATH
from tests.sandbox.calls import asking, asking_for_card, asking_for_member, opened, refusal, send
from tests.tables import table

SUCCESS = {"code": "000_000", "description": "Success."}
UNKNOWN_CARD = with_luhn_digit("949133941234567")


@table("card", CARDS.values())
async def test_each_card_is_answered_sealed_with_all_its_fields(card: SandboxCard) -> None:
    draft = asking_for_card(card.number)

    response = await send(draft)

    assert response.status_code == 200
    assert {**card.fields, "response": SUCCESS} == opened(response)
    assert card.number not in response.text


@pytest.mark.parametrize("user_id", MEMBERS)
async def test_each_member_is_answered_sealed_with_all_their_fields(user_id: int) -> None:
    response = await send(asking_for_member(user_id))

    assert response.status_code == 200
    assert {"userInfo": dict(MEMBERS[user_id]), "response": SUCCESS} == opened(response)


async def test_an_answer_names_the_key_and_repeats_the_correlation_id() -> None:
    draft = asking_for_card(FIRST_CARD)
    sent = dict(draft.headers)

    response = await send(draft)

    assert sent["X-KM-Correlation-Id"] == response.headers["X-KM-Correlation-Id"]
    assert keys().crypto_key_id == response.headers["X-KM-Crypto-Key-Id"]
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("zone", ["KST", "UTC"])
@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
async def test_both_zones_and_both_content_encryptions_are_taken(zone: str, enc: str) -> None:
    clear = json.dumps({"cardNo": FIRST_CARD}).encode()
    draft = Draft(envelope(seal(clear, keys().server_public_key_pem, enc)), zone=zone)

    assert opened(await send(draft))["response"] == SUCCESS


async def test_the_biggest_member_id_keeps_every_digit() -> None:
    response = await send(asking_for_member(BIGGEST_USER_ID))

    assert opened(response)["userInfo"]["userId"] == 9_999_999_999_999_999_999


async def test_a_card_that_is_not_in_the_ledger_is_an_invalid_card() -> None:
    draft = asking_for_card(UNKNOWN_CARD)

    response = await send(draft)

    assert refusal(response) == (400, "003_001", "Invalid card info.")
    assert "X-KM-Crypto-Key-Id" not in response.headers
    assert response.headers["X-KM-Correlation-Id"] in [value for _, value in draft.headers]


async def test_a_member_who_is_not_in_the_ledger_is_not_found() -> None:
    assert refusal(await send(asking_for_member(5))) == (400, "001_006", "Wallet user not found.")


# The three cases that the vendor's page of the Card-User Mapped Inquiry offers as test data.
async def test_the_vendors_first_case_is_a_success() -> None:
    response = await send(asking_for_card(FIRST_CARD))

    assert (response.status_code, opened(response)["response"]["code"]) == (200, "000_000")


async def test_the_vendors_second_case_is_an_invalid_parameter() -> None:
    assert refusal(await send(asking_for_card(""))) == (400, "000_002", "Invalid input parameter.")


async def test_the_vendors_third_case_is_a_missing_value() -> None:
    assert refusal(await send(asking({}))) == (400, "000_003", "Missing required values. cardNo")


@table(
    ("clear", "code", "description"),
    [
        ({"cardNo": None}, "000_003", "Missing required values. cardNo"),
        ({"cardno": FIRST_CARD}, "000_003", "Missing required values. cardNo"),
        ({"cardNo": int(FIRST_CARD)}, "000_002", "Invalid input parameter."),
        ({"cardNo": True}, "000_002", "Invalid input parameter."),
        ({"cardNo": [FIRST_CARD]}, "000_002", "Invalid input parameter."),
        ({"cardNo": FIRST_CARD[:-1]}, "000_015", "The length does not match. cardNo"),
        ({"cardNo": f"{FIRST_CARD}0"}, "000_015", "The length does not match. cardNo"),
        ({"cardNo": " "}, "000_015", "The length does not match. cardNo"),
        ({"cardNo": "x" * 16}, "003_001", "Invalid card info."),
        ("[]", "020_001", "The body is not a JSON object."),
        ("null", "020_001", "The body is not a JSON object."),
        ("", "020_001", "The body is not a JSON object."),
        (f'{{"cardNo":"{FIRST_CARD}"', "020_001", "The body is not a JSON object."),
        ("[" * 20_000, "020_001", "The body is not a JSON object."),
    ],
)
async def test_a_wrong_card_number_is_refused_in_clear(clear: object, code: str, description: str) -> None:
    response = await send(asking(clear))

    assert refusal(response) == (400, code, description)
    assert FIRST_CARD[:-1] not in response.text


@pytest.mark.parametrize(
    ("clear", "code", "description"),
    [
        ({}, "000_003", "Missing required values. userId"),
        ({"userId": None}, "000_003", "Missing required values. userId"),
        ({"userId": "1001"}, "000_002", "Invalid input parameter."),
        ({"userId": 1001.0}, "000_002", "Invalid input parameter."),
        ({"userId": True}, "000_002", "Invalid input parameter."),
        ({"userId": 0}, "000_002", "Invalid input parameter."),
        ({"userId": -1}, "000_002", "Invalid input parameter."),
        ({"userId": BIGGEST_USER_ID + 1}, "000_002", "Invalid input parameter."),
    ],
)
async def test_a_wrong_user_id_is_refused_in_clear(clear: object, code: str, description: str) -> None:
    assert refusal(await send(asking(clear, MEMBER_PATH))) == (400, code, description)


@pytest.mark.parametrize(
    ("clear", "path", "answered"),
    [
        ({"cardNo": FIRST_CARD}, "/open-api/api/v1/user/card/info", "balance"),
        ({"userId": 1001}, MEMBER_PATH, "userInfo"),
    ],
)
async def test_without_encryption_calls_and_answers_are_plain(clear: object, path: str, answered: str) -> None:
    draft = Draft(json.dumps(clear).encode(), path).without("X-KM-Crypto-Key-Id")

    response = await send(draft, encrypted=False)

    assert response.status_code == 200
    assert response.json()["response"] == SUCCESS
    assert answered in response.json()
    assert "X-KM-Crypto-Key-Id" not in response.headers


async def test_without_encryption_a_sealed_call_has_no_card_number() -> None:
    response = await send(asking_for_card(FIRST_CARD), encrypted=False)

    assert refusal(response) == (400, "000_003", "Missing required values. cardNo")
