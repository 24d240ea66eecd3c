"""A fake Konaplate and its viewers, to compare several executions of one operation."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from graph.context import RequestContext, RequestSecurity
from graph.errors import present_all
from graph.graphql.errors import DocumentError
from graph.resilience.deadline import Deadline
from graph.security.audit import Caller, RequestAudit
from graph.security.authorization import Authorization
from graph.security.budgets import Budgets
from graph.security.card_refs import CardRefs
from graph.security.limiter import LocalLimiter
from schema.secrets import Credential, Secret
from tests.support import HANDLES, KeptEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.graphql.executor import OperationExecutor
    from graph.graphql.operation import Document, Operation
    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.guard import CallStats
    from graph.security.audit import AuditEvent, Recorder
    from graph.security.authorization import Viewer
    from graph.security.limiter import Bucket, Taken, Window


REFS = CardRefs(Credential("k" * 32))
MAX_CARDS = 3


@dataclass(frozen=True)
class Reply:
    """A record or an exception that arrives after some turns of the event loop, or never."""

    make: Callable[[], Any]
    turns: int | None = 0


class FakeUpstream:
    """Answers from a table, and records the calls."""

    def __init__(self, replies: Mapping[str, Mapping[str, Reply]]) -> None:
        self._replies = replies
        self.calls: Counter[tuple[str, str]] = Counter()
        self._futures: list[asyncio.Future[Any]] = []

    @property
    def under_way(self) -> int:
        return sum(not future.done() for future in self._futures)

    def start(
        self, endpoint: Endpoint[Any, Any], keys: Sequence[Any], stats: CallStats
    ) -> list[asyncio.Future[Any]]:
        return [self._answer(endpoint.name, key_text(key), stats) for key in keys]

    def _answer(self, endpoint: str, key: str, stats: CallStats) -> asyncio.Future[Any]:
        self.calls[endpoint, key] += 1
        stats.attempts += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._futures.append(future)
        reply = self._replies[endpoint][key]
        if reply.turns is not None:
            self._turn(future, reply, reply.turns)
        return future

    def _turn(self, future: asyncio.Future[Any], reply: Reply, left: int) -> None:
        if future.done():
            return
        if left:
            asyncio.get_running_loop().call_soon(self._turn, future, reply, left - 1)
            return
        made = reply.make()
        if isinstance(made, Exception):
            future.set_exception(made)
            future.exception()
        else:
            future.set_result(made)


def key_text(key: object) -> str:
    return key.reveal() if isinstance(key, Secret) else str(key)


class DistantLimiter:
    """A limiter that takes a few turns, like one behind a network, and records what was added."""

    def __init__(self, turns: int) -> None:
        self._local = LocalLimiter(lambda: 0.0)
        self._turns = turns
        self.added: list[str] = []

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        return await self._local.take(key, bucket, amount)

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        for _ in range(self._turns):
            await asyncio.sleep(0)
        self.added.extend(members)
        return await self._local.add(key, windows, members)


@dataclass
class World:
    """A viewer and all upstream answers, the same for every execution."""

    viewer: Viewer
    cards: Mapping[str, Reply]
    members: Mapping[str, Reply] = field(default_factory=dict)
    limiter_turns: int = 0
    seconds: float = 30
    others: Mapping[str, Mapping[str, Reply]] = field(default_factory=dict)
    """The answers of further endpoints, by their names."""

    def upstream(self) -> FakeUpstream:
        return FakeUpstream({"card_info": self.cards, "user_info": self.members, **self.others})


@dataclass
class Outcome:
    """The result and the side effects of an execution."""

    data: bytes
    errors: list[dict[str, Any]]
    causes: list[type | None]
    calls: Counter[tuple[str, str]]
    counted: tuple[int, int]
    events: set[AuditEvent]
    cards_counted: set[str]


def context_of(
    world: World, upstream: FakeUpstream, limiter: DistantLimiter, recorder: Recorder
) -> RequestContext:
    """The context of one request in a world."""
    security = RequestSecurity(
        Authorization(world.viewer),
        Budgets(limiter, REFS),
        RequestAudit(Caller(world.viewer, "192.0.2.1", "an-id"), REFS, recorder),
        HANDLES,
    )
    return RequestContext(upstream, security, deadline=Deadline(world.seconds), max_cards=MAX_CARDS)


def in_order(event: AuditEvent) -> AuditEvent:
    """An event whose fields are sorted: plans and graphql-core need not agree on their order."""
    fields, clear, masked = (tuple(sorted(names)) for names in (event.fields, event.clear, event.masked))
    return event._replace(fields=fields, clear=clear, masked=masked)


async def outcome_of(
    executor: OperationExecutor, world: World, document: Document, operation: Operation, variables: dict[str, Any]
) -> Outcome:
    """Execute an operation in a world."""
    upstream, limiter = world.upstream(), DistantLimiter(world.limiter_turns)
    events = KeptEvents()
    data: object = "refused"
    async with asyncio.timeout(10), context_of(world, upstream, limiter, events) as context:
        try:
            result = await executor.execute(document, operation, variables, context)
        except DocumentError as refusal:
            errors = refusal.errors
        else:
            # As bytes, because the order of keys counts.
            data, errors = result.data, list(result.errors)
    noted = [in_order(event) for event in events]
    assert len(noted) == len(set(noted)), noted
    assert not upstream.under_way
    return Outcome(
        orjson.dumps(data),
        present_all(errors, "an-id"),
        sorted((type(error.original_error) for error in errors), key=str),
        upstream.calls,
        (context.loader.stats.attempts, context.loader.saved_calls),
        set(noted),
        set(limiter.added),
    )
