"""The two primitives that budgets are made of, and their form for one process.

A bucket refills at a rate up to a burst. A window counts distinct things: one that is in it already costs nothing.
Every form of them reckons in whole milliseconds and in the same steps, so that all come to the same verdicts.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SLACK: Final = 1e-6
"""What may be missing of an amount, so that rounding does not refuse who has waited as long as was said."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A budget that refills: `rate` a second, up to `burst`."""

    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class Window:
    """A budget of distinct things: at most `limit`, one or more, may come within any `seconds`.

    A thing counts from its first coming on; after `seconds` its next coming is a first one again.
    """

    seconds: float
    limit: int

    @property
    def milliseconds(self) -> int:
        """Its length as it is reckoned with."""
        return round(self.seconds * 1000)


class Taken(NamedTuple):
    """What came of a try to take from a bucket."""

    allowed: bool
    remaining: float
    retry_after_ms: int


class Limiter(Protocol):
    """Keeps buckets and windows by key. A key must not hold anything secret."""

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing when it holds less."""
        ...

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        """Count members in every window; for each member 0, or the milliseconds until it would fit."""
        ...


class LocalLimiter:
    """Keeps everything in this process, for so many keys; the ones used least recently make room.

    Args:
        clock: monotonic seconds.
        keys: bound of the keys that are kept.
    """

    def __init__(self, clock: Callable[[], float], keys: int = 10_000) -> None:
        self._clock = clock
        # What is left in a bucket, and the millisecond for which that was reckoned.
        self._levels: LRUCache[str, tuple[float, int]] = LRUCache(keys)
        # Each window's members in the order in which they came, with the millisecond of their first coming.
        self._seen: LRUCache[str, list[OrderedDict[str, int]]] = LRUCache(keys)

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing when it holds less."""
        now = math.floor(self._clock() * 1000)
        tokens, at = self._levels.get(key) or (bucket.burst, now)
        tokens = min(bucket.burst, tokens + (now - at) * bucket.rate / 1000)
        wait = 0
        if amount <= tokens + SLACK:
            tokens = max(0.0, tokens - amount)
        else:
            wait = math.ceil((amount - tokens - SLACK / 2) * 1000 / bucket.rate)
        self._levels[key] = tokens, now
        return Taken(not wait, tokens, wait)

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        """Count members in every window; for each member 0, or the milliseconds until it would fit."""
        now = math.floor(self._clock() * 1000)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = [OrderedDict() for _ in windows]
        for window, first_comings in zip(windows, seen, strict=True):
            while first_comings and next(iter(first_comings.values())) <= now - window.milliseconds:
                first_comings.popitem(last=False)
        return [_add_one(windows, seen, member, now) for member in members]


def _add_one(windows: Sequence[Window], seen: list[OrderedDict[str, int]], member: str, now: int) -> int:
    wait = 0
    for window, first_comings in zip(windows, seen, strict=True):
        if len(first_comings) >= window.limit and member not in first_comings:
            wait = max(wait, next(iter(first_comings.values())) + window.milliseconds - now)
    if not wait:
        for first_comings in seen:
            first_comings.setdefault(member, now)
    return wait
