"""The two primitives that budgets are made of, and their form for one process.

A bucket refills at a rate up to a burst. A window counts distinct things: one that is in it already costs nothing.
Every form of them reckons in whole milliseconds and in the same steps, so that all come to the same verdicts.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

V = TypeVar("V")

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
        """Its length."""
        return round(self.seconds * 1000)


@dataclass(frozen=True, slots=True)
class Taken:
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


@dataclass(slots=True)
class _Level:
    tokens: float
    at: int


@dataclass(slots=True)
class _Seen:
    # Each window's members in the order in which they came, with the millisecond of their first coming.
    windows: list[OrderedDict[str, int]] = field(default_factory=list)


class LocalLimiter:
    """Keeps everything in this process, for so many keys; the ones used least recently make room.

    Args:
        clock: monotonic seconds.
        keys: bound of the keys that are kept.
    """

    def __init__(self, clock: Callable[[], float], keys: int = 10_000) -> None:
        self._clock = clock
        self._max_keys = keys
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing when it holds less."""
        now = self._now()
        level = _entry(self._levels, key, self._max_keys, lambda: _Level(bucket.burst, now))
        level.tokens = min(bucket.burst, level.tokens + (now - level.at) * bucket.rate / 1000)
        level.at = now
        if amount <= level.tokens + SLACK:
            level.tokens = max(0.0, level.tokens - amount)
            return Taken(allowed=True, remaining=level.tokens, retry_after_ms=0)
        wait = math.ceil((amount - level.tokens - SLACK / 2) * 1000 / bucket.rate)
        return Taken(allowed=False, remaining=level.tokens, retry_after_ms=wait)

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        """Count members in every window; for each member 0, or the milliseconds until it would fit."""
        now = self._now()
        seen = _entry(self._seen, key, self._max_keys, _Seen)
        seen.windows += [OrderedDict() for _ in range(len(windows) - len(seen.windows))]
        for window, known in zip(windows, seen.windows, strict=True):
            _forget(known, now - window.milliseconds)
        return [self._add_one(windows, seen, member, now) for member in members]

    def _now(self) -> int:
        return math.floor(self._clock() * 1000)

    def _add_one(self, windows: Sequence[Window], seen: _Seen, member: str, now: int) -> int:
        waits = [
            next(iter(known.values())) + window.milliseconds - now
            for window, known in zip(windows, seen.windows, strict=True)
            if member not in known and len(known) >= window.limit
        ]
        if waits:
            return max(waits)
        for known in seen.windows:
            known.setdefault(member, now)
        return 0


def _entry(entries: OrderedDict[str, V], key: str, limit: int, make: Callable[[], V]) -> V:
    found = entries.get(key)
    if found is None:
        found = entries[key] = make()
        while len(entries) > limit:
            entries.popitem(last=False)
    else:
        entries.move_to_end(key)
    return found


def _forget(known: OrderedDict[str, int], until: int) -> None:
    while known and next(iter(known.values())) <= until:
        known.popitem(last=False)
