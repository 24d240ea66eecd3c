"""Reserved members, for every failure of every inquiry but the one by card number (see `faults`).

A reserved member is an ordinary one with one card, but one API fails for them, or for this card, its PAR or its
product. The user id says how: 9, the API's number, and two digits for the failure. Up to 30 they are the place in
group 1 of the reserved card numbers, up to 60 the place in group 2 and 30, above 60 failures of this API alone.
"""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graph.sandbox.faults import CODED, FINE, HTTP, INVALID, Altered
from graph.sandbox.ledger import card_fields, member_fields
from graph.sandbox.wallets import card_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graph.sandbox.faults import Behaviour, Row
    from graph.sandbox.wallets import WalletCard
    from schema.errors import ErrorCode

_ROW: Final = "cardDataInfo"
_PAYMENT: Final = "transactionInfo"
_TERMS: Final = "termsList"
_OTHERS: Final = [
    {"serviceId": "SANDBOX00000002", "serviceName": "샌드박스 체크카드"},
    {"serviceId": "SANDBOX00000001", "serviceName": "샌드박스 선불카드"},
]
_NO_CODE: Final = ("no code", Altered(coded=False), FINE, None)
_SEALED: Final = ("encrypted, although the API's responses are not", Altered(other_form=True), FINE, None)
_CLEAR: Final = ("in clear, although the API's responses are encrypted", Altered(other_form=True), INVALID, None)

# By the API's number, which never changes, and the endpoint's name. The field is its attribute.
_OWN: Final[Mapping[tuple[int, str], tuple[Row, ...]]] = MappingProxyType(
    {
        (1, "user_info"): (
            _NO_CODE,
            _CLEAR,
            ("no member", Altered(without=("userInfo",)), INVALID, None),
            ("another member", Altered({"userId": 1001}, each_of="userInfo"), INVALID, None),
            ("no name", Altered(without=("userName",), each_of="userInfo"), INVALID, "user_name"),
            ("a number for the name", Altered({"userName": 1}, each_of="userInfo"), INVALID, "user_name"),
        ),
        (2, "card_list"): (
            _NO_CODE,
            _CLEAR,
            ("no list", Altered(without=(_ROW,)), INVALID, "card_data_info"),
            ("null for the list", Altered({_ROW: None}), INVALID, "card_data_info"),
            ("an object for the list", Altered({_ROW: {}}), INVALID, "card_data_info"),
            ("an empty list", Altered({_ROW: []}), FINE, None),
            ("a row that is a string", Altered({_ROW: ["card"]}), INVALID, "card_data_info.0"),
            ("no PAR", Altered(without=("par",), each_of=_ROW), INVALID, "card_data_info.0.par"),
            ("a PAR longer than documented", Altered({"par": "P" * 40}, each_of=_ROW), FINE, None),
            ("no balance", Altered(without=("balance",), each_of=_ROW), INVALID, "card_data_info.0.balance"),
            ("a negative balance", Altered({"balance": -1}, each_of=_ROW), INVALID, "card_data_info.0.balance"),
            ("a balance as digits in a string", Altered({"balance": "4200"}, each_of=_ROW), FINE, None),
            (
                "a word for `isNamed`",
                Altered({"isNamed": "Y"}, each_of=_ROW),
                INVALID,
                "card_data_info.0.is_named",
            ),
            (
                "a string for the limits",
                Altered({"limits": "none"}, each_of=_ROW),
                INVALID,
                "card_data_info.0.limits",
            ),
            (
                "a card number of 15 digits",
                Altered({"mobileCardNo": "949133940000001"}, each_of=_ROW),
                INVALID,
                "card_data_info.0.mobile_card_no",
            ),
        ),
        (3, "identity_check"): (
            _NO_CODE,
            _SEALED,
            ("no `isAuthed`", Altered(without=("isAuthed",)), INVALID, "is_authed"),
            ("null for `isAuthed`", Altered({"isAuthed": None}), INVALID, "is_authed"),
            ("a word for `isAuthed`", Altered({"isAuthed": "Y"}), INVALID, "is_authed"),
        ),
        (4, "terms"): (
            _NO_CODE,
            _SEALED,
            ("no list", Altered(without=(_TERMS,)), INVALID, "terms_list"),
            ("an empty list", Altered({_TERMS: []}), FINE, None),
            ("the order as a number", Altered({"order": 3}, each_of=_TERMS), FINE, None),
            ("a word for the order", Altered({"order": "first"}, each_of=_TERMS), INVALID, "terms_list.0.order"),
            ("no title", Altered(without=("title",), each_of=_TERMS), INVALID, "terms_list.0.title"),
            ("no `isAgree`", Altered(without=("isAgree",), each_of=_TERMS), INVALID, "terms_list.0.is_agree"),
            ("an undocumented `required`", Altered({"required": "PERHAPS"}, each_of=_TERMS), FINE, None),
            (
                "the agreement's time as a number",
                Altered({"agreeDate": 20250102030405678}, each_of=_TERMS),
                FINE,
                None,
            ),
            (
                "an agreement at no time",
                Altered({"agreeDate": "20251399"}, each_of=_TERMS),
                INVALID,
                "terms_list.0.agree_date",
            ),
        ),
        (5, "transactions"): (
            _NO_CODE,
            _SEALED,
            ("no list", Altered(without=(_PAYMENT,)), FINE, None),
            ("null for the list", Altered({_PAYMENT: None}), FINE, None),
            ("no page", Altered(without=("pageResponse",)), FINE, None),
            (
                "pages as digits in strings",
                Altered({"page": "0", "totalPages": "1"}, each_of="pageResponse"),
                FINE,
                None,
            ),
            ("a row that is a string", Altered({_PAYMENT: ["payment"]}), INVALID, "transaction_info.0"),
            ("a row without any field", Altered({_PAYMENT: [{}]}), FINE, None),
            ("amounts as digits in strings", Altered({"trAmount": "4200"}, each_of=_PAYMENT), FINE, None),
            (
                "a negative amount",
                Altered({"trAmount": -1}, each_of=_PAYMENT),
                INVALID,
                "transaction_info.0.tr_amount",
            ),
            (
                "undocumented words",
                Altered({"trType": "99", "authCancelType": "REVERSAL", "rcgType": "?"}, each_of=_PAYMENT),
                FINE,
                None,
            ),
            (
                "an approval at no time",
                Altered({"approvalDateTime": "yesterday"}, each_of=_PAYMENT),
                INVALID,
                "transaction_info.0.approval_date_time",
            ),
        ),
        (6, "virtual_account"): (
            _NO_CODE,
            _CLEAR,
            ("no account number", Altered(without=("accountNo",)), INVALID, "account_no"),
            ("an account number longer than documented", Altered({"accountNo": "1" * 24}), FINE, None),
            ("a number for the bank", Altered({"bankCode": 20}), INVALID, "bank_code"),
            ("no `connectType`", Altered(without=("connectType",)), FINE, None),
            ("`connectType` as 01", Altered({"connectType": "01"}), FINE, None),
            ("`connectType` as 02", Altered({"connectType": "02"}), FINE, None),
            ("an undocumented `connectType`", Altered({"connectType": "SHARED"}), FINE, None),
        ),
        (7, "tax_deduction"): (
            _NO_CODE,
            _SEALED,
            ("the PAR of another card", Altered({"par": "PAR" + "X" * 24}), INVALID, None),
            ("no PAR", Altered(without=("par",)), INVALID, None),
            ("not registered: no dates", Altered(without=("deductionDate", "created")), FINE, None),
            ("a date of 14 digits, as a number", Altered({"deductionDate": 20250102030405}), FINE, None),
            ("a date of 8 digits, as text", Altered({"deductionDate": "20250102"}), FINE, None),
            ("a date of 14 digits, as text", Altered({"deductionDate": "20250102030405"}), FINE, None),
            ("a date that is no day", Altered({"deductionDate": 20251399}), INVALID, "deduction_date"),
            ("0 for the date", Altered({"deductionDate": 0}), INVALID, "deduction_date"),
            ("a word for the date", Altered({"deductionDate": "Value 0"}), INVALID, "deduction_date"),
            ("registered at no time", Altered({"created": "20251399000000"}), INVALID, "created"),
        ),
        (8, "service_info"): (
            _NO_CODE,
            _SEALED,
            ("no list", Altered(without=("serviceInfos",)), INVALID, None),
            ("a list of other products", Altered({"serviceInfos": _OTHERS}), FINE, None),
            ("null for the name", Altered({"serviceName": None}, each_of="serviceInfos"), INVALID, "service_name"),
            ("an empty list", Altered({"serviceInfos": []}), FINE, None),
        ),
    }
)


