"""A cache that a flood of entries used only once cannot empty.

The policy is SIEVE: a hit marks its entry. To evict one, a hand moves from the oldest entry to the newest, clears
the marks that it meets, and drops the first unmarked entry; the next eviction continues from there.

Source: https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True, eq=False)
class _Entry(Generic[K, V]):
    key: K
    value: V
    characters: int
    used: bool = False


class SieveCache(Generic[K, V]):
    """A cache with two bounds.

    Args:
        entries: the maximum number of entries.
        characters: the maximum number of characters of all keys together.
    """

    def __init__(self, entries: int, characters: int) -> None:
        self._max_entries = entries
        self._max_characters = characters
        self._entries: dict[K, _Entry[K, V]] = {}
        self._characters = 0
        # Relative to the hand.
        self._ahead: deque[_Entry[K, V]] = deque()
        self._behind: deque[_Entry[K, V]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def characters(self) -> int:
        """The length of all keys together."""
        return self._characters

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.used = True
        return entry.value

    def put(self, key: K, value: V, characters: int) -> None:
        """Add a value under a new key, unless it is too large by itself."""
        if characters > self._max_characters or self._max_entries < 1:
            return
        while len(self._entries) >= self._max_entries or self._characters + characters > self._max_characters:
            self._evict()
        entry = _Entry(key, value, characters)
        self._entries[key] = entry
        self._characters += characters
        self._ahead.append(entry)

    def _evict(self) -> None:
        # Ends: in the second round, nothing is marked.
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
