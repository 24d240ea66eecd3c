"""The sandbox's cards and members: enough kinds of them, and all in the form of the vendor's documentation."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.sandbox.ledger import CARDS, FIRST_CARD, MEMBERS, SandboxCard, with_luhn_digit
from tests.sandbox.luhn import passes_luhn
from tests.tables import table


def having(**fields: Any) -> list[SandboxCard]:
    return [card for card in CARDS.values() if fields.items() <= {**card.fields}.items()]


def receipts() -> list[dict[str, str]]:
    return [card.fields["cashReceiptInfo"] for card in CARDS.values() if "cashReceiptInfo" in card.fields]


@pytest.mark.parametrize("number", ["4111111111111111", "5500005555555559", "79927398713"])
def test_the_check_of_these_tests_knows_published_examples(number: str) -> None:
    assert passes_luhn(number)
    assert not any(passes_luhn(f"{number[:-1]}{digit}") for digit in "0123456789" if digit != number[-1])


@given(st.text("0123456789", min_size=1, max_size=30))
def test_the_luhn_digit_makes_any_digits_pass_the_check(digits: str) -> None:
    number = with_luhn_digit(digits)

    assert digits == number[:-1]
    assert passes_luhn(number)


def test_there_are_at_least_ten_cards_in_the_range_of_the_vendors_own() -> None:
    assert len(CARDS) >= 10
    for number, card in CARDS.items():
        assert number == card.number
        assert re.fullmatch(r"94913394[0-9]{8}", number)
        assert passes_luhn(number)
        assert card.description
    assert min(CARDS) == FIRST_CARD


@pytest.mark.parametrize("status", ["ACTIVE", "SUSPENDED", "TERMINATED", None])
def test_there_is_a_card_of_every_documented_status_and_without_one(status: str | None) -> None:
    assert having(cardStatus=status)


def test_there_is_a_card_of_a_status_that_is_not_documented() -> None:
    assert {card.fields["cardStatus"] for card in CARDS.values()} - {"ACTIVE", "SUSPENDED", "TERMINATED", None}


def test_there_are_cards_that_nobody_has_registered() -> None:
    assert having(userId=None)
    assert having(userId=None, balance=0)


def test_there_are_receipts_of_both_kinds_given_in_both_ways() -> None:
    assert {(receipt["approvalDiv"], receipt["manYn"]) for receipt in receipts()} == {
        ("0", "0"),
        ("0", "1"),
        ("1", "1"),
    }
    assert any(re.fullmatch(r"010[0-9]{8}", receipt["idNo"]) for receipt in receipts())


def test_there_are_cards_without_receipts() -> None:
    assert len(receipts()) < len(CARDS)


def test_one_member_has_several_cards() -> None:
    members = Counter(card.fields["userId"] for card in CARDS.values() if card.fields["userId"] is not None)

    assert max(members.values()) >= 3


@pytest.mark.parametrize("balance", [0, 9_999_999_999])
def test_there_are_the_smallest_and_the_biggest_balance(balance: int) -> None:
    assert having(balance=balance)


def test_there_is_the_biggest_member_id() -> None:
    assert having(userId=9_999_999_999_999_999_999)
    assert 9_999_999_999_999_999_999 in MEMBERS


def test_there_is_recharging_and_there_is_none() -> None:
    assert having(isAutoRechargeBeforePayment=True)
    assert having(isAutoRechargeBeforePayment=False)


@table("card", CARDS.values())
def test_a_cards_fields_are_as_documented(card: SandboxCard) -> None:
    fields = card.fields

    assert fields["userId"] is None or fields["userId"] in MEMBERS
    assert type(fields["balance"]) is int
    assert 0 <= fields["balance"] <= 9_999_999_999
    assert len(fields["serviceId"]) == 15
    assert 1 <= len(fields["serviceName"]) <= 256
    assert fields["ownerKa"] is None or len(fields["ownerKa"]) == 15
    assert type(fields["isAutoRechargeBeforePayment"]) is bool


@pytest.mark.parametrize("receipt", receipts())
def test_a_receipts_fields_are_as_documented(receipt: dict[str, str]) -> None:
    assert receipt.keys() == {"approvalDiv", "idNo", "manYn"}
    assert {receipt["approvalDiv"], receipt["manYn"]} <= {"0", "1"}
    assert re.fullmatch(r"[0-9]{1,20}", receipt["idNo"])


@pytest.mark.parametrize("user_id", MEMBERS)
def test_a_members_fields_are_as_documented(user_id: int) -> None:
    member = MEMBERS[user_id]

    assert user_id == member["userId"]
    assert 1 <= user_id <= 9_999_999_999_999_999_999
    assert len(member["aspId"]) == 15
    assert re.fullmatch(r"[0-9]{8}", member["birthDate"])
    assert len(member["ci"]) == 88
    assert 10 <= len(member["mobileNumber"]) <= 20
    assert 1 <= len(member["userName"]) <= 100
    assert "@example.com" in member["email"]
    assert member["nationality"] in ("Korean", "Foreigner")


def test_members_differ_in_what_the_documentation_lets_differ() -> None:
    members = MEMBERS.values()

    assert {member["nationality"] for member in members} == {"Korean", "Foreigner"}
    assert {"Male", "Female"} < {member["gender"] for member in members}
    assert {"addressInfo" in member for member in members} == {True, False}
    assert None in {member["joinChannel"] for member in members}


def test_the_ledger_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CARDS["x"] = CARDS[FIRST_CARD]  # type: ignore[index]
    with pytest.raises(TypeError):
        CARDS[FIRST_CARD].fields["balance"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        MEMBERS[1001]["userName"] = "x"  # type: ignore[index]
