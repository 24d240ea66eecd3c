"""The two primitives that budgets are made of, and their form for one process.

A bucket refills at a rate up to a burst. A window counts distinct things: one that is in it already costs nothing.
Every form of them reckons in whole milliseconds and in the same steps, so that all come to the same verdicts.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

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
    milliseconds: int = field(init=False, repr=False, compare=False)
    """Its length, reckoned once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "milliseconds", round(self.seconds * 1000))


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


class _Level:
    """What is left in a bucket, and the millisecond for which that was reckoned."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: int) -> None:
        self.tokens, self.at = tokens, at


class _Seen:
    """Each window's members in the order in which they came, with the millisecond of their first coming."""

    __slots__ = ("windows",)

    def __init__(self) -> None:
        self.windows: list[OrderedDict[str, int]] = []


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
        level = self._levels.get(key)
        if level is None:
            level = _keep(self._levels, key, _Level(bucket.burst, now), self._max_keys)
        else:
            self._levels.move_to_end(key)
            level.tokens = min(bucket.burst, level.tokens + (now - level.at) * bucket.rate / 1000)
            level.at = now
        if amount <= level.tokens + SLACK:
            level.tokens = max(0.0, level.tokens - amount)
            return Taken(True, level.tokens, 0)  # noqa: FBT003 - a name costs as much as the rest
        wait = math.ceil((amount - level.tokens - SLACK / 2) * 1000 / bucket.rate)
        return Taken(allowed=False, remaining=level.tokens, retry_after_ms=wait)

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        """Count members in every window; for each member 0, or the milliseconds until it would fit."""
        now = self._now()
        seen = self._seen.get(key)
        if seen is None:
            seen = _keep(self._seen, key, _Seen(), self._max_keys)
        else:
            self._seen.move_to_end(key)
        known = seen.windows
        while len(known) < len(windows):
            known.append(OrderedDict())
        for window, members_of_it in zip(windows, known, strict=True):
            _forget(members_of_it, now - window.milliseconds)
        return [_add_one(windows, known, member, now) for member in members]

    def _now(self) -> int:
        return math.floor(self._clock() * 1000)


def _add_one(windows: Sequence[Window], known: list[OrderedDict[str, int]], member: str, now: int) -> int:
    wait = 0
    for window, members in zip(windows, known, strict=True):
        if len(members) >= window.limit and member not in members:
            wait = max(wait, next(iter(members.values())) + window.milliseconds - now)
    if not wait:
        for members in known:
            members.setdefault(member, now)
    return wait


def _keep(entries: OrderedDict[str, V], key: str, made: V, limit: int) -> V:
    entries[key] = made
    while len(entries) > limit:
        entries.popitem(last=False)
    return made


def _forget(known: OrderedDict[str, int], until: int) -> None:
    while known and next(iter(known.values())) <= until:
        known.popitem(last=False)
