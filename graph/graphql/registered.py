"""Registered documents: texts by their SHA-256 hashes, in this process and, shared by all gateways, in Redis.

Only documents that cannot hold a card number get here. Any of them may be forgotten at any time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from graph.graphql.cache import SieveCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

_PREFIX: Final = "konagraph:document:"
_DAY: Final = 24 * 3600
# Seconds without a further try after a failure, so that not every request waits for a dead Redis.
_PAUSE: Final = 1.0


class RegisteredDocuments:
    """Asks this process first and Redis then; while Redis is away, this process alone. It never raises.

    A text lives for a day in Redis, so that what nobody asks for goes by itself. The resolver compares each text
    with its hash again: Redis could have been written to by others.

    Args:
        entries: how many documents this process holds.
        characters: how long they may be together.
        redis: a client with short waits; None keeps documents in this process alone.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        entries: int,
        characters: int,
        redis: Redis | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._local: SieveCache[str, str] = SieveCache(entries, characters)
        self._redis = redis
        self._clock = clock
        self._away_until = -float("inf")

    def __len__(self) -> int:
        return len(self._local)

    async def get(self, sha256: str) -> str | None:
        """The text with this hash, or None when it is not, or no longer, there."""
        text = self._local.get(sha256)
        if text is None:
            found = await self._ask(lambda redis: redis.get(_PREFIX + sha256))
            text = found.decode("utf-8", "replace") if isinstance(found, bytes) else found
        return text

    async def put(self, sha256: str, text: str) -> None:
        """Keep a text here and there."""
        if self._local.get(sha256) is None:
            self._local.put(sha256, text, len(text))
        await self._ask(lambda redis: redis.set(_PREFIX + sha256, text, ex=_DAY))

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self._redis is None or self._clock() < self._away_until:
            return None
        # Here, because a gateway without Redis is 6 MB smaller.
        from redis.exceptions import RedisError  # noqa: PLC0415

        try:
            return await question(self._redis)
        except (RedisError, OSError, TimeoutError):
            self._away_until = self._clock() + _PAUSE
            return None
