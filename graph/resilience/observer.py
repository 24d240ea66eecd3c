"""Who is told of what a guard does."""

from __future__ import annotations


class GuardObserver:
    """For logs and metrics: a subclass takes what it wants, the rest is ignored. `api` names the guarded API."""

    def joined(self, api: str) -> None:
        """A look-up shares a call that was under way."""

    def retried(self, api: str, cause: str) -> None:
        """A call is tried again."""

    def retry_refused(self, api: str) -> None:
        """A call would have been tried again, but the budget is spent."""

    def shed(self, api: str) -> None:
        """A call was given up because no slot became free in time."""

    def breaker_changed(self, api: str, state: str) -> None:
        """The breaker is `closed`, `open` or `half_open` now."""

    def limit_changed(self, limit: int) -> None:
        """So many calls may be under way now."""
