"""`konagraph leak-audit`: audits an in-process gateway and sandbox, once for each kind of viewer."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.app import create_app
from graph.config.environment import load_settings
from graph.konaplate.endpoints import ENDPOINTS
from graph.leak_audit.canaries import canaries
from graph.leak_audit.cases import cases
from graph.leak_audit.run import Outcome, SpanTexts, run
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.data import DATA
from graph.sandbox.ledger import MEMBERS
from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.viewer import EVERY_SCOPE
from graph.telemetry.logs import configure_logging
from schema.query import Query, build_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.data import Table

_SETTINGS: Final = {
    "KONAPLATE_BASE_URL": f"http://sandbox{BASE_PATH}",
    # Simulated timeouts would take 2.5 seconds each.
    "KONAPLATE_TIMEOUT": "0.1",
    # No limit may stop a case before it reaches what it tests.
    "KONAGRAPH_MAX_ROOT_FIELDS": "1000",
    "KONAGRAPH_MAX_COST": "1000000",
    "KONAGRAPH_REQUEST_BURST": "1000000",
    "KONAGRAPH_COST_BURST": "1000000",
    "KONAGRAPH_CARDS_PER_MINUTE": "1000000",
}


async def leak_audit(
    endpoints: Sequence[Endpoint[Any, Any]] = ENDPOINTS, data: Mapping[str, Table] = DATA, query: type = Query
) -> dict[str, Outcome]:
    """Run every case as each kind of viewer; returns the outcomes by kind."""
    log, spans = io.StringIO(), io.StringIO()
    configure_logging("debug", as_json=True, stream=log)
    credentials = SandboxCredentials.generate()
    sandbox = httpx.ASGITransport(create_sandbox(credentials, endpoints=endpoints, data=data))

    async def audit(auth: Mapping[str, str], token: str = "") -> Outcome:
        settings = load_settings({**credentials.gateway_settings(), **_SETTINGS, **auth})
        app = create_app(
            settings, endpoints=endpoints, query=query, transport=sandbox, span_exporter=SpanTexts(spans)
        )
        async with app.router.lifespan_context(app):
            return await run(
                app,
                cases(build_schema(query), endpoints, data),
                canaries(endpoints, data, credentials, [token]),
                take={"log": _taken(log), "traces": _taken(spans)},
                sums={"metrics": lambda: _names_and_labels(app.state.metrics.render())},
                headers={"authorization": f"Bearer {token}"} if token else {},
            )

    with tempfile.TemporaryDirectory() as folder:
        viewers = _viewers(Path(folder))
        return {name: await audit(auth, token) for name, (auth, token) in viewers.items()}


def _viewers(directory: Path) -> dict[str, tuple[dict[str, str], str]]:
    """For each kind of viewer, the gateway's settings and the token sent with every request."""
    signer = DevelopmentSigner.in_directory(directory)
    signed = signer_settings(directory)
    claims = {"konaplate_user_id": str(next(iter(MEMBERS)))}
    return {
        "anonymous": ({}, ""),
        "without credentials": (signed, ""),
        "member": (signed, signer.token("member", scopes=(), lifetime=3600, claims=claims)),
        "service": (signed, signer.token("service", scopes=sorted(EVERY_SCOPE), lifetime=3600)),
    }


def _names_and_labels(metrics: bytes) -> str:
    """Metrics without their values, whose random digits contain any postal code sooner or later."""
    return "\n".join(line.rpartition(" ")[0] for line in metrics.decode("utf-8").splitlines())


def _taken(stream: io.StringIO) -> Callable[[], str]:
    def take() -> str:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return text

    return take
