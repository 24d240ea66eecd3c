"""One request's way to cards and members: the implementation of the schema's port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self

from graph import translate
from graph.errors import GatewayError
from graph.loaders import Loader
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from graph.konaplate.records import CardRecord, MemberRecord
    from graph.resilience.deadline import Deadline
    from schema.secrets import CardNo, MemberId
    from schema.types import Card, MemberProfile


class Upstream(Protocol):
    """What a request needs of the Konaplate client."""

    async def fetch_card(self, card_no: CardNo) -> CardRecord:
        """Look one card up."""
        ...

    async def fetch_member(self, user_id: MemberId) -> MemberRecord:
        """Look one member up."""
        ...


class RequestContext:
    """What lives as long as one request: its loaders and its deadline. Use it as an async context manager.

    Args:
        upstream: where cards and members come from.
        slots: bounds the upstream calls in flight, of all requests together.
        deadline: when this request stops waiting.
        max_cards: how many cards one list argument may name.
    """

    def __init__(
        self, upstream: Upstream, *, slots: asyncio.Semaphore, deadline: Deadline, max_cards: int
    ) -> None:
        self._deadline = deadline
        self._max_cards = max_cards
        self._cards: Loader[CardNo, CardRecord] = Loader(upstream.fetch_card, slots)
        self._members: Loader[MemberId, MemberRecord] = Loader(upstream.fetch_member, slots)

    @property
    def upstream_calls(self) -> int:
        """How many upstream calls this request made."""
        return self._cards.fetches + self._members.fetches

    @property
    def saved_calls(self) -> int:
        """How many look-ups were answered by another look-up's call."""
        return self._cards.loads + self._members.loads - self.upstream_calls

    async def card(self, card_no: CardNo) -> Card:
        """Look one card up; equal numbers of one request share one call."""
        return translate.card(card_no, await self._deadline.wait(self._cards.load(card_no)))

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
        return await asyncio.gather(*(self._card_or_error(card_no) for card_no in card_nos))

    async def member_profile(self, user_id: MemberId) -> MemberProfile:
        """Look one member up; cards that share a member share one call."""
        return translate.member_profile(await self._deadline.wait(self._members.load(user_id)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._cards.aclose()
        await self._members.aclose()

    async def _card_or_error(self, card_no: CardNo) -> Card | Exception:
        try:
            return await self.card(card_no)
        except Exception as error:  # noqa: BLE001 - the error of this card's place in the list
            return error