RESERVED_PRODUCT: Final = "샌드박스 예약카드"
"""The name of the reserved members' products."""


class MemberFailure(NamedTuple):
    """What fails for a reserved member."""

    endpoint: str
    """The name of the API that fails."""
    description: str
    behaviour: Behaviour
    code: ErrorCode | None
    """The `extensions.code` that a client of the gateway sees; None when there is no error."""
    retryable: bool
    field: str | None
    """The path of the faulty attribute in the record; None if all of it fails."""


def _failures() -> Iterator[tuple[int, MemberFailure]]:
    for (number, endpoint), own in _OWN.items():
        for start, rows in ((1, CODED), (31, HTTP), (61, own)):
            for place, (description, behaviour, seen, field) in enumerate(rows, start):
                yield int(f"9{number}{place:02}"), MemberFailure(endpoint, description, behaviour, *seen, field)


FAILURES: Final[Mapping[int, MemberFailure]] = MappingProxyType(dict(_failures()))
"""By the reserved member's user id."""


def failures_of(endpoint: str) -> Mapping[int, Behaviour]:
    """How an API fails, by the reserved member's user id."""
    return {user_id: each.behaviour for user_id, each in FAILURES.items() if each.endpoint == endpoint}


def product_of(user_id: int) -> str:
    """The id of the product that a reserved member's card is."""
    return f"SANDBOX{user_id:08d}"


@functools.cache
def reserved_cards() -> Mapping[int, WalletCard]:
    """The card of each reserved member, by user id."""
    return {user_id: _card(user_id) for user_id in FAILURES}


def _card(user_id: int) -> WalletCard:
    fields = card_fields(userId=user_id, serviceId=product_of(user_id), serviceName=RESERVED_PRODUCT)
    # Without the name in its row, the product must be asked for.
    return card_of(8_000_000 + user_id, "reserved", fields, without=("serviceName", "physicalCardNo"))


def reserved_member(user_id: int) -> dict[str, Any]:
    """The fields of a reserved member."""
    return member_fields(
        user_id, f"예약{user_id}", f"010{90_000_000 + user_id}", f"reserved-{user_id}@example.com"
    )
