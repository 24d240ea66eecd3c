"""`konagraph leak-audit`: sends all cases as each kind of viewer to a gateway, and searches its output."""

from __future__ import annotations

import io
import json
import re
import tempfile
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

import httpx
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from graph.app import create_app
from graph.config.environment import load_settings
from graph.konaplate.endpoints import ENDPOINTS
from graph.leak_audit.canaries import Canary, canaries, search
from graph.leak_audit.cases import Case, cases, cases_of_ids
from graph.redact import holds_card_number
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.data import DATA
from graph.sandbox.ledger import MEMBERS
from graph.security.authorization import EVERY_SCOPE
from graph.security.development import DevelopmentSigner, signer_settings
from graph.telemetry.logs import configure_logging
from schema.query import Query, build_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext
    from starlette.types import ASGIApp

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.table import Table

VIEWERS: Final = ("anonymous", "without credentials", "member", "service")
"""The kinds of viewers. A service may see everything."""

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


_ID: Final = re.compile(r'"id": ?"([^"]+)"')
_MOST_IDS: Final = 20


class LeakAuditResult(NamedTuple):
    """What a run found."""

    cases: int
    log_lines: int
    leaks: tuple[str, ...]
    """The kind and place of each leak, without its text."""


async def run(
    app: ASGIApp,
    requests: Iterable[Case],
    wanted: Sequence[Canary],
    take: Mapping[str, Callable[[], str]],
    headers: Mapping[str, str],
    *,
    sums: Mapping[str, Callable[[], str]] = MappingProxyType({}),
    follow: Callable[[Sequence[str]], Iterable[Case]] = lambda _ids: (),
) -> LeakAuditResult:
    """Send every case and search the output.

    Args:
        app: the gateway.
        requests: the cases to send.
        wanted: the strings that must not leak.
        take: outputs for operators, by name. Each returns what was written since it was last called.
        headers: sent with every case, such as credentials; a case's own take precedence.
        sums: cumulative outputs for operators, by name; searched once, after all cases.
        follow: makes further cases of ids in the answers.
    """
    leaks: list[str] = []
    count = lines = 0
    never_shown = [canary for canary in wanted if not canary.shown]

    def look(case: str, places: Mapping[str, str], wanted: Sequence[Canary]) -> None:
        # Hardly any case leaks, and one search takes less time than several.
        if next(search("\n".join(places.values()), wanted), None) is None:
            return
        for where, text in places.items():
            leaks.extend(f"{canary.kind} in the {where} of: {case}" for canary in search(text, wanted))

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:

        async def ask(case: Case) -> str:
            nonlocal count, lines
            answer = await client.request(
                case.method,
                case.path,
                content=case.body,
                headers={"content-type": "application/json", **headers, **case.headers},
            )
            seen = {name: taken() for name, taken in take.items()}
            count += 1
            lines += seen.get("log", "").count("\n")
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            look(case.name, {**seen, "answer's headers": head}, wanted)
            look(case.name, {"answer": "" if case.clear else answer.text}, never_shown)
            return answer.text

        ids: dict[str, None] = {}
        for case in requests:
            ids.update(dict.fromkeys(_ID.findall(await ask(case))))
        for case in follow(list(ids)[:: -(-len(ids) // _MOST_IDS) or 1]):
            await ask(case)
    look("all cases together", {name: text() for name, text in sums.items()}, wanted)
    return LeakAuditResult(count, lines, tuple(leaks))


class SpanTexts(SpanExporter):
    """Writes every string of a span to a stream, as JSON.

    Times and ids are omitted, because their random digits contain any postal code sooner or later; ids that could
    be card numbers are written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch of spans."""
        for span in spans:
            written = json.loads(span.to_json(indent=None))
            del written["start_time"], written["end_time"], written["parent_id"]
            for event in written["events"]:
                del event["timestamp"]
            ids = [part for context in (span.context, span.parent) for part in _ids(context)]
            written["context"] = [written["context"]["trace_state"], *filter(holds_card_number, ids)]
            self._stream.write(f"{json.dumps(written)}\n")
        return SpanExportResult.SUCCESS


def _ids(context: SpanContext | None) -> tuple[str, ...]:
    return () if context is None else (f"{context.trace_id:032x}", f"{context.span_id:016x}")


async def leak_audit(
    endpoints: Sequence[Endpoint[Any, Any]] = ENDPOINTS,
    data: Mapping[str, Table] = DATA,
    query: type = Query,
    kinds: Container[str] = VIEWERS,
) -> dict[str, LeakAuditResult]:
    """Run every case as viewers of these kinds; returns the outcomes by kind."""
    log, spans = io.StringIO(), io.StringIO()
    configure_logging("debug", as_json=True, stream=log)
    credentials = SandboxCredentials.generate()
    sandbox = httpx.ASGITransport(create_sandbox(credentials, endpoints=endpoints, data=data))

    schema = build_schema(query)

    async def audit(auth: Mapping[str, str], token: str = "") -> LeakAuditResult:
        settings = load_settings({**credentials.gateway_settings(), **_SETTINGS, **auth})
        app = create_app(
            settings, endpoints=endpoints, query=query, transport=sandbox, span_exporter=SpanTexts(spans)
        )
        async with app.router.lifespan_context(app):
            return await run(
                app,
                cases(schema, endpoints, data),
                canaries(endpoints, data, credentials, [token]),
                take={"log": _taken(log), "traces": _taken(spans)},
                sums={"metrics": lambda: _names_and_labels(app.state.metrics.render())},
                headers={"authorization": f"Bearer {token}"} if token else {},
                follow=partial(cases_of_ids, schema, endpoints, data),
            )

    with tempfile.TemporaryDirectory() as folder:
        viewers = _viewers(Path(folder))
        return {kind: await audit(*viewer) for kind, viewer in viewers.items() if kind in kinds}


def _viewers(directory: Path) -> dict[str, tuple[dict[str, str], str]]:
    """For each kind of viewer, the gateway's settings and the token sent with every request."""
    signer = DevelopmentSigner.in_directory(directory)
    signed = signer_settings(directory)
    claims = {"konaplate_user_id": str(next(iter(MEMBERS)))}
    member = signer.token("member", scopes=(), lifetime=3600, claims=claims)
    service = signer.token("service", scopes=sorted(EVERY_SCOPE), lifetime=3600)
    return dict(zip(VIEWERS, [({}, ""), (signed, ""), (signed, member), (signed, service)], strict=True))


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
