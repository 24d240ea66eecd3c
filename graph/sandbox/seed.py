"""Numbers and letters made from seeds: the same on every machine and every day, but unlike each other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Dice:
    """Numbers from one seed, one after the other. Each takes a few of 512 bits, which must be enough for all."""

    __slots__ = ("_left",)

    def __init__(self, seed: str) -> None:
        self._left = int.from_bytes(hashlib.blake2b(seed.encode()).digest(), "big")

    def below(self, most: int) -> int:
        """A number from 0, below `most`."""
        self._left, number = divmod(self._left, most)
        return number

    def letters(self, length: int) -> str:
        """Capital letters, and digits between 2 and 7 among them."""
        size = -(-length * 5 // 8)
        return base64.b32encode(self.below(256**size).to_bytes(size, "big")).decode("ascii")[:length]


class Lazy(Mapping[K, V]):
    """A mapping whose keys and values are made when they are first asked for.

    Args:
        sources: from each key to what its value is made of.
        make: makes a value.
    """

    def __init__(self, sources: Callable[[], Mapping[K, object]], make: Callable[[Any], V]) -> None:
        self._find_sources = sources
        self._make = make
        self._found: Mapping[K, object] | None = None
        self._made: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        """The value of a key, the same each time."""
        if key not in self._made:
            self._made[key] = self._make(self._sources[key])
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        """Whether there is a value, without making it."""
        return key in self._sources

    def __iter__(self) -> Iterator[K]:
        """The keys."""
        return iter(self._sources)

    def __len__(self) -> int:
        """The number of keys."""
        return len(self._sources)

    @property
    def _sources(self) -> Mapping[K, object]:
        if self._found is None:
            self._found = self._find_sources()
        return self._found
