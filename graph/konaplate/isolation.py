"""Keeps the failures that the embedded sandbox simulates from affecting any other key."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from graph.konaplate.guarded import GuardedKonaplate
from graph.konaplate.record import Record
from graph.resilience.breaker import CircuitOpenError
from graph.resilience.single_flight import failed_future

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from graph.konaplate.client import KonaplateClient
    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.breaker import BreakerRules
    from graph.resilience.guard import CallStats, Shared

K = TypeVar("K")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Reserved:
    """Tells which calls fail on purpose, by the name of their endpoint and their clear request."""

    fails: Callable[[str, Mapping[str, Any]], bool]
    opens_breaker: Callable[[str, Mapping[str, Any]], bool]
    """Whether a call fails as if its API's breaker were open."""


class SeparatedKonaplate(GuardedKonaplate):
    """Makes reserved calls one by one, and never opens a breaker. For the embedded sandbox only.

    Args:
        client: makes the calls.
        endpoints: what can be called.
        shared: what all guards share.
        rules: the breakers' rules; they say how long an open breaker asks to wait.
        reserved: the calls that fail on purpose.
    """

    def __init__(
        self,
        client: KonaplateClient,
        endpoints: Sequence[Endpoint[Any, Any]],
        shared: Shared,
        rules: BreakerRules,
        reserved: Reserved,
    ) -> None:
        super().__init__(client, endpoints, shared, dataclasses.replace(rules, minimum_calls=sys.maxsize))
        self._reserved = reserved
        self._open_for = rules.open_for

    def start(self, endpoint: Endpoint[K, R], keys: Sequence[K], stats: CallStats) -> list[asyncio.Future[R]]:
        """Look keys up, one by one if a reserved key is among them."""
        name = endpoint.name
        requests = [self._request_of(endpoint, key) for key in keys]
        if all(request is not None and not self._reserved.fails(name, request) for request in requests):
            return super().start(endpoint, keys, stats)
        started: list[asyncio.Future[R]] = []
        for key, request in zip(keys, requests, strict=True):
            if request is not None and self._reserved.opens_breaker(name, request):
                started.append(failed_future(CircuitOpenError(self._open_for)))
            else:
                started += super().start(endpoint, [key], stats)
        return started

    def _request_of(self, endpoint: Endpoint[K, R], key: K) -> dict[str, Any] | None:
        """The clear request about a key; None if it cannot be built, which its own call reports."""
        try:
            return endpoint.request([key] if endpoint.batch else key)
        except Exception:  # noqa: BLE001 - the declaration is at fault, in whatever way
            return None
