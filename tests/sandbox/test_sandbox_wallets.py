"""The wallets of the sandbox's members: the list of cards, each card by its number, and what belongs to a card."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.calls import answered, ask, refusal
from tests.sandbox.luhn import passes_luhn
from tests.tables import table

DOCUMENTED = {"par", "balance", "pendingAmount", "isNamed"}
HOLDERS = {
    1001: 3,
    1002: 2,
    1003: 2,
    1004: 2,
    2000: 0,
    2001: 1,
    2003: 3,
    2005: 5,
    2012: 12,
    2**63: 0,
    10**19 - 1: 1,
}
WALLETS = (1001, 1002, 1003, 1004, 2001, 2003, 2005, 2012, 10**19 - 1)


async def rows_of(user_id: int, **filters: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await answered("card/list", {"userId": user_id, **filters}))["cardDataInfo"]
    return rows


@table(("user_id", "count"), HOLDERS.items())
async def test_a_member_holds_so_many_cards(user_id: int, count: int) -> None:
    assert len(await rows_of(user_id)) == count


@table("user_id", WALLETS)
async def test_a_card_has_the_documented_fields_and_sizes(user_id: int) -> None:
    for row in await rows_of(user_id):
        assert DOCUMENTED - row.keys() <= {"pendingAmount"}
        assert re.fullmatch(r"[A-Z0-9]{27}", row["par"])
        assert not re.search(r"[0-9]{13}", row["par"])
        for amount in (row["balance"], row.get("pendingAmount", 0), *row.get("limits", {}).values()):
            assert type(amount) is int
            assert 0 <= amount <= 9_999_999_999
        assert type(row["isNamed"]) is bool
        for number in (row.get("mobileCardNo"), row.get("physicalCardNo")):
            assert number is None or (passes_luhn(number) and re.fullmatch(r"94913394[0-9]{8}", number))
        assert len(row.get("serviceId", "x" * 15)) == 15
        assert len(row.get("cardApplyNo", "x" * 22)) == 22


@table("user_id", WALLETS)
async def test_the_list_and_the_card_agree(user_id: int) -> None:
    for row in await rows_of(user_id):
        for kind in ("mobile", "physical"):
            if f"{kind}CardNo" not in row:
                continue
            card = await answered("card/info", {"cardNo": row[f"{kind}CardNo"]})
            assert (card["userId"], card["balance"]) == (user_id, row["balance"])
            assert card.get("cardStatus") == row.get(f"{kind}CardStatus")
            assert card["serviceId"] == row["serviceId"]
            assert card["serviceName"] == row.get("serviceName", card["serviceName"])


async def test_no_two_cards_have_a_number_or_a_par_in_common() -> None:
    rows = [row for user_id in WALLETS for row in await rows_of(user_id)]
    for names in (("par",), ("cardApplyNo",), ("mobileCardNo", "physicalCardNo")):
        values = [row[name] for row in rows for name in names if name in row]
        assert len(values) == len(set(values)) > 20


async def test_the_wallets_show_what_is_awkward() -> None:
    (only,) = await rows_of(2001)
    debit, no_pending, physical = await rows_of(2003)
    five, twelve = await rows_of(2005), await rows_of(2012)

    assert (only["isNamed"], "physicalCardNo" in only) == (False, False)
    assert debit["limits"] == {"day": 3_000_000, "once": 1_000_000, "month": 0}
    assert debit["bankInfo"].keys() == {"bankName", "accountNo"}
    assert "limits" not in no_pending
    assert "pendingAmount" not in no_pending
    assert "mobileCardNo" not in physical
    assert "physicalCardNo" in physical
    assert [row["isNamed"] for row in five] == [True, True, False, True, True]
    assert five[3]["pendingAmount"] == 120_000
    assert (five[3]["mobileCardStatus"], five[3]["physicalCardStatus"]) == ("SUSPENDED", "TERMINATED")
    assert "serviceName" not in five[4]
    assert twelve[10].keys() == DOCUMENTED
    assert twelve[11]["mobileCardStatus"] == "INACTIVE"
    assert {len(row["expiryDate"]) for row in twelve if "expiryDate" in row} == {4, 6, 8}


async def test_a_card_may_be_registered_to_nobody_by_0() -> None:
    assert (await answered("card/info", {"cardNo": "9491339420000019"}))["userId"] == 0


async def test_the_list_is_filtered_by_par_and_by_physical_number() -> None:
    first, second, *_ = rows = await rows_of(2005)

    assert await rows_of(2005, par=second["par"]) == [second]
    assert await rows_of(2005, physicalCardNo=first["physicalCardNo"]) == [first]
    assert await rows_of(2005, par=first["par"], physicalCardNo=second["physicalCardNo"]) == []
    # A mobile number is no physical one.
    assert await rows_of(2005, physicalCardNo=first["mobileCardNo"]) == []
    assert await rows_of(2012, par=rows[0]["par"]) == []


@table(
    ("clear", "code"),
    [
        ({}, "000_003"),
        ({"userId": None}, "000_003"),
        ({"userId": "2005"}, "000_002"),
        ({"userId": 2005.0}, "000_002"),
        ({"userId": True}, "000_002"),
        ({"userId": 0}, "000_002"),
        ({"userId": 10**19}, "000_002"),
        ({"userId": 5}, "001_006"),
        ({"userId": 2005, "par": ""}, "000_002"),
        ({"userId": 2005, "par": 27}, "000_002"),
        ({"userId": 2005, "par": "P" * 26}, "000_015"),
        ({"userId": 2005, "physicalCardNo": "1" * 15}, "000_015"),
        ({"userId": 2005, "cardNo": "9491339420050014"}, "020_001"),
    ],
)
async def test_a_wrong_request_for_the_list_is_refused(clear: dict[str, Any], code: str) -> None:
    assert refusal(await ask("card/list", clear))[:2] == (400, code)


async def test_each_number_of_a_card_leads_to_its_virtual_account() -> None:
    accounts = []
    for row in [*await rows_of(2005), *await rows_of(2003)]:
        numbers = [row[name] for name in ("mobileCardNo", "physicalCardNo") if name in row]
        found = [await answered("virtual-account/inquiry", {"cardNo": number}) for number in numbers]
        assert all(each == found[0] for each in found)
        accounts.append(found[0])
    assert len({account["accountNo"] for account in accounts}) == len(accounts) == 8
    assert {account["connectType"] for account in accounts} == {"FIXATION", "ROTATION"}
    for account in accounts:
        assert re.fullmatch(r"[0-9]{13}", account["accountNo"])
        assert account["bankCode"] == "020"


@table(
    ("number", "refused"),
    [
        ("9491339420120106", (404, "218_1000_001", "Account not found.")),
        ("9491339400000062", (400, "003_024", "Don't have account info")),
        ("9491339499999999", (400, "003_001", "Invalid card info.")),
    ],
)
async def test_a_card_without_a_virtual_account_is_refused(number: str, refused: tuple[int, str, str]) -> None:
    assert refusal(await ask("virtual-account/inquiry", {"cardNo": number})) == refused


async def test_deduction_dates_come_in_every_form() -> None:
    found = {}
    for user_id in (1001, 2003, 2005, 2012):
        for place, row in enumerate(await rows_of(user_id)):
            answer = await answered("cards/deduction", {"par": row["par"]})
            assert answer.pop("par") == row["par"]
            assert answer.keys() in ({"deductionDate", "created"}, set())
            if answer:
                assert re.fullmatch(r"[0-9]{14}", answer["created"])
                found[user_id, place] = answer["deductionDate"]
    assert found == {
        (1001, 0): 20240315, (2003, 1): 20250601000000, (2005, 0): 20250102, (2012, 6): "20250102",
        (2012, 7): "next year",
    }  # fmt: skip


@table(
    ("clear", "code"),
    [
        ({}, "000_003"),
        ({"par": ""}, "000_002"),
        ({"par": 1}, "000_002"),
        ({"par": "P" * 28}, "000_015"),
        ({"par": "P" * 27}, "003_021"),
    ],
)
async def test_a_wrong_request_for_a_deduction_is_refused(clear: dict[str, Any], code: str) -> None:
    assert refusal(await ask("cards/deduction", clear))[:2] == (400, code)


@pytest.mark.parametrize(("user_id", "checked"), [(2005, True), (1001, True), (2000, False), (2001, False)])
async def test_a_members_identity_was_checked_or_not(user_id: int, *, checked: bool) -> None:
    assert await answered("deduction/info", {"userId": user_id}) == {"isAuthed": checked}


async def test_the_identity_of_nobody_is_not_known() -> None:
    assert refusal(await ask("deduction/info", {"userId": 5}))[:2] == (400, "001_006")
    assert refusal(await ask("deduction/info", {"userId": "2005"}))[:2] == (400, "000_002")
