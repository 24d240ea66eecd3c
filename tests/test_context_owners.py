"""A key that names its owner is refused before any call: no answer, and no duration, tells of the member."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from graph.errors import code_of
from graph.konaplate.endpoints.card_list import CARD_LIST
from graph.konaplate.endpoints.identity_check import IDENTITY_CHECK
from graph.konaplate.endpoints.terms import TERMS, TermsKey
from graph.konaplate.endpoints.transactions import TRANSACTIONS
from graph.security.authorization import Viewer
from schema.errors import ErrorCode
from schema.secrets import MemberId
from tests.konaplate.endpoints.pages import TRANSACTIONS_KEY
from tests.test_context import NeverAnswers, context_of

if TYPE_CHECKING:
    from graph.konaplate.endpoint import Endpoint

OWN, OTHER = MemberId("1001"), MemberId("1002")
ASKED: list[tuple[Endpoint[Any, Any], Any, Any, ErrorCode]] = [
    (CARD_LIST, OWN, OTHER, ErrorCode.CARD_NOT_FOUND),
    (IDENTITY_CHECK, OWN, OTHER, ErrorCode.MEMBER_NOT_FOUND),
    (TERMS, TermsKey("KO", None, OWN), TermsKey("KO", None, OTHER), ErrorCode.MEMBER_NOT_FOUND),
    (TRANSACTIONS, TRANSACTIONS_KEY, TRANSACTIONS_KEY._replace(user_id=OTHER), ErrorCode.CARD_NOT_FOUND),
]
every_endpoint = pytest.mark.parametrize(
    ("endpoint", "own", "other", "code"), ASKED, ids=[endpoint.name for endpoint, *_ in ASKED]
)


def viewer(*scopes: str, member: MemberId | None = OWN) -> Viewer:
    return Viewer("service" if member is None else "member", "somebody", frozenset(scopes), member, None)


async def calls_for(endpoint: Endpoint[Any, Any], key: object, who: Viewer) -> tuple[int, BaseException | None]:
    """The number of calls that a key causes, and how it failed before there was an answer."""
    upstream = NeverAnswers()
    async with context_of(upstream, viewer=who) as context:
        context.begin(endpoint, key)
        loading = asyncio.ensure_future(context.load(endpoint, key))
        for _ in range(10):
            await asyncio.sleep(0)
        failed = loading.exception() if loading.done() else None
    await asyncio.wait([loading])
    return upstream.calls, failed


@every_endpoint
async def test_another_members_key_is_refused_without_a_call(
    endpoint: Endpoint[Any, Any], own: object, other: object, code: ErrorCode
) -> None:
    del own
    for who in (viewer(), viewer("member:read"), viewer(member=None)):
        calls, failed = await calls_for(endpoint, other, who)
        assert (calls, code_of(failed)) == (0, code)


@every_endpoint
async def test_an_own_key_and_one_that_a_scope_opens_are_asked_for(
    endpoint: Endpoint[Any, Any], own: object, other: object, code: ErrorCode
) -> None:
    del code
    assert await calls_for(endpoint, own, viewer()) == (1, None)
    for scope in endpoint.open_to:
        assert await calls_for(endpoint, other, viewer(scope, member=None)) == (1, None)


async def test_terms_of_nobody_are_everybodys() -> None:
    assert await calls_for(TERMS, TermsKey("KO"), viewer(member=None)) == (1, None)
