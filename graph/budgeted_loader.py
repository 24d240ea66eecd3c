"""The look-ups of one request: batched, and paid for before they begin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from graph.loaders import Loader
from graph.resilience.guard import CallStats
from graph.resilience.single_flight import failed_future
from graph.security.errors import BudgetTooSmallError
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.deadline import Deadline
    from graph.security.audit import RequestAudit
    from graph.security.authorization import Viewer
    from graph.security.budgets import Budgets
    from graph.security.errors import RateLimitedError

_Asked: TypeAlias = "tuple[Endpoint[Any, Any], Any]"
"""An endpoint, and a key of it."""


class Upstream(Protocol):
    """The guarded client of Konaplate."""

    def start(
        self, endpoint: Endpoint[Any, Any], keys: Sequence[Any], stats: CallStats
    ) -> list[asyncio.Future[Any]]:
        """Begin to look keys up. Each future is the caller's own, and its exception need not be retrieved."""
        ...


class Payment(Protocol):
    """The price of an operation, of which more becomes known while it is executed."""

    async def pay(self) -> None:
        """Charge what is missing.

        Raises:
            Exception: the whole operation is refused.
        """
        ...

    def begin_again(self) -> None:
        """Forget what became known, because the operation is executed again."""
        ...


class BudgetedLoader:
    """Loads keys for one viewer's request: each at most once, and only if the viewer's budgets allow it.

    Args:
        upstream: where records come from.
        viewer: who pays.
        budgets: of the viewer.
        audit: has the references by which cards are counted.
        deadline: when the request stops waiting.
    """

    def __init__(
        self, upstream: Upstream, viewer: Viewer, budgets: Budgets, audit: RequestAudit, deadline: Deadline
    ) -> None:
        self._upstream = upstream
        self._viewer = viewer
        self._budgets = budgets
        self._audit = audit
        self._deadline = deadline
        self.stats: Final = CallStats()
        # None after the request: it refers back here, and cyclic garbage is expensive.
        self._loader: Loader[_Asked, Any] | None = None
        self._loads = 0
        self._keys = 0
        self._spent: dict[CardNo, RateLimitedError | None] = {}
        self._spending: list[asyncio.Task[Any]] = []
        self._closed = False
        self.bill: Payment | None = None
        """To be paid before anything is looked up; None if the price is known from the start."""
        self.refusal: Exception | None = None
        """That of the whole operation."""

    @property
    def saved_calls(self) -> int:
        """The number of look-ups that shared a call, within this request or with a concurrent one."""
        # There may be fewer loads than keys, because some that began were never awaited.
        return max(0, self._loads - self._keys) + self.stats.joined

    def begin(self, endpoint: Endpoint[Any, Any], key: Any) -> None:
        """Begin to look a key up, batched with others of this turn of the event loop."""
        self._opened().begin((endpoint, key))

    def load(self, endpoint: Endpoint[Any, Any], key: Any) -> Awaitable[Any]:
        """Look a key up; equal keys share one call.

        Raises:
            Exception: the key is refused, or the look-up fails.
        """
        loader = self._opened()
        self._loads += 1
        return loader.load((endpoint, key))

    def vouch(self, card_no: CardNo) -> None:
        """Let a card that the client did not find by trying numbers count nothing in the budget of cards."""
        self._spent.setdefault(card_no, None)

    async def charge(self, card_numbers: Iterable[CardNo]) -> None:
        """Charge the cards that a record tells of.

        Raises:
            RateLimitedError: they are too many at present.
            BudgetTooSmallError: they are too many at any time.
        """
        allowance = self._viewer.allowance
        if allowance is not None:
            told = list(dict.fromkeys(card_numbers))
            most = min(allowance.cards_per_minute, allowance.cards_per_hour)
            if sum(card_no not in self._spent for card_no in told) > most:
                raise BudgetTooSmallError("cards", most)
            await self._spend(told)
            for card_no in told:
                if (refusal := self._spent[card_no]) is not None:
                    raise refusal

    def abandon(self, refusal: Exception) -> None:
        """Look nothing up any more, and wait for nothing: the operation is refused."""
        self.refusal = refusal
        self._deadline.end()

    def begin_again(self) -> None:
        """Restart what is counted, because the operation is executed again."""
        self._loads = 0
        if self.bill is not None:
            self.bill.begin_again()

    async def close(self) -> None:
        """Cancel what is pending, and wait for its end."""
        self._closed = True
        ending: list[asyncio.Future[Any]] = [task for task in self._spending if task.cancel()]
        if self._loader is not None:
            ending += self._loader.close()
            self._loader = None
        if ending:
            await asyncio.wait(ending)

    def _opened(self) -> Loader[_Asked, Any]:
        if self._closed:
            raise asyncio.CancelledError
        if self._loader is None:
            self._loader = Loader(self._start, self._deadline.loop)
        return self._loader

    async def _start(self, asked: list[_Asked]) -> list[asyncio.Future[Any]]:
        """Begin the look-ups of one turn; return a future for each key, failed if the key is refused."""
        if self._closed:
            raise asyncio.CancelledError
        self._keys += len(asked)
        try:
            self._deadline.check()
            if self.bill is not None:
                paying: Awaitable[None] = self.bill.pay()
                await (self._bounded(paying) if self._budgets.may_wait else paying)
            if self._viewer.allowance is not None:
                await self._spend(key for endpoint, key in asked if endpoint.key is CardNo)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the error of these keys
            return [failed_future(error) for _ in asked]
        if self.refusal is not None:
            return [failed_future(self.refusal) for _ in asked]
        spent, begin, bound = self._spent, self._begun, self._deadline.bound
        if len(asked) == 1 and not any(spent.values()):
            # The usual case: there is nothing to group.
            ((endpoint, key),) = asked
            return [bound(begin(endpoint, [key])[0])]
        keys: dict[Endpoint[Any, Any], list[Any]] = {}
        for endpoint, key in asked:
            if spent.get(key) is None:
                keys.setdefault(endpoint, []).append(key)
        started = {endpoint: iter(begin(endpoint, several)) for endpoint, several in keys.items()}
        return [
            bound(next(started[endpoint])) if (refusal := spent.get(key)) is None else failed_future(refusal)
            for endpoint, key in asked
        ]

    def _begun(self, endpoint: Endpoint[Any, Any], keys: list[Any]) -> list[asyncio.Future[Any]]:
        try:
            return self._upstream.start(endpoint, keys, self.stats)
        except Exception as error:  # noqa: BLE001 - it fails these keys, and none of another endpoint
            return [failed_future(error) for _ in keys]

    async def _spend(self, card_nos: Iterable[CardNo]) -> None:
        """Charge cards to the viewer's budget.

        A card counts once per request, and so does a refusal.
        """
        spent = self._spent
        fresh = [card_no for card_no in dict.fromkeys(card_nos) if card_no not in spent]
        if fresh:
            refs = [self._audit.ref_of(card_no) for card_no in fresh]
            spending: Awaitable[Any] = self._budgets.spend_cards(self._viewer, refs)
            if self._budgets.may_wait:
                spending = self._bounded(spending)
            spent.update(zip(fresh, await spending, strict=True))

    def _bounded(self, spending: Awaitable[Any]) -> asyncio.Task[Any]:
        """Let a payment end with the request, or at its deadline."""
        task = asyncio.create_task(self._deadline.wait(spending))
        self._spending.append(task)
        return task
