"""Every text that must not leak is a canary, and a canary is found wherever it is."""

from __future__ import annotations

import json
from typing import Annotated, Any

from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.record import Record, Whole
from graph.leak_audit.canaries import Canary, canaries, search, secret_names
from graph.sandbox.data import DATA
from graph.sandbox.faults import FAULTS, Altered
from graph.sandbox.ledger import CARDS, MEMBERS
from graph.sandbox.table import Table
from graph.sandbox.wallets import WALLETS
from tests.leak_audit.toys import NOBODY, TOY
from tests.support import credentials

TEXTS = st.text('04aZ- "\\u서²\n', max_size=12)


def test_a_value_that_json_has_escaped_is_found() -> None:
    name = Canary("name", "김샌드")
    assert [name] == list(search('{"name": "\\uae40\\uc0cc\\ub4dc"}', [name]))
    assert list(search('{"name": "?"}', [name])) == []


def test_a_short_number_is_found_as_a_word_and_not_by_chance_within_another() -> None:
    code = Canary("postal code", "04500")
    assert list(search('{"zipCode":"04500"}', [code])) == [code]
    assert list(search("in zip_code=04500, Seoul", [code])) == [code]
    for escaped in (r'{"address":"\uc11c\uc6b804500"}', r'{"address":"x\n04500"}', "?zip=%2204500%22"):
        assert list(search(escaped, [code])) == [code]
    assert list(search('"timestamp":"2026-11-27T04:50:00.045003Z","id":"261127045003-04500af"', [code])) == []


@given(before=TEXTS, value=TEXTS, after=TEXTS)
def test_a_long_value_is_found_whatever_stands_beside_it(before: str, value: str, after: str) -> None:
    canary = Canary("value", f"{value}a-1{value}-0123")
    for text in (whole := before + canary.text + after, json.dumps(whole)):
        assert list(search(text, [canary])) == [canary]


def test_every_card_person_and_key_is_a_canary() -> None:
    texts = {canary.text for canary in canaries(ENDPOINTS, DATA, credentials(), ["a-token"])}
    assert CARDS.keys() | FAULTS.keys() <= texts
    assert {"01012345678", "1234567890", "9550123456789"} <= texts
    for member in MEMBERS.values():
        assert {member[name] for name in ("ci", "mobileNumber", "userName", "email", "birthDate")} <= texts
    assert {"서울특별시 중구 모래로 1", "04500", "101호"} <= texts
    given = credentials().gateway_settings()
    assert {given["KONAPLATE_SECRET_KEY"], given["KONAPLATE_ACCESS_KEY"], "a-token"} <= texts
    assert set(given["KONAPLATE_CLIENT_PRIVATE_KEY"].splitlines()[1:-1]) <= texts


def test_what_many_tell_or_is_short_is_no_canary() -> None:
    texts = {canary.text for canary in canaries(ENDPOINTS, DATA, credentials())}
    given = credentials().gateway_settings()
    assert texts.isdisjoint({"샌드박스 선불카드", "ACTIVE", "Korean", "50000", "APP", "0", "1001"})
    assert texts.isdisjoint({given["KONAPLATE_ASP_ID"], given["KONAPLATE_CRYPTO_KEY_ID"]})


def test_an_endpoint_of_the_registry_needs_no_canaries_of_its_own() -> None:
    row = {
        "toyName": "a ball",
        "ownerName": "Mary Toy",
        "parts": ["the hull"],
        "notDeclared": ["a cat", {"a": "a dog"}],
    }
    fault = Altered({"ownerName": "Tom Toy", "toyName": "a kite"}, each_of="toy")
    data = {"toy": Table("userId", {123_456: {"toy": row}}, NOBODY, faults={9: fault})}
    found = {(canary.kind, canary.text) for canary in canaries([TOY], data, credentials())}
    assert {canary for canary in found if canary[0].startswith("toy: ")} == {
        ("toy: userId", "123456"),
        ("toy: ownerName", "Mary Toy"),
        ("toy: ownerName", "Tom Toy"),
        ("toy: parts", "the hull"),
        ("toy: notDeclared", "a cat"),
        ("toy: a", "a dog"),
    }
    assert secret_names([TOY], data) == {"user_id", "userId", "owner_name", "ownerName", "parts"}


class Paid(Record):
    name: str
    amount: Annotated[int, Whole(max=9_999_999)]
    codes: list[str]


PAID = Endpoint(name="paid", title="Paid", path="/paid", key=str, request=dict, record=Paid, within=("list",))


def test_a_value_of_one_row_alone_is_a_canary_that_answers_may_show() -> None:
    codes = [f"CODE-1{place:02d}" for place in range(100)]
    rows: list[dict[str, Any]] = [
        {"name": "Product 1", "amount": 1_234_567, "codes": codes},
        {"name": "Product 1", "amount": 7_654_321, "codes": ["no digit"], "hidden": 999_999, "very": True},
        {"name": "Product 1", "amount": 50_000, "codes": [], "hidden": 2_000_000, "very": False},
    ]
    data = {"paid": Table("id", {"a": {"list": rows[:1]}, "b": {"list": rows[1:]}}, NOBODY)}
    found = {canary for canary in canaries([PAID], data, credentials()) if canary.kind.startswith("paid: ")}
    assert found == {
        Canary("paid: amount", "1234567", shown=True),
        Canary("paid: amount", "7654321", shown=True),
        *(Canary("paid: codes", code, shown=True) for code in codes[:5]),
        Canary("paid: hidden", "2000000"),
    }


def test_the_wallets_are_canaries() -> None:
    wanted = canaries(ENDPOINTS, DATA, credentials())
    secret = {canary.text for canary in wanted if not canary.shown}
    for card in WALLETS:
        assert {*card.numbers} <= secret
        assert card.user_id in (None, 0) or card.par in secret
    kinds = {canary.kind for canary in wanted if not canary.shown}
    assert {"transactions: merchantName", "transactions: bizLicenseNo", "virtual_account: accountNo"} <= kinds
    shown = {canary.kind for canary in wanted if canary.shown}
    assert {"transactions: trAmount", "transactions: balanceAfter", "transactions: nrNumber"} <= shown
