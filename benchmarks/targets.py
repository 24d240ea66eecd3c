"""Who is compared: each a server process of its own, one worker, uvicorn with uvloop and httptools."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.handwritten import CARD_ROUTE, PROFILE_ROUTE
from benchmarks.protected import protection
from benchmarks.scenarios import ONE_CALL, TWO_CALLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.scenarios import Scenario

GATEWAY: Final = "konagraph"
PROTECTED: Final = "konagraph-protected"
"""The same gateway with tokens, budgets and an audit."""
BASELINE: Final = "handwritten-httpx"
"""What ratios are of."""


def gateway_settings(base_url: str) -> dict[str, str]:
    """Settings of a gateway for the benchmark's upstream: plain mode, quiet, everything else as it comes."""
    return {
        "KONAPLATE_BASE_URL": base_url,
        "KONAPLATE_ASP_ID": "100000000000002",
        "KONAPLATE_ACCESS_KEY": "a" * 40,
        "KONAPLATE_SECRET_KEY": "benchmark-secret-key",
        "KONAPLATE_ENCRYPTION": "off",
        "KONAGRAPH_LOG_LEVEL": "warning",
        "KONAGRAPH_ADMIN_PORT": "0",
    }


@dataclass(frozen=True, slots=True)
class Target:
    """One server: how it is started and what it needs."""

    name: str
    paths: Mapping[str, str]
    """Where each scenario, by name, is answered."""
    needs: str | None = None
    """A Python package that is no dependency of the project."""

    @property
    def is_gateway(self) -> bool:
        """Whether it is this project's."""
        return self.name in (GATEWAY, PROTECTED)

    def path(self, scenario: Scenario) -> str:
        """Where the scenario is answered."""
        return self.paths[scenario.name]

    def arguments(self, base_url: str) -> list[str]:
        """Arguments of the Python that serves it."""
        if self.is_gateway:
            return ["-m", "graph", "serve", "--host", "127.0.0.1", "--port", "0"]
        return ["-m", "benchmarks.serving", self.name, base_url]

    def settings(self, base_url: str) -> dict[str, str]:
        """Environment variables of the process."""
        if not self.is_gateway:
            return {}
        settings = gateway_settings(base_url)
        return {**settings, **protection().settings} if self.name == PROTECTED else settings

    @property
    def authorization(self) -> str:
        """The `Authorization` header of every request; empty for none."""
        return protection().authorization if self.name == PROTECTED else ""

    def missing(self) -> str | None:
        """Why it is left out; None when it can run."""
        if self.needs is None or importlib.util.find_spec(self.needs) is not None:
            return None
        return f"{self.name} is left out: {self.needs} is not installed (see benchmarks/peers.txt)"


_ONE_PATH: Final = {TWO_CALLS.name: "/graphql", ONE_CALL.name: "/graphql"}
_TWO_ROUTES: Final = {TWO_CALLS.name: PROFILE_ROUTE, ONE_CALL.name: CARD_ROUTE}

TARGETS: Final = (
    Target(GATEWAY, _ONE_PATH),
    Target(PROTECTED, _ONE_PATH),
    Target(BASELINE, _TWO_ROUTES),
    Target("handwritten-aiohttp", _TWO_ROUTES, needs="aiohttp"),
    Target("strawberry-httpx", _ONE_PATH),
)
