"""A point in time after which nobody waits any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


class DeadlineExceededError(Exception):
    """The deadline passed before the result was there."""


class Deadline:
    """An absolute moment on the event loop's clock; everything that a request waits for ends at the same one.

    Args:
        seconds: from now, in the running event loop.
    """

    def __init__(self, seconds: float) -> None:
        self._at = asyncio.get_running_loop().time() + seconds

    def check(self) -> None:
        """Do nothing while there is time left.

        Raises:
            DeadlineExceededError: when there is none: work that nobody waits for had better not begin.
        """
        if asyncio.get_running_loop().time() >= self._at:
            raise DeadlineExceededError

    async def wait(self, work: Awaitable[T]) -> T:
        """Return the result of `work`.

        Raises:
            DeadlineExceededError: when the deadline passes first; `work` is cancelled then.
        """
        expiry = asyncio.timeout_at(self._at)
        try:
            async with expiry:
                return await work
        except TimeoutError as error:
            if expiry.expired():
                raise DeadlineExceededError from error
            raise
