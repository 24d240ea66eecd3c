"""The sandbox's data: one table per API. A new API needs one entry in `DATA`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graph import DeclarationError
from graph.sandbox import bank, inquiries
from graph.sandbox.failures import FAILURES, failures_of, product_of, reserved_cards, reserved_member
from graph.sandbox.faults import FAULTS, MEMBER_FAULTS, OPEN_BREAKER, Behaviour, Coded
from graph.sandbox.forms import FLAG, day, exactly, one_of, text, whole, within
from graph.sandbox.ledger import BIGGEST_USER_ID, CARDS, MEMBERS
from graph.sandbox.seed import Lazy
from graph.sandbox.table import Table
from graph.sandbox.wallets import PAR_LENGTH, PRODUCTS, WALLETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.sandbox.wallets import WalletCard


def table_of(data: Mapping[str, Table], endpoint: str) -> Table:
    """The table of an endpoint.

    Raises:
        DeclarationError: there is none, or one without a key.
    """
    if endpoint not in data:
        raise DeclarationError(
            f"the sandbox has no table for {endpoint!r}: add one to DATA in graph/sandbox/data.py"
        )
    if not any(key is not None for key in data[endpoint].rows):
        raise DeclarationError(
            f"the sandbox's table for {endpoint!r} needs a row with a key, which tells the type of its keys"
        )
    return data[endpoint]


_PAGE: Final = within(
    {
        "page": whole(0, 1_000),
        "pageSize": whole(1, 10_000),
        "sort": one_of("approvalDateTime"),
        "orderByDirection": one_of("ASC", "DESC"),
    }
)
_NO_CARD: Final = Coded("003_001", "Invalid card info.")
_NO_MEMBER: Final = Coded("001_006", "Wallet user not found.")
_NO_PAR: Final = Coded("003_021", "Cannot find par")
# The count of the card whose virtual account does not exist. Cards that belong to nobody have none, either.
_NO_ACCOUNT: Final = 2_012_010
_WITHOUT_ACCOUNT: Final = {
    number: Coded("003_024", "Don't have account info")
    if not card.user_id
    else Coded("218_1000_001", "Account not found.", 404)
    for card in WALLETS
    if not card.user_id or card.count == _NO_ACCOUNT
    for number in card.numbers
}


def _number(card: WalletCard) -> str:
    return card.numbers[0]


def _failing(
    endpoint: str, key: Callable[[WalletCard], str], others: Mapping[str, Behaviour] = MappingProxyType({})
) -> Mapping[str, Behaviour]:
    """How an API fails, by a key of the reserved members' cards, and of other cards."""
    fails = failures_of(endpoint)
    return Lazy(
        lambda: {**others, **{key(reserved_cards()[user_id]): fails[user_id] for user_id in fails}},
        lambda behaviour: behaviour,
    )


DATA: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "card_info": Table(
            key="cardNo",
            size=16,
            rows={number: card.fields for number, card in CARDS.items()}
            | {number: fields for card in WALLETS for number, fields in card.infos.items()},
            reserved_rows=Lazy(bank.reserved(_number), lambda card: card.infos[_number(card)]),
            not_found=_NO_CARD,
            others={},
            faults={number: fault.behaviour for number, fault in FAULTS.items()},
        ),
        "user_info": Table(
            key="userId",
            size=BIGGEST_USER_ID,
            rows={user_id: {"userInfo": dict(member)} for user_id, member in MEMBERS.items()},
            reserved_rows=Lazy(lambda: {i: i for i in FAILURES}, lambda i: {"userInfo": reserved_member(i)}),
            not_found=_NO_MEMBER,
            others={},
            faults={**MEMBER_FAULTS, **failures_of("user_info")},
        ),
        "card_list": Table(
            key="userId",
            size=BIGGEST_USER_ID,
            rows=Lazy(bank.wallets, bank.card_list),
            reserved_rows=Lazy(reserved_cards, lambda card: bank.card_list([card])),
            not_found=_NO_MEMBER,
            others={"par": exactly(PAR_LENGTH), "physicalCardNo": exactly(16)},
            answer=inquiries.cards,
            faults=failures_of("card_list"),
        ),
        "identity_check": Table(
            key="userId",
            size=BIGGEST_USER_ID,
            rows={user_id: bank.identity_check(user_id) for user_id in MEMBERS},
            reserved_rows=Lazy(lambda: {i: i for i in FAILURES}, bank.identity_check),
            not_found=_NO_MEMBER,
            others={},
            faults=failures_of("identity_check"),
        ),
        "terms": Table(
            key="userId",
            size=BIGGEST_USER_ID,
            rows=Lazy(lambda: {i: i for i in (None, *MEMBERS)}, bank.terms),
            reserved_rows=Lazy(lambda: {i: i for i in FAILURES}, bank.terms),
            not_found=_NO_MEMBER,
            others={"locale": text(3, 2), "tcActionType": text(255), "viewPositionType": text(20)},
            answer=inquiries.terms,
            faults=failures_of("terms"),
        ),
        "transactions": Table(
            key="par",
            size=PAR_LENGTH,
            rows=Lazy(bank.cards_by_par, bank.transactions),
            reserved_rows=Lazy(bank.reserved(lambda card: card.par), bank.transactions),
            not_found=_NO_PAR,
            others={
                # 15 nines, where the others take 19.
                "userId": whole(1, 999_999_999_999_999),
                "startDate": day(),
                "endDate": day(),
                "trType": one_of("", "00", "01", "02", "03"),
                "includePreviousCard": FLAG,
                "pageRequest": _PAGE,
                "nrNumber": text(50),
            },
            answer=inquiries.transactions,
            faults=_failing("transactions", lambda card: card.par),
        ),
        "virtual_account": Table(
            key="cardNo",
            size=16,
            rows=Lazy(bank.cards_by_number, bank.virtual_account),
            reserved_rows=Lazy(bank.reserved(_number), bank.virtual_account),
            not_found=_NO_CARD,
            others={},
            faults=_failing("virtual_account", _number, _WITHOUT_ACCOUNT),
        ),
        "tax_deduction": Table(
            key="par",
            size=PAR_LENGTH,
            rows=Lazy(bank.cards_by_par, bank.tax_deduction),
            reserved_rows=Lazy(bank.reserved(lambda card: card.par), bank.tax_deduction),
            not_found=_NO_PAR,
            others={},
            faults=_failing("tax_deduction", lambda card: card.par),
        ),
        "service_info": Table(
            key="serviceIdList",
            size=15,
            rows={product: bank.product(product) for product in PRODUCTS},
            reserved_rows=Lazy(lambda: {product_of(i): product_of(i) for i in FAILURES}, bank.product),
            not_found=_NO_CARD,
            others={},
            faults={product_of(user_id): fault for user_id, fault in failures_of("service_info").items()},
            listed_in="serviceInfos",
        ),
    }
)
"""By the endpoint's name."""


def fails(endpoint: str, request: Mapping[str, Any]) -> bool:
    """Whether a call meets a simulated failure."""
    return table_of(DATA, endpoint).failure_of(request) is not None


def opens_breaker(endpoint: str, request: Mapping[str, Any]) -> bool:
    """Whether a gateway with the embedded sandbox answers a call as if the API's breaker were open."""
    return table_of(DATA, endpoint).failure_of(request) == FAULTS[OPEN_BREAKER].behaviour
