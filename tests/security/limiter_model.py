"""A model of buckets and windows, as simple as possible: whole milliseconds and exact fractions."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.limiter import Bucket, Window


@dataclass(frozen=True)
class Expected:
    """The expected outcome of a bucket."""

    allowed: bool
    remaining: Fraction
    retry_after_ms: int


class LimiterModel:
    """Keeps everything; the test sets `now`."""

    def __init__(self) -> None:
        self.now = 0
        self._levels: dict[str, tuple[Fraction, int]] = {}
        self._comings: defaultdict[tuple[str, int], dict[str, int]] = defaultdict(dict)

    def take(self, key: str, bucket: Bucket, amount: float) -> Expected:
        """Take from a bucket that was full at its first use."""
        burst, rate = Fraction(bucket.burst), Fraction(bucket.rate)
        kept, at = self._levels.get(key, (burst, self.now))
        tokens = min(burst, kept + (self.now - at) * rate / 1000)
        missing = Fraction(amount) - tokens
        if missing <= 0:
            tokens = min(burst, tokens - Fraction(amount))
        self._levels[key] = tokens, self.now
        return Expected(missing <= 0, tokens, max(0, math.ceil(missing * 1000 / rate)))

    def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        """Count items, one after the other, in all windows or in none."""
        return [self._add_one(key, windows, item) for item in items]

    def _add_one(self, key: str, windows: Sequence[Window], item: str) -> int:
        wait = 0
        for window in windows:
            length = int(window.seconds * 1000)
            known = {name: at for name, at in self._comings[key, length].items() if self.now - at < length}
            self._comings[key, length] = known
            if item not in known and len(known) >= window.limit:
                wait = max(wait, min(known.values()) + length - self.now)
        if wait == 0:
            for window in windows:
                self._comings[key, int(window.seconds * 1000)].setdefault(item, self.now)
        return wait
