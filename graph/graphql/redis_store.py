"""Registered documents in Redis, shared by all gateways; what this process has seen it keeps itself, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from graph.graphql.stores import DocumentStore

_PREFIX: Final = "konagraph:document:"
_DAY: Final = 24 * 3600


class RedisStore:
    """Asks this process first and Redis then; while Redis is away, this process alone.

    A text lives for a day in Redis, so that what nobody asks for goes by itself. The resolver compares each text
    with its hash again: Redis could have been written to by others.

    Args:
        client: with short waits.
        local: what this process has seen.
        clock: monotonic seconds.
        pause: seconds without a further try after a failure, so that not every request waits for a dead Redis.
    """

    def __init__(
        self, client: Redis, local: DocumentStore, clock: Callable[[], float], pause: float = 1.0
    ) -> None:
        self._client = client
        self._local = local
        self._clock = clock
        self._pause = pause
        self._away_until = -float("inf")

    async def get(self, sha256: str) -> str | None:
        """The text with this hash."""
        known = await self._local.get(sha256)
        if known is not None or self._clock() < self._away_until:
            return known
        try:
            found = await self._client.get(_PREFIX + sha256)
        except (RedisError, OSError, TimeoutError):
            self._away_until = self._clock() + self._pause
            return None
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else found

    async def put(self, sha256: str, text: str) -> None:
        """Keep a text here and there."""
        await self._local.put(sha256, text)
        if self._clock() < self._away_until:
            return
        try:
            await self._client.set(_PREFIX + sha256, text, ex=_DAY)
        except (RedisError, OSError, TimeoutError):
            self._away_until = self._clock() + self._pause
