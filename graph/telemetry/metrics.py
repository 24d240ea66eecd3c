"""Metrics for Prometheus: a registry of this gateway's own, fed by the hooks of the lower layers.

No label holds a value that a caller or the upstream can choose freely: see `graph.telemetry.labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from graph import __version__
from graph.telemetry.families import Counts, Readings
from graph.telemetry.protection_metrics import ProtectionMetrics
from graph.telemetry.request_metrics import RequestMetrics
from graph.telemetry.upstream_metrics import UpstreamMetrics

if TYPE_CHECKING:
    from collections.abc import Callable


class Metrics:
    """Counts what the hooks report. Every hook is called in the event loop and returns at once."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4
    """The media type of what `render` returns."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests: Final = RequestMetrics(self._registry)
        self.upstream: Final = UpstreamMetrics(self._registry)
        self.protection: Final = ProtectionMetrics(self._registry)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._lost = Counts(
            self._registry, "konagraph_span_batches_lost", "Batches of spans that the collector did not take."
        )
        release = (__version__,)
        Readings(self._registry, "konagraph_build_info", "What runs.", lambda: [(release, 1)], ["version"])

    def render(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self._registry)

    def on_lost_spans(self) -> None:
        """A batch of spans was lost. Called in the exporting thread, which alone counts here."""
        self._lost.add()

    def watch(self, name: str, text: str, read: Callable[[], float | None], *, counter: bool = False) -> None:
        """Show a figure that is kept elsewhere; without a figure there is no series.

        Args:
            name: its name, without `konagraph_` and `_total`.
            text: what it tells.
            read: the figure of now.
            counter: whether it only ever grows.
        """

        def series() -> list[tuple[tuple[str, ...], float]]:
            figure = read()
            return [] if figure is None else [((), figure)]

        Readings(self._registry, f"konagraph_{name}", text, series, counter=counter)
