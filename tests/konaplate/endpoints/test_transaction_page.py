"""A page of a card's history: nothing of it is documented, so nothing is required."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from graph.konaplate.endpoints.transactions import TRANSACTIONS, TransactionPage
from schema.secrets import IdentityNo, MemberId, PersonalText
from tests.konaplate.endpoints.calls import Call, faults
from tests.konaplate.endpoints.pages import BUSINESS_NO, MERCHANT, PAGES, PAR, TRANSACTION, TRANSACTIONS_KEY
from tests.konaplate.support import DETAILS, without
from tests.tables import table

KST = timezone(timedelta(hours=9))


def page(**fields: object) -> TransactionPage:
    return TRANSACTIONS.read(fields, DETAILS, TRANSACTIONS_KEY)


def test_a_row_of_a_history_holds_what_was_sent() -> None:
    read_page = page(**PAGES["transactions"].whole)
    (row,) = read_page.transaction_info or []
    assert read_page.page_response is not None
    assert (read_page.page_response.page, read_page.page_response.total_pages) == (0, 3)
    assert (row.merchant_name, row.biz_license_no) == (PersonalText(MERCHANT), IdentityNo(BUSINESS_NO))
    assert row.approval_date_time == datetime(2026, 10, 1, 9, 30, 15, tzinfo=KST)
    assert (row.tr_amount, row.org_amount, row.balance_before, row.balance_after) == (4_500, 5_000, 10_000, 5_500)
    assert (row.discount_amount, row.used_point_amount, row.saved_point_amount) == (500, 1, 2)
    assert (row.tr_type, row.rcg_type, row.auth_cancel_type, row.recharge_cancelable) == ("00", None, "AUTH", 1)
    assert row.cash_receipt_info is not None
    receipt = row.cash_receipt_info
    assert (receipt.isu_st_cd, receipt.approval_no, receipt.approval_date) == ("1", "A1", "20261001")


@table("name", list(TRANSACTION))
def test_every_field_of_a_transaction_may_be_absent_or_null(name: str) -> None:
    for sent in (without(TRANSACTION, name), {**TRANSACTION, name: None}):
        assert faults(page(transactionInfo=[sent])) == []


@table(
    ("name", "value"),
    [
        ("trAmount", -1), ("trAmount", 10_000_000_000), ("merchantName", 5), ("cashReciptInfo", "none"),
        ("approvalDateTime", "20261301000000"), ("approvalDateTime", "2026-10-01 09:30"),
        ("rechargeCancelable", 10),
    ],
)  # fmt: skip
def test_a_bad_value_of_a_transaction_spoils_its_own_field(name: str, value: object) -> None:
    assert faults(page(transactionInfo=[{**TRANSACTION, name: value}, TRANSACTION])) == [name]


@table("fields", [{}, {"pageResponse": None, "transactionInfo": None}, {"transactionInfo": []}])
def test_a_page_may_be_empty(fields: dict[str, object]) -> None:
    assert faults(page(**fields)) == []


@table(
    ("user_id", "sent"),
    [("1", 1), ("9" * 15, 999_999_999_999_999), ("1" + "0" * 15, None), ("9" * 19, None)],
)
def test_a_user_id_that_this_page_does_not_allow_is_left_out(user_id: str, sent: int | None) -> None:
    asked = TRANSACTIONS.request(TRANSACTIONS_KEY._replace(user_id=MemberId(user_id)))
    assert asked.get("userId") == sent
    assert ("userId" in asked) == (sent is not None)


async def test_a_filter_is_sent_as_it_is_documented() -> None:
    key = TRANSACTIONS_KEY._replace(tr_type="02", include_previous_card=True, page=3, page_size=100)
    body, _ = (await Call.of("transactions", key)).upstream.sent()
    assert json.loads(body) == {
        "par": PAR,
        "userId": 1001,
        "startDate": "20261001",
        "endDate": "20261031",
        "trType": "02",
        "includePreviousCard": True,
        "pageRequest": {"page": 3, "pageSize": 100, "sort": "approvalDateTime", "orderByDirection": "DESC"},
    }
