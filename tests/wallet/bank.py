"""Members with wallets, and what they and others ask of a gateway over the sandbox or a changed one."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.app import create_sandbox
from graph.sandbox.data import DATA
from graph.sandbox.wallets import WALLETS
from tests.security.callers import ANY_CARD, Caller, callers
from tests.support import Recorder, credentials, on_core

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from graph.sandbox.table import Table
    from tests.security.callers import Callers

ONE, THREE, FIVE, TWELVE = (
    [card for card in WALLETS if card.user_id == user_id] for user_id in (2001, 2003, 2005, 2012)
)
"""The cards of the members 2001 to 2012."""
INTROSPECTION: Final = "introspection"
TRANSACTIONS: Final = "transactions:read"
ACCOUNTS: Final = "virtual-account:read"
ANY_MEMBER: Final = "members:read:any"
NUMBERS: Final = "card-number:read"
SERVICE: Final = Caller("a-service", (ANY_CARD,))
FIRST: Final = FIVE[0].numbers[0]

_NAMES: Final = {endpoint.path: endpoint.name for endpoint in ENDPOINTS}


def member(user_id: int, *scopes: str) -> Caller:
    """A member of the sandbox, by default without scopes."""
    return Caller(f"member {user_id} {scopes}", scopes, str(user_id))


def named(paths: list[str]) -> list[str]:
    """Upstream calls by the names of their endpoints."""
    return [_NAMES[path] for path in paths]


def bank(**changes: Mapping[str, Any]) -> Recorder:
    """A recorded sandbox that nobody has called, some of whose tables have changed.

    Args:
        changes: attributes of tables that replace those of the sandbox's, by the name of the endpoint.
    """
    data: dict[str, Table] = {
        **DATA,
        **{name: dataclasses.replace(DATA[name], **fields) for name, fields in changes.items()},
    }
    return Recorder(httpx.ASGITransport(create_sandbox(credentials(), data=data)))


def rows(*of_member: Mapping[str, Any], user_id: int = 2005) -> dict[str, Any]:
    """A member's card list: the argument `card_list` of `bank`."""
    return {"rows": {user_id: {"cardDataInfo": [dict(row) for row in of_member]}}}


@asynccontextmanager
async def wallet(
    folder: Path, transport: httpx.AsyncBaseTransport | None = None, **settings: object
) -> AsyncIterator[Callers]:
    """A gateway that requires tokens, and lets operations cost much."""
    roomy = {"KONAGRAPH_MAX_COST": 100_000, "KONAGRAPH_COST_BURST": 1_000_000}
    async with callers(folder, transport or bank(), **{**roomy, **settings}) as running:
        yield running


async def both_ways(
    running: Callers, caller: Caller, query: str, variables: dict[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Ask by plan and on graphql-core; return the one answer that both give, and the calls that both make.

    The caller needs the scope `introspection`. An error is its path and its extensions.
    """
    answers, calls = [], []
    for text in (query, on_core(query)):
        del running.calls[:]
        answer = await running.ask(caller, text, variables)
        answer["data"].pop("__schema", None)
        answers.append(plain(answer))
        calls.append(named(running.calls))
    assert answers[0] == answers[1]
    assert sorted(calls[0]) == sorted(calls[1])
    return answers[0], calls[0]


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from request to request, and without places in the document."""
    errors = []
    for error in answer.get("errors", []):
        extensions = {key: value for key, value in error["extensions"].items() if key != "requestId"}
        if "upstream" in extensions:
            extensions["upstream"] = {**extensions["upstream"], "correlationId": None}
        errors.append({"message": error["message"], "path": error.get("path"), "extensions": extensions})
    return {"data": answer.get("data"), "errors": errors}
