"""A gateway in this process, over the sandbox or any other transport."""

from __future__ import annotations

import asyncio
import functools
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from graph.app import create_app
from graph.config.environment import load_settings, removed_variables, unknown_variables
from graph.konaplate.record import Record, record_fields
from graph.sandbox.app import create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.security.handles import Handles
from graph.telemetry.metrics import Metrics
from schema.secrets import Credential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

    from graph.config.settings import Settings
    from graph.resilience.guard import GuardRules
    from graph.security.audit import AuditEvent


R = TypeVar("R", bound=Record)


def on_core(query: str) -> str:
    """An operation that asks for introspection as well, so that graphql-core executes all of it."""
    return query.replace("{", "{ __schema { queryType { name } } ", 1)


HANDLES = Handles([Credential("a secret of thirty-two characters!")])


class KeptEvents(list["AuditEvent"]):
    """An audit log that is a list."""

    available = True

    def record(self, events: Sequence[AuditEvent]) -> bool:
        """Keep events."""
        self.extend(events)
        return True

    async def commit(self, events: Iterable[AuditEvent]) -> bool:
        """Keep events."""
        self.extend(events)
        return True


CONTRACT_QUERY = """
query ($cardNo: CardNumber!) {
  card(cardNo: $cardNo) {
    cardNo balance cardStatus serviceId serviceName ownerKa isAutoRechargeBeforePayment
    member { userId profile { userName mobileNumber email } }
    cashReceiptInfo { approvalDiv idNo manYn }
  }
}
"""

GRAPHQL_RESPONSE = "application/graphql-response+json"


@functools.cache
def credentials() -> SandboxCredentials:
    """One set for all tests: making RSA keys takes a while."""
    return SandboxCredentials.generate()


def sandbox_settings(**variables: object) -> Settings:
    """Settings of a gateway for the sandbox; `variables` by the names of the environment."""
    given = {name: str(value) for name, value in variables.items()}
    return checked_settings(
        {**credentials().gateway_settings(), "KONAPLATE_BASE_URL": "http://sandbox/open-api", **given}
    )


def checked_settings(environment: dict[str, str]) -> Settings:
    """Settings from variables that there are: a test with a variable that nothing reads would try nothing."""
    settings = load_settings(environment)
    assert unknown_variables(environment) + removed_variables(environment, settings) == []
    return settings


@functools.cache
def sandbox_transport(*, encrypted: bool = True) -> httpx.AsyncBaseTransport:
    """The sandbox as the network. It keeps nothing between calls, so one serves all tests."""
    return httpx.ASGITransport(create_sandbox(credentials(), encrypted=encrypted))


def filled(record: type[R], **values: Any) -> R:
    """A record in which everything else is missing."""
    return record(**{**{each.name: None for each in record_fields(record)}, **values})


class Recorder(httpx.AsyncBaseTransport):
    """Passes calls on, and remembers how many there were, and how many at once."""

    def __init__(self, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._inner = inner or sandbox_transport()
        self.paths: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path.removeprefix("/open-api"))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            # Let every call that is about to start be in flight before the first one ends.
            for _ in range(10):
                await asyncio.sleep(0)
            return await self._inner.handle_async_request(request)
        finally:
            self.in_flight -= 1


class Blocking(httpx.AsyncBaseTransport):
    """Never answers; tells when a call has arrived, and how many were cancelled."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.calls = 0
        self.cancelled = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        self.arrived.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return httpx.Response(500, request=request)  # pragma: no cover - the event is never set


class Gateway:
    """A client of a gateway."""

    def __init__(
        self, client: httpx.AsyncClient, transport: httpx.AsyncBaseTransport, metrics: Metrics | None = None
    ) -> None:
        self.client = client
        self.transport = transport
        self.metrics = metrics or Metrics()
        self.app: Any = None

    async def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send a query as most clients do."""
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def query(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON of the answer."""
        answer: dict[str, Any] = (await self.post(query, variables)).json()
        return answer


def gateway(
    transport: httpx.AsyncBaseTransport | None = None, rules: GuardRules | None = None, /, **variables: object
) -> AbstractAsyncContextManager[Gateway]:
    """A running gateway; over a recorded sandbox, unless another transport is given."""
    return _running(transport, None, variables, rules)


def traced_gateway(
    exporter: SpanExporter,
    transport: httpx.AsyncBaseTransport | None = None,
    rules: GuardRules | None = None,
    /,
    **variables: object,
) -> AbstractAsyncContextManager[Gateway]:
    """The same, with its spans."""
    return _running(transport, exporter, variables, rules)


@asynccontextmanager
async def _running(
    transport: httpx.AsyncBaseTransport | None,
    exporter: SpanExporter | None,
    variables: dict[str, object],
    rules: GuardRules | None,
) -> AsyncIterator[Gateway]:
    upstream = transport or Recorder()
    app = create_app(sandbox_settings(**variables), transport=upstream, span_exporter=exporter, rules=rules)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
    ):
        running = Gateway(client, upstream, app.state.metrics)
        running.app = app
        yield running
