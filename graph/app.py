"""The composition root: the only module that knows every part."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from graph.context import RequestContext, RequestSecurity
from graph.graphql.bindings import executable_schema
from graph.graphql.executor import OperationExecutor
from graph.http import request_trace
from graph.http.authenticate import Callers
from graph.http.clients import KnownClients
from graph.http.endpoint import GraphQLEndpoint
from graph.http.health import Health
from graph.http.schema import SchemaEndpoint
from graph.http.status import StatusCodes
from graph.konaplate.endpoints import ENDPOINTS
from graph.resilience.slots import Admission
from graph.security.audit import RequestAudit
from graph.security.authorization import ANONYMOUS, Authorization, Scope
from graph.wiring.documents import build_documents
from graph.wiring.http import build_app, build_explorer
from graph.wiring.reload import Renewal
from graph.wiring.security import build_protection, build_refs
from graph.wiring.telemetry import Telemetry
from graph.wiring.upstream import build_konaplate
from schema.federation import root_of
from schema.query import print_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    import httpx
    from opentelemetry.sdk.trace.export import SpanExporter
    from starlette.applications import Starlette

    from graph.config.settings import Settings
    from graph.graphql.manifests import TrustedDocuments
    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.isolation import Reserved
    from graph.resilience.deadline import Deadline
    from graph.resilience.guard import GuardRules
    from graph.security.audit import Caller
    from graph.security.authorization import Viewer
    from graph.wiring.http import Playground


def create_app(
    settings: Settings,
    *,
    endpoints: Sequence[Endpoint[Any, Any]] = ENDPOINTS,
    query: type | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    example_card: str | None = None,
    reserved: Reserved | None = None,
    caller: Viewer = ANONYMOUS,
    playground: Playground | None = None,
    span_exporter: SpanExporter | None = None,
    clock: Callable[[], float] = time.monotonic,
    rules: GuardRules | None = None,
) -> Starlette:
    """Put the gateway together.

    Args:
        settings: see `graph.config.settings`.
        endpoints: the APIs of Konaplate.
        query: the root type of the schema; None for that of the settings.
        transport: to Konaplate; None for the network. The sandbox and the tests pass their own.
        example_card: the card number of GraphiQL's first query, if it takes one; None for one that no card has.
        reserved: see `graph.wiring.upstream`.
        caller: who every caller is, if authentication is switched off.
        playground: of the embedded sandbox.
        span_exporter: replaces the trace collector of the settings.
        clock: monotonic seconds, for the guards of Konaplate.
        rules: of the guard in front of Konaplate; None for the defaults.

    Raises:
        SettingsError: when a key, certificate or manifest cannot be used.
    """
    refs = build_refs(settings)
    telemetry = Telemetry(settings, refs, endpoints, span_exporter)
    protection = build_protection(
        settings,
        refs,
        on_key_failure=telemetry.protection.on_key_failure,
        on_fallback=telemetry.protection.on_limiter_fallback,
        on_return=telemetry.protection.on_limiter_return,
        caller=caller,
        guests=None if playground is None else playground.guests,
    )
    telemetry.protection.watch_keys(protection.key_state)

    def on_call(report: CallReport) -> None:
        telemetry.on_call(report)
        request_trace.on_call(report)

    konaplate = build_konaplate(
        settings,
        transport,
        endpoints=endpoints,
        on_call=on_call,
        observer=telemetry.upstream,
        clock=clock,
        reserved=reserved,
        rules=rules,
    )
    query = query or root_of(federation=settings.konagraph_federation)
    schema = executable_schema(endpoints, query)
    documents = build_documents(settings, schema, telemetry.requests.on_untrusted_document, protection.redis)
    executor = OperationExecutor(schema, on_unplanned=telemetry.requests.on_unplanned)
    explorer = build_explorer(settings, example_card, caller, playground)
    health = Health(
        protection.key_state, konaplate.breakers, protection.budget_state, lambda: telemetry.audit.available
    )
    admission = Admission(settings.konagraph_max_requests)
    telemetry.watch(documents, executor.counts, admission)
    clients = KnownClients(settings.konagraph_clients)
    clients.trust(documents.trusted.client_names)

    def on_trusted(trusted: TrustedDocuments) -> None:
        clients.trust(trusted.client_names)
        telemetry.trust(trusted)

    def new_context(caller: Caller, deadline: Deadline) -> RequestContext:
        return RequestContext(
            konaplate,
            RequestSecurity(
                Authorization(caller.viewer),
                protection.budgets,
                RequestAudit(caller, refs, telemetry.audit, own_reads=settings.konagraph_audit_own_reads),
                protection.handles,
            ),
            deadline=deadline,
            max_cards=settings.konagraph_max_cards,
            max_days=settings.konagraph_max_transaction_days,
        )

    def may_introspect(viewer: Viewer) -> bool:
        return settings.allowed_in_development(settings.konagraph_introspection) or viewer.may(Scope.INTROSPECT)

    callers = Callers(protection.authenticate, protection.budgets, telemetry.audit.on_refused)
    endpoint = GraphQLEndpoint(
        executor,
        documents,
        callers,
        new_context,
        clients,
        may_introspect=may_introspect,
        admission=admission,
        request_timeout=settings.konagraph_request_timeout,
        max_body_bytes=settings.document_limits.body_bytes,
        statuses=StatusCodes(draft=settings.konagraph_draft_status_codes),
        get=settings.allowed_in_development(settings.konagraph_get),
        explorer=explorer,
        # Not in front of a real Konaplate: how a call ended tells a hidden card from a missing one.
        traces=playground is not None,
        on_request=telemetry.on_request,
    )

    schema_file = None
    if settings.konagraph_introspection is not False:
        schema_file = SchemaEndpoint(
            print_schema(query),
            callers,
            clients,
            may_introspect=may_introspect,
            admission=admission,
            on_request=telemetry.on_request,
        )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            # Closed in reverse order, each even if another one fails.
            closing.push_async_callback(telemetry.aclose)
            closing.push_async_callback(protection.aclose)
            closing.push_async_callback(konaplate.aclose)
            await protection.open()
            health.started = True
            yield
            health.draining = True

    app = build_app(
        settings,
        endpoint,
        explorer,
        schema=schema_file,
        traces=telemetry.traces,
        on_foreign_page=telemetry.requests.on_foreign_page,
        lifespan=lifespan,
    )
    app.state.health = health
    app.state.explorer = explorer
    app.state.metrics = telemetry.metrics
    app.state.count_refusal = telemetry.requests.count_refusal
    app.state.reopen_files = telemetry.audit.reopen
    app.state.renewal = Renewal(settings, konaplate, protection, documents, on_trusted)
    return app
