"""How many pieces of work may run at once; what is beyond is refused at once instead of waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
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

    def check(self) -> None:
        """Do nothing while there is a place.

        Raises:
            AtCapacityError: when there is none, so that nothing need be begun for work that could not go on.
        """
        if self.running >= self.limit:
            raise AtCapacityError

    def __enter__(self) -> Self:
        self.check()
        self.running += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.running -= 1
