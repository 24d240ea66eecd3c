"""The rules alone: an endpoint declares who owns its records."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import CallDetails, InvalidFieldError, SystemFaultError
from graph.security.authorization import Authorization, Scope, Viewer
from graph.security.errors import CardHiddenError
from schema.secrets import CardNo, MemberId

CARD = CardNo("9491339400000013")
OWN, DETAILS = MemberId("1001"), CallDetails("an-id", 200, "003_001")
TABLE = replace(CARD_INFO, name="table", path="/table", owner=None)


def rules(*scopes: str, member: MemberId | None = OWN) -> Authorization:
    return Authorization(Viewer("member", "somebody", frozenset(scopes), member, None))


def passes(owner: object, authorization: Authorization) -> bool:
    try:
        authorization.check(SimpleNamespace(user_id=owner), CARD_INFO, CARD)
    except CardHiddenError:
        return False
    return True


@pytest.mark.parametrize("owner", [MemberId("1002"), None, InvalidFieldError(DETAILS, "userId")])
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
