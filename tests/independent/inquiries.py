"""The seven inquiries about a member's wallet: their paths, flags, requests and rows, from the facts alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .rules import BodyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BASE = "/open-api/api/v1"
CARD_LIST_PATH = f"{_BASE}/user/card/list"
TRANSACTIONS_PATH = f"{_BASE}/transaction/card"
ACCOUNT_PATH = f"{_BASE}/card/virtual-account/inquiry"
DEDUCTION_PATH = f"{_BASE}/cards/deduction"
PRODUCTS_PATH = f"{_BASE}/service/info/list"
TERMS_PATH = f"{_BASE}/user/terms/all"
AUTHENTICATION_PATH = f"{_BASE}/user/deduction/info"

_MAX_PAGE, _MAX_PAGE_SIZE, _PAGE_SIZE = 1000, 10000, 10

Row = dict[str, Any]


class RefusalError(Exception):
    """A well-formed request about something that is not there."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code, self.description, self.status = code, description, status


@dataclass(frozen=True)
class Inquiry:
    """One API. A flag is None where the vendor's page does not print it."""

    seals_request: bool
    seals_answer: bool | None
    required: Mapping[str, Callable[[Any], bool]]
    optional: Mapping[str, Callable[[Any], bool]]

    @property
    def key_id(self) -> bool | None:
        """Whether the request names a crypto key; None where that is not known."""
        return True if self.seals_request or self.seals_answer else self.seals_answer

    def check(self, payload: Row) -> None:
        """Refuse a request with an unknown, missing or ill-typed field."""
        known = {**self.required, **self.optional}
        for name in payload:
            if name not in known:
                raise BodyError(f"payload: {name} is no field of this API")
        for name in self.required:
            if name not in payload:
                raise BodyError(f"payload: {name} is missing")
        for name, value in payload.items():
            if not known[name](value):
                raise BodyError(f"payload: {name} is not as documented")


