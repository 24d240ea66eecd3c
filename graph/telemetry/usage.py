"""What clients use: how many requests of each client named each coordinate of the schema.

A request costs one addition: what an operation names is known since it was parsed. The rest is done now and then,
and when Prometheus asks. Clients come from a fixed list and coordinates from the schema, so both are bounded.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import structlog

from graph.http.clients import UNNAMED
from graph.telemetry.logs import LOGGER
from graph.telemetry.usage_lines import USAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import FilteringBoundLogger

    from graph.graphql.coordinates import Named
    from graph.http.report import RequestReport
    from graph.telemetry.metrics import Metrics

SECONDS: Final = 300.0
"""How often it is logged, while there are requests."""
MAX_PENDING: Final = 256
"""How many pairs of a client and an operation wait to be added up."""
_MAX_IN_LINE: Final = 100

_Counts = defaultdict[str, int]


class UsageCounter:
    """Counts what clients use, and logs it every few minutes and at the end; `clock` gives monotonic seconds."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._log: FilteringBoundLogger = structlog.get_logger(LOGGER).bind()
        self._clock = clock
        self._due = math.inf
        self._stored: frozenset[str] = frozenset()
        self._pending: dict[tuple[str, Named], int] = {}
        self._totals: defaultdict[str, _Counts] = defaultdict(lambda: defaultdict(int))
        self._unlogged: defaultdict[str, _Counts] = defaultdict(lambda: defaultdict(int))
        text = "Requests that named a coordinate of the schema, by client."
        metrics.observable_counters("usage", text, ("client", "coordinate"), self._read)

    def on_request(self, report: RequestReport) -> None:
        """A request was answered."""
        named = report.named
        if named is None:
            return
        pending = self._pending
        for client in report.clients or UNNAMED:
            key = client, named
            pending[key] = pending.get(key, 0) + 1
        if len(pending) >= MAX_PENDING:
            self._add_up()
        now = self._clock()
        if now >= self._due:
            self.write()
        elif self._due == math.inf:
            self._due = now + SECONDS

    def keep(self, clients: frozenset[str]) -> None:
        """Drop the totals of clients that had manifests before, and have none now."""
        self._add_up()
        for client in self._stored - clients:
            self._totals.pop(client, None)
        self._stored = clients

    def write(self) -> None:
        """Log what was counted since it was logged last."""
        self._add_up()
        self._due = math.inf
        for client, counts in self._unlogged.items():
            coordinates = sorted(counts)
            for start in range(0, len(coordinates), _MAX_IN_LINE):
                part = coordinates[start : start + _MAX_IN_LINE]
                self._log.info(USAGE, client=client, coordinates={name: counts[name] for name in part})
        self._unlogged.clear()

    def _add_up(self) -> None:
        for (client, named), requests in self._pending.items():
            total, unlogged = self._totals[client], self._unlogged[client]
            for coordinate in named.coordinates:
                total[coordinate] += requests
                unlogged[coordinate] += requests
        self._pending.clear()

    def _read(self) -> Iterator[tuple[tuple[str, str], int]]:
        self._add_up()
        for client, counts in self._totals.items():
            for coordinate, requests in counts.items():
                yield (client, coordinate), requests
