"""The tree of upstream errors is whole: drawn as declared, each leaf reachable, each error with a client code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.errors import CODES, code_of
from graph.konaplate import errors
from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import CallDetails, InvalidFieldError, KonaplateError, UnsealedError
from graph.konaplate.send import Limits
from schema.errors import ErrorCode
from tests.konaplate.support import (
    CARD,
    DETAILS,
    answering,
    card_fields,
    connected,
    encoded,
    leaks,
    pair,
    succeeded,
)
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT_CODES = {
    "KonaplateError": ErrorCode.UPSTREAM_ERROR,
    "RetryMayHelpError": ErrorCode.UPSTREAM_ERROR,
    "UnavailableError": ErrorCode.UPSTREAM_UNAVAILABLE,
    "TimedOutError": ErrorCode.UPSTREAM_TIMEOUT,
    "SystemFaultError": ErrorCode.UPSTREAM_ERROR,
    "RetryWillNotHelpError": ErrorCode.UPSTREAM_ERROR,
    "InvalidInputError": ErrorCode.BAD_USER_INPUT,
    "CardNotFoundError": ErrorCode.CARD_NOT_FOUND,
    "MemberNotFoundError": ErrorCode.MEMBER_NOT_FOUND,
    "RejectedError": ErrorCode.UPSTREAM_REJECTED,
    "InvalidResponseError": ErrorCode.UPSTREAM_INVALID_RESPONSE,
    "UnsealedError": ErrorCode.UPSTREAM_INVALID_RESPONSE,
    "InvalidFieldError": ErrorCode.UPSTREAM_INVALID_RESPONSE,
    "UnknownCodeError": ErrorCode.UPSTREAM_ERROR,
}


def tree(kind: type[KonaplateError] = KonaplateError) -> Iterator[type[KonaplateError]]:
    """A class and all that derive from it, directly or not."""
    yield kind
    for derived in kind.__subclasses__():
        yield from tree(derived)


def made(kind: type[KonaplateError]) -> KonaplateError:
    return InvalidFieldError(DETAILS, "balance") if kind is InvalidFieldError else kind(DETAILS)


def test_every_error_has_the_client_code_of_the_documentation() -> None:
    assert {kind.__name__: code_of(made(kind)) for kind in tree()} == CLIENT_CODES


def test_every_error_of_the_tree_gets_its_code_from_the_table() -> None:
    assert [kind for kind in tree() if not any(ancestor in CODES for ancestor in kind.__mro__)] == []


def test_an_exception_from_outside_the_tree_is_an_internal_error() -> None:
    assert [code_of(ValueError()), code_of(None)] == [ErrorCode.INTERNAL_SERVER_ERROR] * 2


def test_every_error_says_whether_a_retry_may_help() -> None:
    branches = (errors.RetryMayHelpError, errors.RetryWillNotHelpError)
    sides = [[issubclass(kind, branch) for branch in branches] for kind in tree() if kind is not KonaplateError]
    assert [True] * len(sides) == [each.count(True) == 1 for each in sides]


def test_the_drawing_of_the_tree_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"(    (?:[│ ]   )*(?:[├└]── )?)(\w+Error)\b", line):
            depth = len(match[1]) // 4 - 1
            branch[depth:] = [match[2]]
            drawn[match[2]] = branch[depth - 1] if depth else "Exception"
    declared = {kind.__name__: kind.__base__.__name__ for kind in tree() if kind.__base__ is not None}
    assert declared == drawn


def refuse(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def too_slow(_request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


def coded(code: str) -> Callable[[httpx.Request], httpx.Response]:
    return answering(encoded({"response": {"code": code}}), 400)


REACHED = {
    "UnavailableError": refuse,
    "TimedOutError": too_slow,
    "SystemFaultError": coded("006_022"),
    "InvalidInputError": coded("000_002"),
    "CardNotFoundError": coded("003_001"),
    "MemberNotFoundError": coded("001_006"),
    "RejectedError": coded("010_001"),
    "InvalidResponseError": answering(b"<html>"),
    "UnknownCodeError": coded("777_777"),
}


@pytest.mark.parametrize(("name", "handler"), REACHED.items(), ids=REACHED.keys())
async def test_a_call_ends_in_this_error(name: str, handler: Callable[[httpx.Request], httpx.Response]) -> None:
    async with connected(httpx.MockTransport(handler), limits=Limits(total=5)) as client:
        with pytest.raises(KonaplateError) as caught:
            await client.fetch(CARD_INFO, CARD)
    assert name == type(caught.value).__name__


async def test_a_field_of_a_good_answer_ends_in_its_own_error() -> None:
    transport = httpx.MockTransport(answering(succeeded(card_fields(balance=-1))))
    async with connected(transport) as client:
        assert isinstance((await client.fetch(CARD_INFO, CARD)).balance, InvalidFieldError)


async def test_a_success_in_clear_on_an_encrypted_line_ends_in_its_own_error() -> None:
    transport = httpx.MockTransport(answering(succeeded(card_fields())))
    async with connected(transport, cipher=Cipher([pair()])) as client:
        with pytest.raises(UnsealedError):
            await client.fetch(CARD_INFO, CARD)


def test_every_leaf_of_the_tree_is_reached_above() -> None:
    leaves = {kind.__name__ for kind in tree() if not kind.__subclasses__()}
    assert leaves == (REACHED.keys() - {"InvalidResponseError"}) | {"InvalidFieldError", "UnsealedError"}


@table("kind", list(tree()))
def test_an_error_shows_the_call_and_nothing_else(kind: type[KonaplateError]) -> None:
    error = made(kind)
    assert repr(error) == f"{kind.__name__}({DETAILS!r})"
    assert str(error) == repr(CallDetails("250306120000-0123abc", 200, "000_000"))
    assert leaks(error) == []
