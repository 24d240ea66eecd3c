"""For trying failures out: what fails on purpose opens nothing, and takes nothing away, that others meet."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from graph.konaplate.guarded import GuardedKonaplate
from graph.resilience.breaker import Breaker, CircuitOpenError
from graph.resilience.observer import SilentObserver
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection

    from graph.konaplate.client import KonaplateClient
    from graph.konaplate.records import CardRecord, MemberRecord
    from graph.resilience.breaker import BreakerRules
    from graph.resilience.guard import CallStats, Shared
    from graph.resilience.observer import GuardObserver


@dataclass(frozen=True, slots=True)
class Reserved:
    """What fails on purpose."""

    cards: Collection[str]
    members: Collection[int]
    open_breaker: str
    """The card that is answered as if its API were left alone."""


class OpenBreaker(Breaker):
    """A breaker that is always open."""

    def admit(self) -> NoReturn:
        """Refuse a call.

        Raises:
            CircuitOpenError: always.
        """
        raise CircuitOpenError(self._rules.open_for)


class Aside(SilentObserver):
    """Tells of single calls; what becomes of their guard is no state of the API.

    Args:
        observer: is told.
    """

    def __init__(self, observer: GuardObserver) -> None:
        for name in ("joined", "retried", "retry_refused", "shed"):
            setattr(self, name, getattr(observer, name))


class SeparatedKonaplate(GuardedKonaplate):
    """Guards each reserved card and member by itself. For the embedded sandbox alone.

    Args:
        client: makes the calls.
        shared: what the guards of everything else have in common.
        rules: when an API is left alone.
        reserved: what fails on purpose.
        apart: makes what the guards of one of these have in common.
    """

    def __init__(
        self,
        client: KonaplateClient,
        shared: Shared,
        rules: BreakerRules,
        reserved: Reserved,
        apart: Callable[[], Shared],
    ) -> None:
        super().__init__(client, shared, rules)
        never = dataclasses.replace(rules, minimum_calls=sys.maxsize)
        self._reserved_cards = {CardNo(card): GuardedKonaplate(client, apart(), never) for card in reserved.cards}
        opened = GuardedKonaplate(client, apart(), rules, OpenBreaker)
        self._reserved_cards[CardNo(reserved.open_breaker)] = opened
        self._reserved_members = {
            MemberId(str(member)): GuardedKonaplate(client, apart(), never) for member in reserved.members
        }

    def start_card(self, card_no: CardNo, stats: CallStats) -> asyncio.Future[CardRecord]:
        """Look one card up."""
        guarded = self._reserved_cards.get(card_no)
        return super().start_card(card_no, stats) if guarded is None else guarded.start_card(card_no, stats)

    def start_member(self, user_id: MemberId, stats: CallStats) -> asyncio.Future[MemberRecord]:
        """Look one member up."""
        guarded = self._reserved_members.get(user_id)
        return super().start_member(user_id, stats) if guarded is None else guarded.start_member(user_id, stats)

    async def cancel(self) -> None:
        """Cancel what is under way."""
        for guarded in (*self._reserved_cards.values(), *self._reserved_members.values()):
            await guarded.cancel()
        await super().cancel()
