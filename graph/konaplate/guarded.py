"""The Konaplate client behind its guards: one per endpoint, sharing slots and a retry budget."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from graph.konaplate.record import Record
from graph.konaplate.retry_policy import policy_of
from graph.resilience.breaker import Breaker, BreakerRules
from graph.resilience.guard import CallStats, Guard, Shared

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Mapping, Sequence

    from graph.konaplate.client import KonaplateClient
    from graph.konaplate.encryption import Cipher
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.protocol import Identity
    from graph.resilience.breaker import State

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class GuardedKonaplate:
    """Looks up records; all that a request needs of the upstream."""

    def __init__(
        self,
        client: KonaplateClient,
        endpoints: Iterable[Endpoint[Any, Any]],
        shared: Shared,
        rules: BreakerRules,
    ) -> None:
        self._client = client
        self._breakers: dict[str, Breaker] = {}
        self._guards: dict[str, Guard[Any, Any]] = {}
        for endpoint in endpoints:
            changed = partial(shared.observer.breaker_changed, endpoint.path)
            breaker = self._breakers[endpoint.path] = Breaker(rules, shared.clock, shared.random, changed)
            fetch = partial(client.fetch, endpoint)
            self._guards[endpoint.name] = Guard(endpoint.path, fetch, policy_of, breaker, shared)

    def start(self, endpoint: Endpoint[K, R], keys: Sequence[K], stats: CallStats) -> list[asyncio.Future[R]]:
        """Look keys up; concurrent look-ups of the same key share one call.

        Each key's future belongs to the caller and fails alone; cancelling it leaves the look-up running for
        others. Beyond the errors of `Guard.start` it fails with a `KonaplateError`; see the tree in
        `graph.konaplate.errors`.
        """
        guard = self._guards[endpoint.name]
        if endpoint.batch and keys:
            unique = tuple(dict.fromkeys(keys))
            return _divided(guard.start(unique, stats), keys)
        return [guard.start(key, stats) for key in keys]

    def breakers(self) -> Mapping[str, State]:
        """The state of each API's breaker, by the API's path."""
        return {api: breaker.state for api, breaker in self._breakers.items()}

    def renew(self, identity: Identity, cipher: Cipher | None) -> None:
        """Use new credentials from the next call on."""
        self._client.renew(identity, cipher)

    async def aclose(self) -> None:
        """Cancel the calls in progress, then close the connections."""
        await self.cancel()
        await self._client.aclose()

    async def cancel(self) -> None:
        """Cancel the calls in progress."""
        for guard in self._guards.values():
            await guard.aclose()


def _divided(call: asyncio.Future[dict[K, R | Exception]], keys: Sequence[K]) -> list[asyncio.Future[R]]:
    """A future for each key of a batch call, which is cancelled when nobody waits for any key any more."""
    futures: list[asyncio.Future[R]] = [call.get_loop().create_future() for _ in keys]

    def left(_future: asyncio.Future[R]) -> None:
        if all(future.done() for future in futures):
            call.cancel()

    def answered(call: asyncio.Future[dict[K, R | Exception]]) -> None:
        if call.cancelled():
            return
        failure = call.exception()
        for key, future in zip(keys, futures, strict=True):
            answer = failure or call.result()[key]
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
                # Marks it as retrieved, or asyncio would log it with its contents.
                future.exception()
            else:
                future.set_result(answer)

    for future in futures:
        future.add_done_callback(left)
    call.add_done_callback(answered)
    return futures
