"""A limiter that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.security.limiter import LocalLimiter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.limiter import Bucket, Taken, Window


class WatchedLimiter(LocalLimiter):
    """Its clock stands still."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.told: list[str] = []
        """The keys and items."""

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        self.told.append(key)
        return await super().take(key, bucket, amount)

    async def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        self.told += [key, *items]
        return await super().add(key, windows, items)
