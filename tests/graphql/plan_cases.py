"""Helpers of the tests of compiled plans: records, operations, and both executors at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.konaplate.endpoints.card_info import CardInfo
from graph.konaplate.endpoints.user_info import UserInfo
from graph.konaplate.errors import CallDetails
from tests.graphql.plan_world import (
    Outcome,
    Reply,
    World,
    outcome_of,
)
from tests.graphql.schemas import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.graphql.operation import Document, Operation

A, B, C = "9491339400000013", "9491339400000021", "9491339400000039"
DETAILS = CallDetails("261122120000-0123456")


def documents() -> Documents:
    return Documents(SCHEMA, DocumentLimits(), introspection=True)


def read(text: str) -> tuple[Document, Operation]:
    document = documents().read(text)
    return document, document.operation(None)


def card(user_id: object = 1001, **fields: Any) -> CardInfo:
    values = {"balance": 1, "serviceId": "S1", "serviceName": "S", "isAutoRechargeBeforePayment": False}
    return CardInfo.read({**values, "userId": user_id, **fields}, DETAILS)


def broken(**fields: Any) -> CardInfo:
    """A record that no answer of Konaplate can produce."""
    known = card()
    return CardInfo(**{name: getattr(known, name) for name in CardInfo.__struct_fields__} | fields)


def switched(names: str) -> str:
    """A query with one field for each of these variables, included if the variable is true."""
    declared = " ".join(f"${name}: Boolean!" for name in names)
    return f"query ({declared}) {{ {' '.join(f'{name}: __typename @include(if: ${name})' for name in names)} }}"


def says(record: object, turns: int | None = 0) -> Reply:
    return Reply(lambda: record, turns)


def member(user_id: str = "1001") -> Reply:
    names = ["aspId", "birthDate", "loginId", "nationality", "gender", "mobileNumber", "userName", "email"]
    fields: dict[str, Any] = {**dict.fromkeys(names, "x"), "userId": user_id}
    return says(UserInfo.read(fields, DETAILS))


async def run(executor: OperationExecutor, text: str, around: World, **variables: Any) -> Outcome:
    document, operation = read(text)
    return await outcome_of(executor, around, document, operation, variables)


async def run_both(text: str, around: World, **variables: Any) -> tuple[Outcome, OperationExecutor]:
    """Return the outcome of the plan, which equals that of graphql-core."""
    plans = OperationExecutor(SCHEMA)
    actual = await run(plans, text, around, **variables)
    assert await run(OperationExecutor(SCHEMA, "core"), text, around, **variables) == actual
    return actual, plans


def counts(executor: OperationExecutor) -> tuple[int, int, int]:
    counts = executor.counts
    return counts.planned, counts.unplanned, counts.abandoned


async def turns_until(there: Callable[[], bool]) -> None:
    """A few turns of the event loop."""
    for _ in range(50):
        if there():
            return
        await asyncio.sleep(0)
    raise AssertionError
