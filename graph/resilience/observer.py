"""Who is told of what a guard does."""

from __future__ import annotations

from typing import Protocol


class GuardObserver(Protocol):
    """Told of what the guard does; made for logs and metrics, free of secrets. `api` names the guarded API."""

    def joined(self, api: str) -> None:
        """A look-up shares a call that was under way."""
        ...

    def retried(self, api: str, cause: str) -> None:
        """A call is tried again."""
        ...

    def retry_refused(self, api: str) -> None:
        """A call would have been tried again, but the budget is spent."""
        ...

    def breaker_changed(self, api: str, state: str) -> None:
        """The breaker is `closed`, `open` or `half_open` now."""
        ...

    def limit_changed(self, limit: int) -> None:
        """So many calls may be under way now."""
        ...

    def shed(self, api: str) -> None:
        """A call was given up because no slot became free in time."""
        ...


class SilentObserver:
    """An observer that does nothing."""

    def joined(self, api: str) -> None:
        """Do nothing."""

    def retried(self, api: str, cause: str) -> None:
        """Do nothing."""

    def retry_refused(self, api: str) -> None:
        """Do nothing."""

    def breaker_changed(self, api: str, state: str) -> None:
        """Do nothing."""

    def limit_changed(self, limit: int) -> None:
        """Do nothing."""

    def shed(self, api: str) -> None:
        """Do nothing."""
