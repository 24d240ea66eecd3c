"""Where the gateway's own CPU time goes: each stage of a request by itself, in one process, without a network.

`python -m benchmarks.stages SECONDS` prints JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from graphql import parse

from benchmarks.inprocess import BASE_URL, Canned, ask, cpu_microseconds, gateway, print_result
from benchmarks.protected import protection
from benchmarks.rounds import rotated
from benchmarks.scenarios import ONE_CALL, TWO_CALLS
from graph.context import Guards, RequestContext
from graph.graphql.analysis import analyse
from graph.graphql.bindings import executable_schema
from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.graphql.request import from_json
from graph.http.responses import json_response
from graph.konaplate import protocol as wire
from graph.konaplate.client import KonaplateClient
from graph.konaplate.encryption import Cipher, KeyPair
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.resilience.deadline import Deadline
from graph.security.audit import Caller, RequestAudit
from graph.security.authorization import Authorization
from graph.security.budgets import Budgets
from graph.security.card_refs import CardRefs
from graph.security.limiter import LocalLimiter
from graph.security.viewer import ANONYMOUS
from schema.secrets import CardNo, Credential, MemberId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graphql import DocumentNode
    from starlette.applications import Starlette

    from benchmarks.scenarios import Scenario
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.endpoints.card_info import CardInfo
    from graph.konaplate.endpoints.user_info import UserInfo
    from graph.resilience.guard import CallStats
    from graph.security.audit import AuditEvent

    Stage = Callable[[], Awaitable[object]]

T = TypeVar("T")

ROUNDS: Final = 5
_CARD: Final = "9491339400001234"
_IDENTITY: Final = wire.Identity("1" * 15, Credential("a" * 40), Credential("s" * 40), wire.Zone.KST)


class _Remembered:
    """An upstream that has its records ready."""

    def __init__(self, card: CardInfo, member: UserInfo) -> None:
        self._card = card
        self._member = member

    def start(
        self, endpoint: Endpoint[Any, Any], keys: Sequence[Any], stats: CallStats
    ) -> list[asyncio.Future[Any]]:
        del stats
        record: Any = self._card if endpoint.name == "card_info" else self._member
        return [_done(record) for _ in keys]


def _done(record: T) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(record)
    return future


class _Unrecorded:
    """An audit log that keeps nothing."""

    available = True

    def record(self, events: Sequence[AuditEvent]) -> bool:  # noqa: ARG002 - nothing is kept
        """Do as if they were written."""
        return True


class _Stages:
    """What the stages need, made once."""

    def __init__(self, app: Starlette, client: KonaplateClient, upstream: _Remembered) -> None:
        self._app = app
        self._client = client
        self._upstream = upstream
        refs = CardRefs(Credential("k" * 32))
        caller = Caller(ANONYMOUS, "127.0.0.1", "a" * 32)
        self._guards = Guards(
            Authorization(ANONYMOUS),
            Budgets(LocalLimiter(time.monotonic), refs),
            RequestAudit(caller, refs, _Unrecorded()),
        )
        self._schema = executable_schema()
        self._plans = OperationExecutor(self._schema)
        self._core = OperationExecutor(self._schema, "core")
        self._body = TWO_CALLS.body(_CARD)
        self._answer = TWO_CALLS.answer(_CARD)
        self._documents = self._new_documents()
        self._cipher, self._sealed = _cipher()

    def all(self) -> dict[str, Stage]:
        """The stages by name, in the order of a request."""
        return {
            "read the request's JSON": self._read_request,
            "document, first time: parse and validate": self._parse,
            "document, from the cache": self._look_up,
            f"execute by its plan, records at hand: {ONE_CALL.name}": lambda: self._execute(self._plans, ONE_CALL),
            f"execute by its plan, records at hand: {TWO_CALLS.name}": lambda: self._execute(
                self._plans, TWO_CALLS
            ),
            f"execute on graphql-core, records at hand: {ONE_CALL.name}": lambda: self._execute(
                self._core, ONE_CALL
            ),
            "upstream call without its network": lambda: self._client.fetch(CARD_INFO, CardNo(_CARD)),
            "write the answer's JSON": self._write_answer,
            f"whole request without the network: {ONE_CALL.name}": lambda: self._ask(ONE_CALL),
            f"whole request without the network: {TWO_CALLS.name}": lambda: self._ask(TWO_CALLS),
            "with encryption, each call also: seal": self._seal,
            "with encryption, each call also: open": self._open,
        }

    def _new_documents(self) -> Documents:
        return Documents(self._schema, DocumentLimits(), introspection=False)

    async def _read_request(self) -> object:
        return from_json(self._body)

    async def _parse(self) -> object:
        return self._new_documents().resolve(TWO_CALLS.query)

    async def _look_up(self) -> object:
        return self._documents.resolve(TWO_CALLS.query)

    async def _execute(self, executor: OperationExecutor, scenario: Scenario) -> object:
        document = self._documents.resolve(scenario.query).document
        context = RequestContext(self._upstream, self._guards, deadline=Deadline(5), max_cards=20)
        async with context:
            return await executor.execute(document, document.operation(None), {"cardNo": _CARD}, context)

    async def _write_answer(self) -> object:
        return json_response(HTTPStatus.OK, self._answer)

    async def _ask(self, scenario: Scenario) -> object:
        return await ask(self._app, scenario.body(_CARD))

    async def _seal(self) -> object:
        return self._cipher.seal(b'{"cardNo":"9491339400001234"}')

    async def _open(self) -> object:
        return self._cipher.open(self._sealed, None)


def _cipher() -> tuple[Cipher, str]:
    """A cipher that opens what it seals, and a sealed answer of the usual size."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pair = KeyPair("benchmark", key.public_key(), key)
    cipher = Cipher([pair])
    envelope: dict[str, Any] = orjson.loads(cipher.seal(orjson.dumps(TWO_CALLS.answer(_CARD))))
    return cipher, envelope["encData"]


def _doubled_fragments(levels: int) -> DocumentNode:
    """Two to the power of `levels` fields, in a document of a few lines."""
    chain = "".join(
        f"fragment F{level} on Query {{ ...F{level + 1} ...F{level + 1} }} " for level in range(levels)
    )
    return parse(f"{{ ...F0 }} {chain} fragment F{levels} on Query {{ __typename }}")


async def _walk(document: DocumentNode) -> object:
    return analyse(document, executable_schema())


async def measure(seconds: float) -> dict[str, list[float]]:
    """CPU microseconds for each stage, one value a round."""
    client = KonaplateClient(BASE_URL, _IDENTITY, None, Canned(), wire.CorrelationIds(0), endpoints=ENDPOINTS)
    card, member = await client.fetch(CARD_INFO, CardNo(_CARD)), await client.fetch(USER_INFO, MemberId(_CARD))
    upstream = _Remembered(card, member)
    async with gateway() as app, gateway(protected=True) as protected:
        stages = _Stages(app, client, upstream).all()
        hostile = _doubled_fragments(60)
        stages["walking a document of 60 levels of doubled fragments"] = lambda: _walk(hostile)
        stages["whole request, one call, protected"] = lambda: ask(
            protected, ONE_CALL.body(_CARD), protection().authorization
        )
        figures: dict[str, list[float]] = {name: [] for name in stages}
        for turn in range(ROUNDS):
            for name in rotated(list(stages), turn):
                figures[name].append(round(await cpu_microseconds(stages[name], seconds), 2))
    await client.aclose()
    return figures


if __name__ == "__main__":
    print_result(measure(float(sys.argv[1])))
