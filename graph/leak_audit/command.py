"""`konagraph leak-audit`: a gateway with its sandbox in this process, once for each kind of viewer."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from graph.app import create_app
from graph.config.environment import load_settings
from graph.leak_audit.canaries import canaries
from graph.leak_audit.cases import cases
from graph.leak_audit.run import Outcome, run
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.viewer import EVERY_SCOPE
from graph.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.telemetry.metrics import Metrics

# Failures that never answer would take two and a half seconds each.
_UPSTREAM_TIMEOUT: Final = "0.1"
# Every case has to reach what it tests.
_NO_BUDGETS: Final = {
    "KONAGRAPH_REQUEST_BURST": "1000000",
    "KONAGRAPH_COST_BURST": "1000000",
    "KONAGRAPH_CARDS_PER_MINUTE": "1000000",
    "KONAGRAPH_CARDS_PER_HOUR": "1000000",
}


async def leak_audit() -> dict[str, Outcome]:
    """Run every case as each kind of viewer; the outcomes by the viewer's name."""
    stream = io.StringIO()
    configure_logging("debug", as_json=True, stream=stream)
    credentials = SandboxCredentials.generate()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        signer = DevelopmentSigner.in_directory(directory)
        member = signer.token("member", scopes=(), lifetime=3600, claims={"konaplate_user_id": "1001"})
        service = signer.token("service", scopes=sorted(EVERY_SCOPE), lifetime=3600)
        signed = signer_settings(directory)
        return {
            "anonymous": await _run(stream, credentials, {}, ()),
            "without credentials": await _run(stream, credentials, signed, ()),
            "member": await _run(stream, credentials, signed, (member,)),
            "service": await _run(stream, credentials, signed, (service,)),
        }


async def _run(
    stream: io.StringIO, credentials: SandboxCredentials, auth: Mapping[str, str], tokens: Sequence[str]
) -> Outcome:
    settings = load_settings(
        {
            **credentials.gateway_settings(),
            **_NO_BUDGETS,
            **auth,
            "KONAPLATE_BASE_URL": f"http://sandbox{BASE_PATH}",
            "KONAPLATE_TIMEOUT": _UPSTREAM_TIMEOUT,
        }
    )
    # Here, because the command line should not load OpenTelemetry at every start.
    from graph.telemetry.span_texts import SpanTexts  # noqa: PLC0415

    spans = io.StringIO()
    app = create_app(
        settings, transport=httpx.ASGITransport(create_sandbox(credentials)), span_exporter=SpanTexts(spans)
    )
    metrics: Metrics = app.state.metrics
    take = {"log": _taken(stream), "traces": _taken(spans)}
    headers = {"authorization": f"Bearer {tokens[0]}"} if tokens else {}
    async with app.router.lifespan_context(app):
        sums = {"metrics": lambda: _names_and_labels(metrics.render())}
        return await run(app, cases(), canaries(credentials, tokens), take, headers, sums=sums)


def _names_and_labels(metrics: bytes) -> str:
    """Metrics without their figures, whose digits are random: they hold any postal code sooner or later."""
    return "\n".join(line.rpartition(" ")[0] for line in metrics.decode("utf-8").splitlines())


def _taken(stream: io.StringIO) -> Callable[[], str]:
    def take() -> str:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return text

    return take
