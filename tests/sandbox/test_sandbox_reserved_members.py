"""Reserved members: each fails as its row says, and only at the API that its user id names."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from graph.errors import code_of
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.terms import TermsKey
from graph.konaplate.endpoints.transactions import TransactionsKey
from graph.konaplate.errors import InvalidFieldError, RetryMayHelpError
from graph.sandbox.failures import FAILURES, MemberFailure, reserved_cards, reserved_member
from graph.sandbox.faults import FAULTS, MEMBER_FAULTS, Altered, Raw
from graph.sandbox.ledger import CARDS, MEMBERS
from graph.sandbox.wallets import WALLETS
from graph.wiring.upstream import build_client
from schema.secrets import CardNo, MemberId, Par
from tests.faults.jumping_clock import jumping
from tests.sandbox.calls import NOW, answered, ask
from tests.support import sandbox_settings, sandbox_transport
from tests.tables import table
from tests.tools import entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.konaplate.client import KonaplateClient
    from graph.sandbox.wallets import WalletCard

TODAY = f"{NOW:%Y%m%d}"
HERE = "tests/sandbox/test_sandbox_reserved_members.py"
# The first of each API; the others' ids follow. They are in documents and scripts, so none ever changes.
FIRST = {
    "user_info": 9101,
    "card_list": 9201,
    "identity_check": 9301,
    "terms": 9401,
    "transactions": 9501,
    "virtual_account": 9601,
    "tax_deduction": 9701,
    "service_info": 9801,
}
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
# How the gateway asks each API about a reserved member and the card.
KEYS: dict[str, Callable[[int, WalletCard], Any]] = {
    "user_info": lambda user_id, _card: MemberId(str(user_id)),
    "card_list": lambda user_id, _card: MemberId(str(user_id)),
    "identity_check": lambda user_id, _card: MemberId(str(user_id)),
    "terms": lambda user_id, _card: TermsKey("KO", None, MemberId(str(user_id))),
    "transactions": lambda user_id, card: TransactionsKey(
        Par(card.par), MemberId(str(user_id)), "20250101", "20991231", None, False, 0, 20
    ),
    "virtual_account": lambda _user_id, card: CardNo(card.numbers[0]),
    "tax_deduction": lambda _user_id, card: Par(card.par),
    "service_info": lambda _user_id, card: card.row["serviceId"],
    "card_info": lambda _user_id, card: CardNo(card.numbers[0]),
}


@functools.cache
def client() -> KonaplateClient:
    return build_client(sandbox_settings(), sandbox_transport(), lambda _report: None)


async def looked_up(name: str, user_id: int) -> Any:
    """The record of an API about a reserved member, or the error."""
    make_key = entry(KEYS, name, f"KEYS in {HERE}")
    endpoint, key = BY_NAME[name], make_key(user_id, reserved_cards()[user_id])
    try:
        found = await client().fetch(endpoint, [key] if endpoint.batch else key)
    except Exception as error:  # noqa: BLE001 - it is what is tested
        return error
    return found[key] if endpoint.batch else found


def at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record[int(name)] if name.isdecimal() else getattr(record, name)
    return record


def faults(record: Any) -> list[InvalidFieldError]:
    """All faulty fields of a record and of those within it."""
    if isinstance(record, InvalidFieldError):
        return [record]
    within = (
        record
        if isinstance(record, list)
        else [getattr(record, name) for name in getattr(record, "__struct_fields__", ()) if name != "drift"]
    )
    return [fault for each in within for fault in faults(each)]


@pytest.mark.slow
@table(("user_id", "failure"), FAILURES.items())
@jumping
async def test_a_reserved_member_fails_as_documented(user_id: int, failure: MemberFailure) -> None:
    found = await looked_up(failure.endpoint, user_id)
    if failure.field is not None:
        assert code_of(at(found, failure.field)) == failure.code
        assert faults(found)
    elif failure.code is not None:
        assert isinstance(found, Exception)
        assert (code_of(found), isinstance(found, RetryMayHelpError)) == (failure.code, failure.retryable)
    else:
        assert not isinstance(found, Exception)
        assert faults(found) == []


@table("name", KEYS)
@jumping
async def test_other_apis_answer_about_a_reserved_member(name: str) -> None:
    for endpoint, user_id in FIRST.items():
        if endpoint != name:
            assert faults(await looked_up(name, user_id)) == []


def test_every_api_has_every_failure_of_the_reserved_cards_and_some_of_its_own() -> None:
    shared = {fault.description for number, fault in FAULTS.items() if number[9] in "12"}
    for name in KEYS.keys() - {"card_info"}:
        ours = {failure.description for failure in FAILURES.values() if failure.endpoint == name}
        assert shared < ours


def test_a_reserved_members_id_says_which_failure_of_the_reserved_cards_it_is() -> None:
    for number, fault in FAULTS.items():
        group, place = int(number[9]), int(number[10:15])
        if group < 3:
            for endpoint, first in FIRST.items():
                failure = FAILURES[first + 30 * (group - 1) + place - 1]
                expected = (endpoint, fault.description, fault.behaviour)
                assert (failure.endpoint, failure.description, failure.behaviour) == expected


def test_the_first_reserved_member_of_every_api_is_known_here() -> None:
    first: dict[str, int] = {}
    for user_id, failure in FAILURES.items():
        first.setdefault(failure.endpoint, user_id)
    assert first == FIRST, f"extend FIRST in {HERE}; no number of an API may be used twice or change"


def test_no_reserved_member_card_or_par_is_anybody_elses() -> None:
    cards = reserved_cards()
    assert cards.keys() == FAILURES.keys()
    assert FAILURES.keys() & (MEMBERS.keys() | MEMBER_FAULTS.keys()) == set()
    numbers = [number for card in cards.values() for number in card.numbers]
    pars = [card.par for card in (*cards.values(), *WALLETS)]
    assert len(set(numbers)) == len(numbers) == len(FAILURES)
    assert set(numbers).isdisjoint({*CARDS, *FAULTS, *(number for card in WALLETS for number in card.numbers)})
    assert len(set(pars)) == len(pars)


async def test_a_reserved_member_is_an_ordinary_one_with_one_card() -> None:
    (row,) = (await answered("card/list", {"userId": 9501}))["cardDataInfo"]
    card = await answered("card/info", {"cardNo": row["mobileCardNo"]})
    member = await answered("user/info", {"userId": 9501})

    assert (card["userId"], card["balance"]) == (9501, row["balance"])
    assert member == {"userInfo": reserved_member(9501)}
    assert "serviceName" not in row
    assert (await answered("service/info/list", {"serviceIdList": [row["serviceId"]]}))["serviceInfos"]


@table(("user_id", "failure"), FAILURES.items())
async def test_the_sandbox_does_what_the_row_says(user_id: int, failure: MemberFailure) -> None:
    behaviour, card = failure.behaviour, reserved_cards()[user_id]
    if isinstance(behaviour, Altered):
        return
    span = {"startDate": TODAY, "endDate": TODAY}
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "user_info": ("user/info", {"userId": user_id}),
        "card_list": ("card/list", {"userId": user_id}),
        "identity_check": ("deduction/info", {"userId": user_id}),
        "terms": ("terms/all", {"userId": user_id}),
        "transactions": ("transaction/card", {"par": card.par, **span}),
        "virtual_account": ("virtual-account/inquiry", {"cardNo": card.numbers[0]}),
        "tax_deduction": ("cards/deduction", {"par": card.par}),
        "service_info": ("service/info/list", {"serviceIdList": ["SANDBOX00000001", card.row["serviceId"]]}),
    }
    api, clear = entry(calls, failure.endpoint, f"`calls` in {HERE}")
    response = await ask(api, clear)
    assert response.status_code == behaviour.status
    if isinstance(behaviour, Raw):
        assert response.content == behaviour.body
    else:
        # Its API need not encrypt it.
        assert behaviour.code in response.text or "encData" in response.text
