"""For trying failures out: what fails on purpose opens nothing, and takes nothing away, that others meet."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from graph.konaplate.guarded import GuardedKonaplate
from graph.konaplate.record import Record
from graph.resilience.breaker import CircuitOpenError

if TYPE_CHECKING:
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
        self._reserved = reserved
        self._open_for = rules.open_for
        never = dataclasses.replace(rules, minimum_calls=sys.maxsize)
        self._failing = GuardedKonaplate(client, endpoints, apart, never)

    def start(self, endpoint: Endpoint[K, R], keys: Sequence[K], stats: CallStats) -> list[asyncio.Future[R]]:
        """Look keys up; with a reserved one among them, each by itself."""
        failing = self._reserved.keys.get(endpoint.name, ())
        opened = self._reserved.open_breakers.get(endpoint.name, ())
        if not any(key in failing or key in opened for key in keys):
            return super().start(endpoint, keys, stats)
        started: list[asyncio.Future[R]] = []
        for key in keys:
            if key in opened:
                started.append(self._refused())
            else:
                start = self._failing.start if key in failing else super().start
                started += start(endpoint, [key], stats)
        return started

    async def cancel(self) -> None:
        """Cancel what is under way."""
        await self._failing.cancel()
        await super().cancel()

    def _refused(self) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_exception(CircuitOpenError(self._open_for))
        # Looked at, also when nobody else will.
        future.exception()
        return future
