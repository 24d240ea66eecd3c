"""The Konaplate client behind its guards: one for each API, with slots and a retry budget in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from graph.konaplate.client import CARD_INFO, USER_INFO, KonaplateClient
from graph.konaplate.retry_policy import policy_of
from graph.resilience.breaker import Breaker, BreakerRules
from graph.resilience.guard import Guard, Shared

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping

    from graph.konaplate.encryption import Cipher
    from graph.konaplate.protocol import Identity
    from graph.konaplate.records import CardRecord, MemberRecord
    from graph.resilience.breaker import State
    from graph.resilience.guard import CallStats
    from schema.secrets import CardNo, MemberId

K = TypeVar("K")
V = TypeVar("V")


class GuardedKonaplate:
    """Looks cards and members up; what a request needs of the upstream.

    Args:
        client: makes the calls.
        shared: what the guards have in common.
        rules: when an API is left alone.
        breaker: the class of the breakers.
    """

    def __init__(
        self, client: KonaplateClient, shared: Shared, rules: BreakerRules, breaker: type[Breaker] = Breaker
    ) -> None:
        self._client = client
        self._breaker = breaker
        self._shared = shared
        self._rules = rules
        self._breakers: dict[str, Breaker] = {}
        self._cards: Guard[CardNo, CardRecord] = self._guard(CARD_INFO.path, client.fetch_card)
        self._members: Guard[MemberId, MemberRecord] = self._guard(USER_INFO.path, client.fetch_member)

    def start_card(self, card_no: CardNo, stats: CallStats) -> asyncio.Future[CardRecord]:
        """Look one card up, together with everybody who asks for it just now.

        The future is the caller's own; cancelling it leaves the look-up. It fails with a `KonaplateError` (see the
        tree in `graph.konaplate.errors`), with `CircuitOpenError` when the API is left alone for now, with
        `NoSlotError` when there are too many calls, and with `AbandonedError` when the process ends.
        """
        return self._cards.start(card_no, stats)

    def start_member(self, user_id: MemberId, stats: CallStats) -> asyncio.Future[MemberRecord]:
        """Look one member up; as `start_card`."""
        return self._members.start(user_id, stats)

    def breakers(self) -> Mapping[str, State]:
        """The state of each API's breaker, by the API's path."""
        return {api: breaker.state for api, breaker in self._breakers.items()}

    def renew(self, identity: Identity, cipher: Cipher | None) -> None:
        """Use others from the next call on."""
        self._client.renew(identity, cipher)

    async def aclose(self) -> None:
        """Cancel what is under way, then close the connections."""
        await self.cancel()
        await self._client.aclose()

    async def cancel(self) -> None:
        """Cancel what is under way."""
        await self._cards.aclose()
        await self._members.aclose()

    def _guard(self, api: str, fetch: Callable[[K, float, int], Awaitable[V]]) -> Guard[K, V]:
        shared = self._shared
        breaker = self._breaker(
            self._rules,
            shared.clock,
            shared.random,
            lambda state: shared.observer.breaker_changed(api, state),
        )
        self._breakers[api] = breaker
        return Guard(api, fetch, policy_of, breaker, shared)
