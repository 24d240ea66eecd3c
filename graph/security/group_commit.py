"""Group commit for the audit log: requests answered in the same turn of the event loop share a write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from graph.security.audit import AuditEvent

# About 4 KiB, what a pipe takes in one piece. More events of one request still go together.
_EVENTS_OF_A_WRITE: Final = 5


class GroupCommit:
    """Records events in groups; each request learns whether its own were recorded.

    Args:
        record: records the events of a group, all or none; returns whether they are recorded.
    """

    def __init__(self, record: Callable[[Sequence[AuditEvent]], bool]) -> None:
        self._record = record
        self._waiting: list[tuple[asyncio.Future[bool], Iterable[AuditEvent]]] = []

    def add(self, events: Iterable[AuditEvent]) -> asyncio.Future[bool]:
        """Record the events of a request together with those of others.

        Args:
            events: read only when they are written.

        Returns:
            Whether they were recorded. If it is cancelled before, they are left out.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        # One for each request: the cancellation of a request cancels what it waits for.
        recorded: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((recorded, events))
        return recorded

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        group: list[asyncio.Future[bool]] = []
        events: list[AuditEvent] = []
        for recorded, unmade in waiting:
            if recorded.done():
                continue
            try:
                made = list(unmade)
            except Exception as error:  # noqa: BLE001 - it is the error of this request, and others must not hang
                recorded.set_exception(error)
                continue
            group.append(recorded)
            events += made
            if len(events) >= _EVENTS_OF_A_WRITE:
                self._write(group, events)
                group, events = [], []
        if group:
            self._write(group, events)

    def _write(self, group: list[asyncio.Future[bool]], events: list[AuditEvent]) -> None:
        try:
            recorded = self._record(events)
        except Exception as error:  # noqa: BLE001 - it is the error of these requests
            for future in group:
                future.set_exception(error)
        else:
            for future in group:
                future.set_result(recorded)
