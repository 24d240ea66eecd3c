"""How many pieces of work may run at once; what is beyond is refused at once instead of waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType


class AtCapacityError(Exception):
    """As much runs as may; the same work may find room a little later."""


class Admission:
    """Counts what runs. Use it as a context manager around each piece of work.

    Args:
        limit: how many may run at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self._expected = 0

    @property
    def full(self) -> bool:
        """Whether the next one would be refused."""
        return self.running >= self.limit

    @property
    def booked_up(self) -> bool:
        """Whether it is full, or will be once all have begun that are about to."""
        return self.running + self._expected >= self.limit

    def expect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count one that has been let in and is going to begin in the next turn of the event loop.

        Else of many that come in one turn, all would be let in that find one place free, and refused later, which
        costs several times as much. One that does not begin then, because the rest of it is still to come, is
        forgotten.
        """
        if not self._expected:
            loop.call_soon(self._forget_expected)
        self._expected += 1

    def _forget_expected(self) -> None:
        self._expected = 0

    def __enter__(self) -> Self:
        if self.full:
            raise AtCapacityError
        self.running += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.running -= 1
