"""The rules alone: an endpoint declares who owns its records."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.card_list import CARD_LIST
from graph.konaplate.endpoints.identity_check import IDENTITY_CHECK
from graph.konaplate.endpoints.terms import TERMS, TermsKey
from graph.konaplate.errors import CallDetails, InvalidFieldError, SystemFaultError
from graph.security.authorization import EVERY_SCOPE, Authorization, Scope, Viewer
from graph.security.errors import CardHiddenError, HiddenError, MemberHiddenError
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from graph.konaplate.endpoint import Endpoint

CARD = CardNo("9491339400000013")
OWN, DETAILS = MemberId("1001"), CallDetails("an-id", 200, "003_001")
FAULT = InvalidFieldError(DETAILS, "userId")
TABLE = replace(CARD_INFO, name="table", path="/table", owner=None)


def rules(*scopes: str, member: MemberId | None = OWN) -> Authorization:
    return Authorization(Viewer("member", "somebody", frozenset(scopes), member, None))


def passes(owner: object, authorization: Authorization) -> bool:
    try:
        authorization.check(SimpleNamespace(user_id=owner), CARD_INFO, CARD)
    except CardHiddenError:
        return False
    return True


@pytest.mark.parametrize("owner", [MemberId("1002"), None, FAULT])
def test_a_viewer_sees_their_own_records_alone(owner: object) -> None:
    assert (passes(OWN, rules()), passes(owner, rules())) == (True, False)
    assert passes(owner, rules(Scope.READ_ANY_CARD))


def test_who_is_no_member_sees_nobodys_records() -> None:
    assert not passes(None, rules(member=None))


def test_records_without_an_owner_are_everybodys() -> None:
    rules().check(object(), TABLE, CARD)
    error = SystemFaultError(DETAILS)
    assert error is rules().failure(error, TABLE, CARD)


def test_what_konaplate_says_of_a_record_is_hidden_from_whom_it_may_not_concern() -> None:
    error = SystemFaultError(DETAILS)
    assert isinstance(rules().failure(error, CARD_INFO, CARD), CardHiddenError)
    assert error is rules(Scope.READ_ANY_CARD).failure(error, CARD_INFO, CARD)


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_a_failure_that_is_about_no_record_is_told(status: int | None) -> None:
    error = SystemFaultError(CallDetails("an-id", status))
    assert error is rules().failure(error, CARD_INFO, CARD)


OTHER = MemberId("1002")


@pytest.mark.parametrize(
    ("endpoint", "key", "hidden"),
    [
        (CARD_LIST, OTHER, CardHiddenError),
        (IDENTITY_CHECK, OTHER, MemberHiddenError),
        (TERMS, TermsKey("KO", None, OTHER), MemberHiddenError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_key_of_another_member_is_refused_before_any_call(
    endpoint: Endpoint[Any, Any], key: object, hidden: type[HiddenError]
) -> None:
    for scopes, member in (((), OWN), ((), None), ((Scope.READ_MEMBER,), OWN)):
        assert not rules(*scopes, member=member).may_ask(endpoint, key)
        with pytest.raises(hidden):
            rules(*scopes, member=member).check(None, endpoint, key)
        error = SystemFaultError(DETAILS)
        assert isinstance(rules(*scopes, member=member).failure(error, endpoint, key), hidden)
    for scope in endpoint.open_to:
        assert rules(scope).may_ask(endpoint, key)
        rules(scope).check(None, endpoint, key)


def test_a_viewer_may_ask_for_their_own_key_and_is_told_its_failures() -> None:
    error = SystemFaultError(DETAILS)
    assert rules().may_ask(CARD_LIST, OWN)
    rules().check(None, CARD_LIST, OWN)
    assert error is rules().failure(error, CARD_LIST, OWN)


def test_a_key_that_names_no_member_asks_for_what_is_everybodys() -> None:
    assert rules(member=None).may_ask(TERMS, TermsKey("KO"))
    rules(member=None).check(None, TERMS, TermsKey("KO"))


def test_a_key_that_does_not_tell_the_owner_may_be_asked_for() -> None:
    assert rules().may_ask(CARD_INFO, CARD)


def test_what_takes_a_scope_is_open_to_its_owner_without_it() -> None:
    scope = Scope.READ_TRANSACTIONS
    assert rules().may_read(scope, OWN)
    assert rules(scope).may_read(scope, OTHER)
    assert rules(scope, member=None).may_read(scope, None)
    for owner, member in ((OTHER, OWN), (None, OWN), (None, None), (OWN, None), (FAULT, OWN)):
        assert not rules(Scope.READ_ANY_CARD, member=member).may_read(scope, owner)


def test_scopes_that_open_an_endpoint_are_scopes() -> None:
    assert {scope for endpoint in ENDPOINTS for scope in endpoint.open_to} <= EVERY_SCOPE


def test_seeing_a_member_is_not_seeing_their_cards() -> None:
    assert not rules(Scope.READ_ANY_MEMBER).may_ask(CARD_LIST, OTHER)
    assert rules(Scope.READ_ANY_MEMBER).may_ask(IDENTITY_CHECK, OTHER)
