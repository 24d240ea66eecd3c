"""The two rate limits that budgets are made of, and their implementation within one process.

A token bucket refills at a rate up to a burst. A sliding window counts distinct items: one that is already in it
costs nothing. All implementations compute in whole milliseconds and in the same steps, so that they always agree.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SLACK: Final = 1e-6
"""Tolerance for rounding, so that a caller who waited as long as told is not refused."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: refills by `rate` per second, up to `burst`."""

    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window: at most `limit` distinct items within any `seconds`.

    An item counts for `seconds` from its first appearance.
    """

    seconds: float
    limit: int
    milliseconds: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "milliseconds", round(self.seconds * 1000))


class Taken(NamedTuple):
    """The outcome of taking from a bucket."""

    allowed: bool
    remaining: float
    retry_after_ms: int


class Limiter(Protocol):
    """Keeps buckets and windows by key. Keys must not contain secrets."""

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing if it holds less.

        A negative amount is given back; the bucket never holds more than its burst.
        """
        ...

    async def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        """Add items to every window; returns for each item 0 if added, else the milliseconds until it fits."""
        ...


@dataclass(slots=True)
class _Level:
    """The tokens in a bucket, and the millisecond at which they were counted; a new bucket is full."""

    tokens: float = math.inf
    at: int = 0


class LocalLimiter:
    """Keeps buckets and windows in this process.

    Args:
        clock: monotonic seconds.
        keys: the largest number of keys; the least recently used are dropped.
    """

    def __init__(self, clock: Callable[[], float], keys: int = 10_000) -> None:
        self._clock = clock
        self._levels: LRUCache[str, _Level] = LRUCache(keys)
        # The items of each window with the millisecond of their first appearance, oldest first.
        self._seen: LRUCache[tuple[str, int], list[OrderedDict[str, int]]] = LRUCache(keys)

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing if it holds less."""
        now = math.floor(self._clock() * 1000)
        level = self._levels.setdefault(key, _Level())
        tokens = min(bucket.burst, level.tokens + (now - level.at) * bucket.rate / 1000)
        wait = 0
        if amount <= tokens + SLACK:
            tokens = min(bucket.burst, max(0.0, tokens - amount))
        else:
            wait = math.ceil((amount - tokens - SLACK / 2) * 1000 / bucket.rate)
        level.tokens, level.at = tokens, now
        return Taken(not wait, tokens, wait)

    async def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        """Add items to every window; returns for each item 0 if added, else the milliseconds until it fits."""
        now = math.floor(self._clock() * 1000)
        seen = self._seen.setdefault((key, len(windows)), [OrderedDict() for _ in windows])
        for window, arrivals in zip(windows, seen, strict=True):
            while arrivals and next(iter(arrivals.values())) <= now - window.milliseconds:
                arrivals.popitem(last=False)
        return [_add_one(windows, seen, item, now) for item in items]


def _add_one(windows: Sequence[Window], seen: list[OrderedDict[str, int]], item: str, now: int) -> int:
    wait = 0
    for window, arrivals in zip(windows, seen, strict=True):
        if len(arrivals) >= window.limit and item not in arrivals:
            wait = max(wait, next(iter(arrivals.values())) + window.milliseconds - now)
    if not wait:
        for arrivals in seen:
            arrivals.setdefault(item, now)
    return wait