def _whole(smallest: int, largest: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and smallest <= value <= largest


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_page(value: Any) -> bool:
    rules = {
        "page": _whole(0, _MAX_PAGE),
        "pageSize": _whole(1, _MAX_PAGE_SIZE),
        "sort": _matches("approvalDateTime"),
        "orderByDirection": _matches("ASC|DESC"),
    }
    return isinstance(value, dict) and all(name in rules and rules[name](each) for name, each in value.items())


def _are_products(value: Any) -> bool:
    is_id = _matches(".{1,15}")
    return isinstance(value, list) and value != [] and all(map(is_id, value)) and len(set(value)) == len(value)


_USER_ID, _PAR, _DAY = _whole(1, 9999999999999999999), _matches(".{27}"), _matches("[0-9]{8}")
_CARD_NO = _matches("[0-9]{16}")

INQUIRIES = {
    CARD_LIST_PATH: Inquiry(False, True, {"userId": _USER_ID}, {"par": _PAR, "physicalCardNo": _CARD_NO}),
    TRANSACTIONS_PATH: Inquiry(
        False,
        None,
        {"par": _PAR, "startDate": _DAY, "endDate": _DAY},
        {
            "userId": _whole(1, 999999999999999),
            "trType": _matches("0[0-3]|"),
            "includePreviousCard": _is_bool,
            "pageRequest": _is_page,
            "nrNumber": _matches(".{1,18}"),
        },
    ),
    ACCOUNT_PATH: Inquiry(True, True, {"cardNo": _CARD_NO}, {}),
    DEDUCTION_PATH: Inquiry(True, False, {"par": _PAR}, {}),
    PRODUCTS_PATH: Inquiry(False, False, {"serviceIdList": _are_products}, {}),
    TERMS_PATH: Inquiry(
        False,
        None,
        {},
        {
            "userId": _USER_ID,
            "locale": _matches("[A-Z]{2,3}"),
            "tcActionType": _matches(".{1,255}"),
            "viewPositionType": _matches(".+"),
        },
    ),
    AUTHENTICATION_PATH: Inquiry(True, False, {"userId": _USER_ID}, {}),
}


@dataclass
class Bank:
    """What the inquiries know, by the keys that the facts name."""

    wallets: dict[int, list[Row]] = field(default_factory=dict)
    """The rows of Search for Card, by member."""
    histories: dict[str, list[Row]] = field(default_factory=dict)
    """Transactions by PAR."""
    accounts: dict[str, Row] = field(default_factory=dict)
    deductions: dict[str, Row] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    terms: list[Row] = field(default_factory=list)
    authenticated: dict[int, Any] = field(default_factory=dict)

    def answer(self, path: str, asked: Row) -> Row:
        """The business fields of an answer."""
        answers = {
            CARD_LIST_PATH: self._cards,
            TRANSACTIONS_PATH: self._transactions,
            ACCOUNT_PATH: self._account,
            DEDUCTION_PATH: self._deduction,
            PRODUCTS_PATH: self._products,
            TERMS_PATH: self._terms,
            AUTHENTICATION_PATH: self._authentication,
        }
        return answers[path](asked)

    def _cards(self, asked: Row) -> Row:
        if asked["userId"] not in self.wallets:
            raise RefusalError("001_006", "Wallet user not found.")
        filters = {name: value for name, value in asked.items() if name != "userId"}
        return {"cardDataInfo": [row for row in self.wallets[asked["userId"]] if filters.items() <= row.items()]}

    def _transactions(self, asked: Row) -> Row:
        pars = {row["par"] for rows in self.wallets.values() for row in rows}
        own = {row["par"] for row in self.wallets.get(asked.get("userId", 0), ())}
        if asked["par"] not in (own if "userId" in asked else pars):
            raise RefusalError("003_021", "Cannot find par")
        if asked["startDate"] > asked["endDate"]:
            raise RefusalError("000_002", "Invalid input parameter. startDate")
        page = {"page": 0, "pageSize": _PAGE_SIZE, "orderByDirection": "ASC", **asked.get("pageRequest", {})}
        rows = [
            row
            for row in self.histories.get(asked["par"], ())
            if asked["startDate"] <= row["approvalDateTime"][:8] <= asked["endDate"]
            and asked.get("trType") in (None, "", row["trType"])
        ]
        rows.sort(key=lambda row: row["approvalDateTime"], reverse=page["orderByDirection"] == "DESC")
        start, size = page["page"] * page["pageSize"], page["pageSize"]
        found = rows[start : start + size]
        pages = {"page": page["page"], "totalPages": -(-len(rows) // size), "numberOfElements": len(found)}
        return {"pageResponse": pages, "transactionInfo": found}

    def _account(self, asked: Row) -> Row:
        if asked["cardNo"] not in self.accounts:
            # As a system behind Konaplate answers.
            raise RefusalError("218_1000_001", "account not found", 404)
        return self.accounts[asked["cardNo"]]

    def _deduction(self, asked: Row) -> Row:
        return {"par": asked["par"], **self.deductions.get(asked["par"], {})}

    def _products(self, asked: Row) -> Row:
        # In another order than asked for, and without those that do not exist.
        found = [
            {"serviceId": each, "serviceName": self.products[each]}
            for each in sorted(asked["serviceIdList"], reverse=True)
            if each in self.products
        ]
        return {"serviceInfos": found}

    def _terms(self, asked: Row) -> Row:
        kept = [row for row in self.terms if asked.get("tcActionType") in (None, row.get("tcActionType"))]
        if "userId" not in asked:
            kept = [{**row, "isAgree": False, "agreeDate": None} for row in kept]
        return {"termsList": kept}

    def _authentication(self, asked: Row) -> Row:
        if asked["userId"] not in self.authenticated:
            raise RefusalError("001_006", "Wallet user not found.")
        return {"isAuthed": self.authenticated[asked["userId"]]}
