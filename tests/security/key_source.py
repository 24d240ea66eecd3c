"""A source of keys that a test controls, and a clock that stands still."""

from __future__ import annotations

import asyncio

from graph.security.jwks import KeySet


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Source:
    """Gives the content it is told to, counts how often, and waits when told to."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content = content
        self.loads = 0
        self.under_way = 0
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self) -> bytes:
        """Load, as the product does."""
        self.loads += 1
        self.under_way += 1
        self.begun.set()
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def hold(self) -> None:
        """Let the next load wait until `open` is set."""
        self.begun.clear()
        self.open.clear()


class Watched:
    """A key set with its source, its clock, and the failures that it reports."""

    def __init__(self, content: bytes | Exception) -> None:
        self.source = Source(content)
        self.clock = Clock()
        self.failures: list[str] = []
        self.keys = KeySet(self.source, self.clock, self.failures.append)
