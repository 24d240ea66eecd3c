"""A cache with two bounds that a flood of entries nobody asks for again cannot empty.

The policy is SIEVE: a hit only marks its entry, and whoever needs room goes through the entries from the oldest
on, spares each marked one and removes its mark, and drops the first that has none. The next one who needs room
goes on from there. What was spared lies behind, and is out of reach until all that came after it was gone through.

Source: https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Entry(Generic[K, V]):
    __slots__ = ("characters", "key", "used", "value")

    def __init__(self, key: K, value: V, characters: int) -> None:
        self.key = key
        self.value = value
        self.characters = characters
        self.used = False


class SieveCache(Generic[K, V]):
    """Values by key.

    Args:
        entries: how many there may be at most.
        characters: how many characters their keys may have together.
    """

    def __init__(self, entries: int, characters: int) -> None:
        self._max_entries = entries
        self._max_characters = characters
        self._entries: dict[K, _Entry[K, V]] = {}
        self._characters = 0
        self._ahead: deque[_Entry[K, V]] = deque()
        self._behind: deque[_Entry[K, V]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def characters(self) -> int:
        """How many characters the keys have together."""
        return self._characters

    def get(self, key: K) -> V | None:
        """The value of a key, if it is there."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.used = True
        return entry.value

    def put(self, key: K, value: V, characters: int) -> None:
        """Keep a value under a key that is not there yet, unless it is too large by itself; others make room."""
        if characters > self._max_characters or self._max_entries < 1:
            return
        while len(self._entries) >= self._max_entries or self._characters + characters > self._max_characters:
            self._drop_one()
        entry = _Entry(key, value, characters)
        self._entries[key] = entry
        self._characters += characters
        self._ahead.append(entry)

    def _drop_one(self) -> None:
        # Ends: a second time round, nothing is marked.
        while True:
            if not self._ahead:
                self._ahead, self._behind = self._behind, self._ahead
            entry = self._ahead.popleft()
            if not entry.used:
                break
            entry.used = False
            self._behind.append(entry)
        del self._entries[entry.key]
        self._characters -= entry.characters
