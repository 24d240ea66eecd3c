"""For trying failures out: what fails on purpose opens nothing, and takes nothing away, that others meet."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from graph.konaplate.guarded import GuardedKonaplate
from graph.konaplate.record import Record
from graph.resilience.breaker import Breaker, CircuitOpenError
from graph.resilience.observer import GuardObserver

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Mapping, Sequence

    from graph.konaplate.client import KonaplateClient
    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.breaker import BreakerRules
    from graph.resilience.guard import CallStats, Shared

K = TypeVar("K")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What fails on purpose: keys, by the name of their endpoint."""

    keys: Mapping[str, Collection[Any]]
    open_breakers: Mapping[str, Collection[Any]]
    """Those that are answered as if their API were left alone."""


class OpenBreaker(Breaker):
    """A breaker that is always open."""

    def admit(self) -> NoReturn:
        """Refuse a call.

        Raises:
            CircuitOpenError: always.
        """
        raise CircuitOpenError(self._rules.open_for)


class Aside(GuardObserver):
    """Tells of single calls; what becomes of their guard is no state of the API.

    Args:
        observer: is told.
    """

    def __init__(self, observer: GuardObserver) -> None:
        for name in ("joined", "retried", "retry_refused", "shed"):
            setattr(self, name, getattr(observer, name))


class SeparatedKonaplate(GuardedKonaplate):
    """Guards what fails on purpose by itself. For the embedded sandbox alone.

    Args:
        client: makes the calls.
        endpoints: what can be called.
        shared: what the guards of everything else have in common.
        rules: when an API is left alone.
        reserved: what fails on purpose.
        apart: what the guards of these have in common.
    """

    def __init__(
        self,
        client: KonaplateClient,
        endpoints: Sequence[Endpoint[Any, Any]],
        shared: Shared,
        rules: BreakerRules,
        *,
        reserved: Reserved,
        apart: Shared,
    ) -> None:
        super().__init__(client, endpoints, shared, rules)
        never = dataclasses.replace(rules, minimum_calls=sys.maxsize)
        self._reserved = reserved
        self._failing = GuardedKonaplate(client, endpoints, apart, never)
        self._opened = GuardedKonaplate(client, endpoints, apart, rules, OpenBreaker)

    def start(self, endpoint: Endpoint[K, R], keys: Sequence[K], stats: CallStats) -> list[asyncio.Future[R]]:
        """Look keys up; with a reserved one among them, each by itself."""
        guarded = [self._guarded(endpoint.name, key) for key in keys]
        if all(each is self for each in guarded):
            return super().start(endpoint, keys, stats)
        return [each.start(endpoint, [key], stats)[0] for each, key in zip(guarded, keys, strict=True)]

    async def cancel(self) -> None:
        """Cancel what is under way."""
        await self._failing.cancel()
        await super().cancel()

    def _guarded(self, name: str, key: object) -> GuardedKonaplate:
        if key in self._reserved.open_breakers.get(name, ()):
            return self._opened
        return self._failing if key in self._reserved.keys.get(name, ()) else self
