"""Where registered documents are kept between requests."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class DocumentStore(Protocol):
    """Texts of documents by their SHA-256 hashes.

    Only documents that cannot hold a card number get here. A store may forget at any time, and one that cannot be
    reached has forgotten everything: it never raises.
    """

    async def get(self, sha256: str) -> str | None:
        """The text with this hash, or None when it is not, or no longer, there."""
        ...

    async def put(self, sha256: str, text: str) -> None:
        """Keep a text."""
        ...


class MemoryStore:
    """Keeps documents in this process; the least recently used one makes room.

    Args:
        entries: how many documents it holds.
        characters: how long they may be together.
    """

    def __init__(self, entries: int, characters: int) -> None:
        self._entries = entries
        self._room = characters
        self._texts: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._texts)

    async def get(self, sha256: str) -> str | None:
        """The text with this hash."""
        text = self._texts.get(sha256)
        if text is not None:
            self._texts.move_to_end(sha256)
        return text

    async def put(self, sha256: str, text: str) -> None:
        """Keep a text; one that is already there becomes the most recently used."""
        self._forget(sha256)
        self._texts[sha256] = text
        self._room -= len(text)
        while len(self._texts) > self._entries or self._room < 0:
            self._forget(next(iter(self._texts)))

    def _forget(self, sha256: str) -> None:
        self._room += len(self._texts.pop(sha256, ""))
