"""A member with five cards in the bank of the independent Konaplate, and the forms that its answers may take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .raw_client import KST

if TYPE_CHECKING:
    from collections.abc import Callable

    from .inquiries import Bank, Row

MEMBER_ID = 77
CARDS = 5
TRANSACTIONS = 25
# What the vendor's page documents of a row, but for `pendingAmount`, which one client does not know.
_DOCUMENTED = ("par", "limits", "balance", "isNamed")
_PRODUCT, _GONE = "PRODUCT00000002", "PRODUCT00000009"


def card_no(place: int) -> str:
    """The number of a card, from 0."""
    return f"949133940000{place:04d}"


def par(place: int) -> str:
    """What stands for its number."""
    return f"PAR{place:024d}"


def approved(age: int) -> datetime:
    """When the transaction of this age was approved: half a day for each."""
    newest = datetime.now(KST).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    return newest - timedelta(hours=12 * age)


def fill(bank: Bank) -> None:
    """Give the member everything."""
    bank.wallets[MEMBER_ID] = [_row(place) for place in range(CARDS)]
    bank.accounts.update(
        {card_no(place): {"accountNo": f"1005{place:09d}", "bankCode": "020"} for place in range(CARDS - 1)}
    )
    bank.deductions[par(0)] = {"deductionDate": 20250102, "created": "20250102030405"}
    bank.products[_PRODUCT] = "상품"
    bank.histories.update(
        {par(place): [_transaction(place, age) for age in range(TRANSACTIONS)] for place in (0, 1)}
    )
    bank.terms += [_terms(1, "10", isAgree=True, agreeDate="20250102030405678"), _terms(2, "2", isAgree=False)]
    bank.authenticated[MEMBER_ID] = True


def _row(place: int) -> Row:
    return {
        "par": par(place),
        "balance": 1000 * place,
        "pendingAmount": 7,
        "isNamed": True,
        **({"limits": {"day": 3, "once": 2, "month": 0}} if place == 1 else {}),
        # Of the last two, the names do not come with the row, and of the last one not at all.
        "serviceId": _GONE if place == CARDS - 1 else _PRODUCT,
        **({"serviceName": "상품"} if place < CARDS - 2 else {}),
        "expiryDate": "2912",
        "mobileCardNo": card_no(place),
        "mobileCardStatus": "ACTIVE",
        "cardPointInfo": [{"autoUse": True, "pointName": "P", "pointPolicyId": "Q", "remainingPoint": 5}],
        "aFieldThatNobodyKnows": {"x": [1]},
    }


def _transaction(place: int, age: int) -> Row:
    return {
        "trType": "00",
        "rcgType": None,
        "nrNumber": f"NR{place}{age:04d}",
        "trAmount": 100 + age,
        "balanceAfter": age,
        "merchantName": "가게",
        "authCancelType": "CANCEL" if age == 1 else "AUTH",
        "approvalDateTime": approved(age).strftime("%Y%m%d%H%M%S"),
        "cashReciptInfo": {"isuStCd": "1", "approvalNo": "2", "approvalDate": "20250102"} if age == 0 else None,
    }


def _terms(tc_id: int, order: str, **more: Any) -> Row:
    return {
        "tcId": tc_id,
        "title": f"T{tc_id}",
        "url": "https://t",
        "required": "MANDATORY",
        "order": order,
        **more,
    }


def numbers_in_text(value: Any) -> Any:
    """Every number as text."""
    if isinstance(value, dict):
        return {name: numbers_in_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [numbers_in_text(each) for each in value]
    return str(value) if type(value) is int else value


def other_dates(value: Any) -> Any:
    """Times as numbers, or with milliseconds, and days as text with a time."""
    if isinstance(value, list):
        return [other_dates(each) for each in value]
    if not isinstance(value, dict):
        return value
    changes: dict[str, Callable[[Any], Any]] = {
        "deductionDate": lambda date: f"{date}000000",
        "created": int,
        "agreeDate": lambda time: time and int(time),
        "approvalDateTime": lambda time: f"{time}000",
    }
    return {name: changes.get(name, other_dates)(each) for name, each in value.items()}


def only_documented(fields: Row) -> Row:
    """Without anything that was only seen."""
    if "cardDataInfo" in fields:
        rows = [{name: row[name] for name in _DOCUMENTED if name in row} for row in fields["cardDataInfo"]]
        return {**fields, "cardDataInfo": rows}
    if "transactionInfo" in fields:
        return {"transactionInfo": [{} for _ in fields["transactionInfo"]]}
    return fields
