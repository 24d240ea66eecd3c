"""One request's way to cards and members: the implementation of the schema's port.

Every card passes the same steps, whichever field or list asks for it and whatever executes the query: spend the
budget, load, check whose it is, make a view of it. The methods of the port take them for one field at a time; the
others are the single steps, for compiled plans.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeVar, cast

from graph.errors import GatewayError, code_of
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import KonaplateError
from graph.konaplate.record import Record
from graph.loaders import Loader
from graph.resilience.deadline import DeadlineExceededError
from graph.resilience.guard import CallStats
from graph.security.errors import CardHiddenError, RateLimitedError
from graph.translate import CardView, ProfileView
from schema.errors import ErrorCode
from schema.secrets import MemberId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.endpoints.card_info import CardInfo
    from graph.konaplate.endpoints.user_info import UserInfo
    from graph.resilience.deadline import Deadline
    from graph.security.audit import RequestAudit
    from graph.security.authorization import Authorization
    from graph.security.budgets import Budgets
    from schema.secrets import CardNo
    from schema.types import Card, MemberProfile

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class Upstream(Protocol):
    """What a request needs of Konaplate."""

    def start(self, endpoint: Endpoint[K, R], keys: Sequence[K], stats: CallStats) -> list[asyncio.Future[R]]:
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
        upstream: where cards and members come from.
        guards: what the viewer may see and spend.
        deadline: when this request stops waiting.
        max_cards: how many cards one list argument may name.
    """

    __slots__ = (
        "_audit",
        "_authorization",
        "_budgets",
        "_cards",
        "_deadline",
        "_members",
        "_spent",
        "_tally",
        "_upstream",
        "check",
        "counts_cards",
        "max_cards",
    )

    def __init__(
        self,
        upstream: Upstream,
        guards: Guards,
        *,
        deadline: Deadline,
        max_cards: int,
    ) -> None:
        self._upstream = upstream
        self._authorization = guards.authorization
        self._budgets = guards.budgets
        self._audit = guards.audit
        self._deadline = deadline
        self.max_cards = max_cards
        """How many cards one list argument may name."""
        self.counts_cards = guards.authorization.viewer.allowance is not None
        """Whether `spend` counts: not for a viewer without bounds, of whom it need not be asked."""
        self.check = deadline.check
        """Raises `DeadlineExceededError` when there is no time left."""
        self._tally = CallStats()
        # Made when they are needed: most requests look up no member, some nothing.
        self._cards: Loader[CardNo, CardInfo] | None = None
        self._members: Loader[MemberId, UserInfo] | None = None
        self._spent: dict[CardNo, RateLimitedError | None] = {}

    @property
    def upstream_calls(self) -> int:
        """How many upstream calls this request made, further attempts included."""
        return self._tally.attempts

    @property
    def saved_calls(self) -> int:
        """How many look-ups shared another one's call, of this request or of one at the same time."""
        used = [loader for loader in (self._cards, self._members) if loader is not None]
        # Fewer loads than fetches: what was begun beforehand and never asked for has saved nothing.
        return sum(max(0, loader.loads - loader.fetches) for loader in used) + self._tally.joined

    async def card(self, card_no: CardNo) -> Card:
        """Look one card up; equal numbers of one request share one call."""
        (refusal,) = await self.spend([card_no])
        return await self._card(card_no, refusal)

    async def cards(self, card_nos: Sequence[CardNo]) -> Sequence[Card | Exception]:
        """Look cards up in the order asked; one that fails is its exception.

        Raises:
            GatewayError: when more cards are named than a request may.
        """
        if len(card_nos) > self.max_cards:
            raise GatewayError(
                ErrorCode.QUERY_LIMIT_EXCEEDED,
                f"A list of cards may have {self.max_cards} card numbers.",
                limit="cards",
                maximum=self.max_cards,
            )
        refusals = await self.spend(card_nos)
        return await asyncio.gather(
            *(self._card_or_error(card_no, refusal) for card_no, refusal in zip(card_nos, refusals, strict=True))
        )

    async def member_profile(self, user_id: MemberId, card_no: CardNo) -> MemberProfile:
        """Look up the member that a card led to; cards that share a member share one call."""
        self._check_profile(card_no)
        record = await self._deadline.wait(self._member_loader().load(user_id))
        return cast("MemberProfile", self.profile_view(card_no, record))

    async def spend(self, card_nos: Sequence[CardNo]) -> list[RateLimitedError | None]:
        """Count cards against the viewer's budget, before anything is known of them.

        A card counts once in a request, and the verdict stands: asking again costs nothing and changes nothing.

        Raises:
            DeadlineExceededError: when there is no time left.
        """
        self._deadline.check()
        if not self.counts_cards:
            return [None] * len(card_nos)
        spent = self._spent
        fresh = [card_no for card_no in dict.fromkeys(card_nos) if card_no not in spent]
        if fresh:
            spending = self._budgets.spend_cards(self._authorization.viewer, fresh)
            verdicts = await (self._deadline.wait(spending) if self._budgets.may_wait else spending)
            spent.update(zip(fresh, verdicts, strict=True))
        return [spent[card_no] for card_no in card_nos]

    def start_card(self, card_no: CardNo) -> asyncio.Future[CardInfo]:
        """Begin to look a card up, or share what has begun. It fails when the deadline passes."""
        return self._deadline.bound(self._card_loader().start(card_no))

    def card_view(self, card_no: CardNo, record: CardInfo) -> CardView:
        """What the viewer may see of a card.

        Raises:
            CardHiddenError: when that is nothing.
        """
        self._authorization.check_card(record)
        return CardView(card_no, record, self._audit, clear_receipts=self._authorization.reads_cash_receipts)

    def card_error(self, card_no: CardNo, error: Exception) -> Exception:
        """What the viewer sees when a card cannot be had or seen; a refusal is noted, once for each card."""
        if isinstance(error, KonaplateError):
            error = self._authorization.card_failure(error)
        if isinstance(error, RateLimitedError | CardHiddenError):
            self._audit.refused(code_of(error), card_no)
        return error

    def start_profile(self, user_id: MemberId, card_no: CardNo) -> asyncio.Future[UserInfo]:
        """Begin to look up the member that a card led to, or share what has begun.

        Raises:
            ForbiddenError: when the viewer may not read it.
            DeadlineExceededError: when there is no time left.
        """
        self._check_profile(card_no)
        return self._deadline.bound(self._member_loader().start(user_id))

    def profile_view(self, card_no: CardNo, record: UserInfo) -> ProfileView:
        """What is shown of a member."""
        return ProfileView(record, self._audit, card_no)

    def expect_profile(self, looking_up: asyncio.Future[CardInfo]) -> None:
        """Begin to look up the member as soon as the card is there and leads to one.

        Whoever wants the profile still calls `start_profile`; this only spares it the wait for other cards.
        """
        if self._authorization.reads_profiles:
            looking_up.add_done_callback(self._begin_profile)

    def settle(self) -> bool:
        """Put on record what was read so far; whether it may be given out."""
        return self._audit.settle()

    def begin_again(self) -> None:
        """Forget what was asked for, but nothing that is known: something else executes the same operation."""
        for loader in (self._cards, self._members):
            if loader is not None:
                loader.loads = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._deadline.close()
            self._audit.close()
        finally:
            try:
                if self._cards is not None:
                    await self._cards.aclose()
            finally:
                # Also when the client goes in this very moment.
                if self._members is not None:
                    await self._members.aclose()

    def _card_loader(self) -> Loader[CardNo, CardInfo]:
        loader = self._cards
        if loader is None:
            upstream, tally = self._upstream, self._tally
            loader = self._cards = Loader(lambda card_no: upstream.start(CARD_INFO, [card_no], tally)[0])
        return loader

    def _member_loader(self) -> Loader[MemberId, UserInfo]:
        loader = self._members
        if loader is None:
            upstream, tally = self._upstream, self._tally
            loader = self._members = Loader(lambda user_id: upstream.start(USER_INFO, [user_id], tally)[0])
        return loader

    def _check_profile(self, card_no: CardNo) -> None:
        if not self._authorization.reads_profiles:
            raise self._audit.disclosure(card_no).refuse("profile")
        self._deadline.check()

    def _begin_profile(self, looking_up: asyncio.Future[CardInfo]) -> None:
        # The card may have come in the very turn in which the request ended.
        if self._card_loader().closed or looking_up.cancelled() or looking_up.exception() is not None:
            return
        record = looking_up.result()
        try:
            self._authorization.check_card(record)
            self._deadline.check()
        except (CardHiddenError, DeadlineExceededError):
            return
        if isinstance(record.user_id, MemberId):
            members = self._member_loader()
            members.start(record.user_id)
            # Not asked for yet.
            members.loads -= 1

    async def _card_or_error(self, card_no: CardNo, refusal: RateLimitedError | None) -> Card | Exception:
        try:
            return await self._card(card_no, refusal)
        except Exception as error:  # noqa: BLE001 - the error of this card's place in the list
            return error

    async def _card(self, card_no: CardNo, refusal: RateLimitedError | None) -> Card:
        try:
            if refusal is not None:
                raise refusal  # noqa: TRY301 - it is shown as every other failure of this card
            self._deadline.check()
            record = await self._deadline.wait(self._card_loader().load(card_no))
            return cast("Card", self.card_view(card_no, record))
        except Exception as error:  # noqa: BLE001 - every failure is looked at before the viewer sees it
            # `from None`: a hidden card must not be told apart by what caused its error.
            raise self.card_error(card_no, error) from None
