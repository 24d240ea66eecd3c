"""One request's way to Konaplate's records, whichever field asks for one and whatever executes the query.

Every key passes the same steps: spend the budget, load, check whose it is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias, TypeVar

from graph.errors import GatewayError, code_of
from graph.konaplate.errors import KonaplateError
from graph.konaplate.record import Record
from graph.loaders import Loader
from graph.resilience.guard import CallStats
from graph.security.errors import CardHiddenError, RateLimitedError
from schema.errors import ErrorCode
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence, Sized
    from types import TracebackType

    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.deadline import Deadline
    from graph.security.audit import RequestAudit
    from graph.security.authorization import Authorization
    from graph.security.budgets import Budgets
    from graph.security.card_refs import Subject

_Asked: TypeAlias = "tuple[Endpoint[Any, Any], Any]"
"""An API, and the key that it is asked for."""

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class Upstream(Protocol):
    """What a request needs of Konaplate."""

    def start(
        self, endpoint: Endpoint[Any, Any], keys: Sequence[Any], stats: CallStats
    ) -> list[asyncio.Future[Any]]:
        """Begin to look keys up. Each future, no task, is the caller's own, and its failure may go unseen."""
        ...


class Guards(NamedTuple):
    """What stands between a viewer and the cards."""

    authorization: Authorization
    budgets: Budgets
    audit: RequestAudit


