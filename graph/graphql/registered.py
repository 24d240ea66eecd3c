"""The store of automatic persisted queries: documents by their SHA-256 hashes, in this process and in Redis.

Only documents that cannot hold a card number get here. Any of them may be evicted at any time.
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
# In this process: as many as are cached parsed, and 2 MB of text.
_MAX_ENTRIES: Final = 1_000
_MAX_CHARACTERS: Final = 2_000_000
# Seconds without Redis after a failure, so that not every request waits for a dead server.
_PAUSE: Final = 1.0


class RegisteredDocuments:
    """Asks this process first, then Redis. It never raises.

    Documents expire after a day in Redis. Others could write to it, so the resolver verifies each document's hash.

    Args:
        redis: a client with short timeouts, or None.
        clock: monotonic seconds.
    """

    def __init__(self, redis: Redis | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._local: SieveCache[str, str] = SieveCache(_MAX_ENTRIES, _MAX_CHARACTERS)
        self._redis = redis
        self._clock = clock
        self._paused_until = -float("inf")

    def __len__(self) -> int:
        return len(self._local)

    async def get(self, sha256: str) -> str | None:
        """Return the text with this hash, or None."""
        text = self._local.get(sha256)
        if text is None:
            found = await self._ask(lambda redis: redis.get(_PREFIX + sha256))
            text = found.decode("utf-8", "replace") if isinstance(found, bytes) else found
        return text

    def keep(self, sha256: str, text: str) -> None:
        """Store a document here, which was found in Redis and whose hash was verified."""
        if self._local.get(sha256) is None:
            self._local.put(sha256, text, len(text))

    async def put(self, sha256: str, text: str) -> None:
        """Store a document here and in Redis."""
        self.keep(sha256, text)
        await self._ask(lambda redis: redis.set(_PREFIX + sha256, text, ex=_DAY))

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self._redis is None or self._clock() < self._paused_until:
            return None
        # Imported here: a gateway without Redis is 6 MB smaller.
        from redis.exceptions import RedisError  # noqa: PLC0415

        try:
            return await question(self._redis)
        except (RedisError, OSError, TimeoutError):
            self._paused_until = self._clock() + _PAUSE
            return None
