"""The sandbox's data: one table per API. A new API needs one entry in `DATA`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graph import DeclarationError
from graph.sandbox.faults import FAULTS, MEMBER_FAULTS, Altered, Behaviour, Coded, RefusedCallError
from graph.sandbox.ledger import CARD_ROWS, CARDS, MEMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID_INPUT: Final = "000_002"
MISSING_VALUE: Final = "000_003"
WRONG_LENGTH: Final = "000_015"


@dataclass(frozen=True, slots=True)
class Table:
    """The data of one API. Its keys are strings or whole numbers from 1."""

    key: str
    """The request's field that holds the key."""
    rows: Mapping[Any, Mapping[str, Any]]
    """The fields of a good response by key; for a batch API, the fields of a row."""
    not_found: Coded
    """The response for any other key. A batch API omits its row instead."""
    size: int | None = None
    """The exact length of a string key, or the largest number."""
    faults: Mapping[Any, Behaviour] = field(default_factory=dict)
    """Simulated failures, by key."""
    listed_in: str | None = None
    """The response's field that lists the rows of a batch API."""

    def look_up(self, request: Mapping[str, Any]) -> tuple[Behaviour, Mapping[str, Any]]:
        """Find what to do with a request, and the fields of a good response.

        Raises:
            RefusedCallError: the key is missing or malformed.
        """
        asked = request.get(self.key)
        if asked is None:
            raise RefusedCallError(MISSING_VALUE, f"Missing required values. {self.key}")
        if self.listed_in is not None and (not isinstance(asked, list) or not asked):
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
        keys = [asked] if self.listed_in is None else asked
        for key in keys:
            self._check(key)
        fault = next((self.faults[key] for key in keys if key in self.faults), None)
        if self.listed_in is not None:
            return fault or Altered(), {self.listed_in: [dict(self.rows[key]) for key in keys if key in self.rows]}
        if fault is not None:
            return fault, next(iter(self.rows.values()))
        return (Altered(), self.rows[asked]) if asked in self.rows else (self.not_found, {})

    def _check(self, key: object) -> None:
        # By exact type, because bool is a subclass of int.
        if type(key) is not type(next(iter(self.rows))) or not key:
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
        if isinstance(key, str) and self.size is not None and len(key) != self.size:
            raise RefusedCallError(WRONG_LENGTH, f"The length does not match. {self.key}")
        if isinstance(key, int) and not 1 <= key <= (self.size or key):
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")


def table_of(data: Mapping[str, Table], endpoint: str) -> Table:
    """The table of an endpoint.

    Raises:
        DeclarationError: there is none.
    """
    if endpoint not in data:
        raise DeclarationError(
            f"the sandbox has no table for {endpoint!r}: add one to DATA in graph/sandbox/data.py"
        )
    return data[endpoint]


_PARS: Final = tuple(row["par"] for rows in CARD_ROWS.values() for row in rows)
_ONE_PAGE: Final = {"page": 0, "totalPages": 1, "numberOfElements": 1}
_PAYMENT: Final = {
    "trType": "00",
    "nrNumber": "000000000000000001",
    "trAmount": 4_500,
    "orgAmount": 4_500,
    "balanceBefore": 54_500,
    "balanceAfter": 50_000,
    "merchantName": "모래 커피",
    "bizLicenseNo": "2208162517",
    "authCancelType": "AUTH",
    "approvalCode": "00000001",
    "approvalDateTime": "20261101093000",
}
_REGISTERED: Final = {"deductionDate": 20_260_101, "created": "20251224101500"}
_TERMS: Final = {
    "tcId": 1,
    "tcActionType": "PY",
    "title": "전자금융거래 이용약관",
    "url": "https://sandbox.example/terms/1",
    "required": "MANDATORY",
    "order": "1",
    "isAgree": False,
}


def _account(place: int) -> dict[str, str]:
    return {"accountNo": f"1005{place:09d}", "bankCode": "020", "connectType": "FIXATION"}


DATA: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "card_info": Table(
            key="cardNo",
            size=16,
            rows={number: card.fields for number, card in CARDS.items()},
            not_found=Coded("003_001", "Invalid card info."),
            faults={number: fault.behaviour for number, fault in FAULTS.items()},
        ),
        "user_info": Table(
            key="userId",
            size=9_999_999_999_999_999_999,
            rows={user_id: {"userInfo": dict(member)} for user_id, member in MEMBERS.items()},
            not_found=Coded("001_006", "Wallet user not found."),
            faults=MEMBER_FAULTS,
        ),
        "card_list": Table(
            key="userId",
            size=9_999_999_999_999_999_999,
            rows={user_id: {"cardDataInfo": rows} for user_id, rows in CARD_ROWS.items()},
            not_found=Coded("001_006", "Wallet user not found."),
        ),
        "transactions": Table(
            key="par",
            size=27,
            rows={par: {"pageResponse": _ONE_PAGE, "transactionInfo": [_PAYMENT]} for par in _PARS},
            not_found=Coded("003_021", "Cannot find par"),
        ),
        "virtual_account": Table(
            key="cardNo",
            size=16,
            rows={number: _account(place) for place, number in enumerate(CARDS)},
            not_found=Coded("003_001", "Invalid card info."),
        ),
        "tax_deduction": Table(
            key="par",
            size=27,
            rows={par: {"par": par, **_REGISTERED} for par in _PARS},
            not_found=Coded("003_021", "Cannot find par"),
        ),
        "service_info": Table(
            key="serviceIdList",
            size=15,
            rows={"SANDBOX00000001": {"serviceId": "SANDBOX00000001", "serviceName": "샌드박스 선불카드"}},
            # Not used: ids that do not exist are left out.
            not_found=Coded("000_002", "Invalid input parameter."),
            listed_in="serviceInfos",
        ),
        "terms": Table(
            key="locale",
            rows={locale: {"termsList": [_TERMS]} for locale in ("KO", "EN")},
            not_found=Coded("000_002", "Invalid input parameter."),
        ),
        "identity_check": Table(
            key="userId",
            size=9_999_999_999_999_999_999,
            rows={user_id: {"isAuthed": True} for user_id in MEMBERS},
            not_found=Coded("001_006", "Wallet user not found."),
        ),
    }
)
"""By the endpoint's name."""