class RequestContext:
    """What lives as long as one request: its loaders and its deadline. Use it as an async context manager.

    Args:
        upstream: where records come from.
        guards: what the viewer may see and spend.
        deadline: when this request stops waiting.
        max_cards: how many keys one list may name.
    """

    __slots__ = (
        "_audit",
        "_authorization",
        "_budgets",
        "_closed",
        "_deadline",
        "_keys",
        "_loader",
        "_loads",
        "_max_cards",
        "_spending",
        "_spent",
        "_stats",
        "_upstream",
        "_viewer",
    )

    def __init__(self, upstream: Upstream, guards: Guards, *, deadline: Deadline, max_cards: int) -> None:
        self._upstream = upstream
        self._authorization, self._budgets, self._audit = guards
        self._viewer = guards.authorization.viewer
        self._deadline = deadline
        self._max_cards = max_cards
        self._stats = CallStats()
        # Gone with the request: it leads back here, and a circle of garbage costs more than all else that is left.
        self._loader: Loader[_Asked, Any] | None = None
        self._loads = 0
        self._keys = 0
        self._spent: dict[CardNo, RateLimitedError | None] = {}
        self._spending: list[asyncio.Task[Any]] = []
        self._closed = False

    @property
    def upstream_calls(self) -> int:
        """How many upstream calls this request made, further attempts included."""
        return self._stats.attempts

    @property
    def saved_calls(self) -> int:
        """How many look-ups shared another one's call, of this request or of one at the same time."""
        # Fewer loads than keys: what was begun and never asked for has saved nothing.
        return max(0, self._loads - self._keys) + self._stats.joined

    def may(self, scope: str) -> bool:
        """Whether the viewer has a scope."""
        return scope in self._viewer.scopes

    def note(self, subject: Subject | None, name: str) -> Exception | None:
        """Note that personal data is read; or return what the client shall see as its error, and nothing of it.

        Args:
            subject: whose it is.
            name: the field's name.
        """
        return self._audit.note(subject, name)

    def refuse(self, subject: Subject | None, name: str) -> Exception:
        """Note that a field was asked for in vain; return what the client shall see as its error."""
        return self._audit.refuse(subject, name)

    def check_length(self, endpoint: Endpoint[Any, Any], asked: Sized) -> None:
        """Let a list of an API's keys pass that is not too long.

        Raises:
            GatewayError: when it names more than a request may.
        """
        most = self._max_cards
        if len(asked) > most:
            limit, what = "keys", f"A list may have {most} keys."
            if endpoint.key is CardNo:
                limit, what = "cards", f"A list of cards may have {most} card numbers."
            raise GatewayError(ErrorCode.QUERY_LIMIT_EXCEEDED, what, limit=limit, maximum=most)

    def begin(self, endpoint: Endpoint[K, Any], key: K) -> None:
        """Begin to look a key up, with the others of this turn of the event loop."""
        self._opened().begin((endpoint, key))

    async def load(
        self, endpoint: Endpoint[K, R], key: K, subject: Subject | None = None, *, named: bool = True
    ) -> R:
        """Look a key up; equal keys of one request share one call.

        Args:
            endpoint: the API that is asked.
            key: what is asked for.
            subject: whose data it is.
            named: whether the caller named the key, and no record led to it.

        Raises:
            Exception: what the client shall see as the field's error.
        """
        loader = self._opened()
        self._loads += 1
        try:
            record: R = await loader.load((endpoint, key))
            self._authorization.check(record, endpoint)
        except Exception as error:  # noqa: BLE001 - every failure is looked at before the viewer sees it
            # `from None`: a hidden card must not be told apart by what caused its error.
            raise self._shown(error, endpoint, subject, named=named) from None
        return record

    def settle(self) -> bool:
        """Put on record what was read so far; whether it may be given out."""
        return self._audit.settle()

    def begin_again(self) -> None:
        """Forget what was asked for, but nothing that is known: something else executes the same operation."""
        self._loads = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._deadline.close()
            self._audit.close()
        finally:
            self._closed = True
            ending: list[asyncio.Future[Any]] = [task for task in self._spending if task.cancel()]
            if self._loader is not None:
                ending += self._loader.close()
                self._loader = None
            if ending:
                await asyncio.wait(ending)

    def _shown(
        self, error: Exception, endpoint: Endpoint[Any, Any], subject: Subject | None, *, named: bool
    ) -> Exception:
        """What the viewer sees of a failure; a refusal is noted, once for each subject."""
        if named and isinstance(error, KonaplateError):
            error = self._authorization.failure(error, endpoint)
        if isinstance(error, RateLimitedError | CardHiddenError):
            self._audit.refused(code_of(error), subject)
        return error

    def _opened(self) -> Loader[_Asked, Any]:
        if self._closed:
            # What is left of an execution that was given up.
            raise asyncio.CancelledError
        if self._loader is None:
            self._loader = Loader(self._start, self._deadline.loop)
        return self._loader

    async def _start(self, asked: list[_Asked]) -> list[asyncio.Future[Any]]:
        """Begin to look up what was asked for in one turn: the future of each key, failed where it is refused."""
        if self._closed:
            raise asyncio.CancelledError
        self._keys += len(asked)
        try:
            self._deadline.check()
            if self._viewer.allowance is not None:
                await self._spend(asked)
        except Exception as error:  # noqa: BLE001 - the error of each of these keys, whatever it is
            return [_failed(error) for _ in asked]
        spent, begin, bound = self._spent, self._upstream.start, self._deadline.bound
        if len(asked) == 1 and not any(spent.values()):
            # Most often there is one key, for which nothing needs sorting.
            ((endpoint, key),) = asked
            return [bound(begin(endpoint, [key], self._stats)[0])]
        keys: dict[Endpoint[Any, Any], list[Any]] = {}
        for endpoint, key in asked:
            if spent.get(key) is None:
                keys.setdefault(endpoint, []).append(key)
        started = {endpoint: iter(begin(endpoint, several, self._stats)) for endpoint, several in keys.items()}
        return [
            bound(next(started[endpoint])) if (refusal := spent.get(key)) is None else _failed(refusal)
            for endpoint, key in asked
        ]

    async def _spend(self, asked: list[_Asked]) -> None:
        """Count cards against the viewer's budget, before anything is known of them.

        A card counts once in a request, and the verdict stands: asking again costs nothing and changes nothing.
        """
        spent = self._spent
        fresh = [key for endpoint, key in asked if endpoint.key is CardNo and key not in spent]
        if fresh:
            spending: Awaitable[Any] = self._budgets.spend_cards(self._viewer, fresh)
            if self._budgets.may_wait:
                spending = asyncio.create_task(self._deadline.wait(spending))
                self._spending.append(spending)
            spent.update(zip(fresh, await spending, strict=True))


def _failed(error: Exception) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    # Looked at, also when nobody else will: else asyncio logs it.
    future.exception()
    return future
