"""The receivers of all reports."""

from __future__ import annotations

from typing import Final

from graph.konaplate.endpoints import ENDPOINTS
from graph.telemetry.metrics import Metrics
from graph.telemetry.protection import ProtectionTelemetry
from graph.telemetry.requests import RequestTelemetry
from graph.telemetry.upstream import UpstreamTelemetry
from graph.telemetry.usage import UsageCounter

BASE_URL: Final = "https://konaplate.invalid/open-api"


class Reports(Metrics):
    """Metrics and the observers that update them."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = RequestTelemetry(self)
        self.upstream = UpstreamTelemetry(self, ENDPOINTS, BASE_URL)
        self.protection = ProtectionTelemetry(self)
        self.usage = UsageCounter(self)
