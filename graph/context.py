"""One request's way to cards and members: the implementation of the schema's port.

Every card passes the same steps, whichever field or list asks for it: spend the budget, load, check whose it is,
translate.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from graph import translate
from graph.errors import GatewayError, code_of
from graph.konaplate.errors import KonaplateError
from graph.loaders import Loader
from graph.resilience.guard import Tally
from graph.security.errors import CardHiddenError, RateLimitedError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from graph.konaplate.records import CardRecord, MemberRecord
    from graph.resilience.deadline import Deadline
    from graph.security.audit import RequestAudit
    from graph.security.authorization import Authorization
    from graph.security.budgets import Budgets
    from schema.secrets import CardNo, MemberId
    from schema.types import Card, MemberProfile


class Upstream(Protocol):
    """What a request needs of Konaplate."""

    async def fetch_card(self, card_no: CardNo, tally: Tally) -> CardRecord:
        """Look one card up."""
        ...

    async def fetch_member(self, user_id: MemberId, tally: Tally) -> MemberRecord:
        """Look one member up."""
        ...


@dataclass(frozen=True, slots=True)
class Guards:
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

    def __init__(
        self,
        upstream: Upstream,
        guards: Guards,
        *,
        deadline: Deadline,
        max_cards: int,
    ) -> None:
        self._guards = guards
        self._deadline = deadline
        self._max_cards = max_cards
        self._tally = tally = Tally()
        self._cards: Loader[CardNo, CardRecord] = Loader(lambda card_no: upstream.fetch_card(card_no, tally))
        self._members: Loader[MemberId, MemberRecord] = Loader(
            lambda user_id: upstream.fetch_member(user_id, tally)
        )

    @property
    def upstream_calls(self) -> int:
        """How many upstream calls this request made, further attempts included."""
        return self._tally.attempts

    @property
    def saved_calls(self) -> int:
        """How many look-ups shared another one's call, of this request or of one at the same time."""
        repeated = self._cards.loads + self._members.loads - self._cards.fetches - self._members.fetches
        return repeated + self._tally.joined

    async def card(self, card_no: CardNo) -> Card:
        """Look one card up; equal numbers of one request share one call."""
        (refusal,) = await self._spend([card_no])
        return await self._card(card_no, refusal)

    async def cards(self, card_nos: Sequence[CardNo]) -> Sequence[Card | Exception]:
        """Look cards up in the order asked; one that fails is its exception.

        Raises:
            GatewayError: when more cards are named than a request may.
        """
        if len(card_nos) > self._max_cards:
            raise GatewayError(
                ErrorCode.QUERY_LIMIT_EXCEEDED,
                f"A list of cards may have {self._max_cards} card numbers.",
                limit="cards",
                maximum=self._max_cards,
            )
        refusals = await self._spend(card_nos)
        return await asyncio.gather(
            *(self._card_or_error(card_no, refusal) for card_no, refusal in zip(card_nos, refusals, strict=True))
        )

    async def member_profile(self, user_id: MemberId, card_no: CardNo) -> MemberProfile:
        """Look up the member that a card led to; cards that share a member share one call."""
        disclosure = self._guards.audit.disclosure(card_no)
        if not self._guards.authorization.reads_profiles:
            raise disclosure.refuse("profile")
        self._deadline.check()
        record = await self._deadline.wait(self._members.load(user_id))
        return translate.member_profile(record, disclosure)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._guards.audit.close()
        finally:
            try:
                await self._cards.aclose()
            finally:
                # Also when the client goes in this very moment.
                await self._members.aclose()

    async def _spend(self, card_nos: Sequence[CardNo]) -> list[RateLimitedError | None]:
        """Count cards against the viewer's budget, before anything is known of them."""
        self._deadline.check()
        guards = self._guards
        viewer = guards.authorization.viewer
        return await self._deadline.wait(guards.budgets.spend_cards(viewer, card_nos))

    async def _card_or_error(self, card_no: CardNo, refusal: RateLimitedError | None) -> Card | Exception:
        try:
            return await self._card(card_no, refusal)
        except Exception as error:  # noqa: BLE001 - the error of this card's place in the list
            return error

    async def _card(self, card_no: CardNo, refusal: RateLimitedError | None) -> Card:
        try:
            if refusal is not None:
                raise refusal
            record = await self._visible(card_no)
        except (RateLimitedError, CardHiddenError) as error:
            self._guards.audit.refused(code_of(error), card_no)
            raise
        return translate.card(
            card_no,
            record,
            self._guards.audit.disclosure(card_no),
            clear_receipts=self._guards.authorization.reads_cash_receipts,
        )

    async def _visible(self, card_no: CardNo) -> CardRecord:
        """The card's record, if the viewer may know of the card."""
        authorization = self._guards.authorization
        self._deadline.check()
        try:
            record = await self._deadline.wait(self._cards.load(card_no))
        except KonaplateError as error:
            # `from None`: a hidden card must not be told apart by what caused its error.
            raise authorization.card_failure(error) from None
        authorization.check_card(record)
        return record
