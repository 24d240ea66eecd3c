"""Traces: one span for each request, and one below it for each call to Konaplate.

Spans are made from the same reports as logs and metrics. So no lower layer knows of OpenTelemetry, and spans hold
only what is named here: no document, variable, query string, header, body or exception message. Names follow
OpenTelemetry's semantic conventions where they exist; others begin with `konagraph.` or `konaplate.`.

Sources: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and
https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanKind, StatusCode, get_current_span, set_span_in_context

from graph import __version__
from graph.http.report import CLIENT_CLOSED_REQUEST
from graph.telemetry.conventions import METHOD, error_of_call, error_of_request, known_method, server_of
from graph.telemetry.metrics import VendorCodes
from graph.telemetry.trace_context import parent_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.util.types import AttributeValue
    from starlette.types import ASGIApp, Receive, Scope, Send

    from graph.http.report import RequestReport
    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint

_FLUSH_SECONDS: Final = 2.0
_SECOND: Final = 1_000_000_000
_UNKNOWN_OPERATION: Final = "GraphQL Operation"
_ATTRIBUTES: Final = 32
_LENGTH: Final = 256
_LIMITS: Final = SpanLimits(
    max_attributes=_ATTRIBUTES,
    max_span_attributes=_ATTRIBUTES,
    max_events=0,
    max_event_attributes=0,
    max_links=0,
    max_link_attributes=0,
    max_attribute_length=_LENGTH,
    max_span_attribute_length=_LENGTH,
)
# The context with the request's span. OpenTelemetry's own context variable depends on the environment.
_REQUEST: Final[ContextVar[Context]] = ContextVar("request")


class Traces:
    """Makes spans.

    Args:
        processor: receives the spans; closed with this object.
        endpoints: the APIs of Konaplate.
        base_url: Konaplate's address.
    """

    def __init__(self, processor: SpanProcessor, endpoints: Sequence[Endpoint[Any, Any]], base_url: str) -> None:
        self._processor = processor
        self._codes = VendorCodes(endpoints)
        self._calls = {endpoint.path: _CallAttributes.of(endpoint, base_url) for endpoint in endpoints}
        resource = {
            "service.name": "konagraph",
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
        }
        # All arguments are given, so that no environment variable applies.
        provider = TracerProvider(
            # Every trace, unless the caller asks for none. The collector samples better: it sees how a trace ends.
            sampler=DEFAULT_ON,
            resource=Resource(resource),
            shutdown_on_exit=False,
            span_limits=_LIMITS,
            meter_provider=NoOpMeterProvider(),
        )
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("konagraph", __version__, schema_url=Schemas.V1_44_0.value)

    def traced(self, app: ASGIApp) -> ASGIApp:
        """Wrap the app with a span for each request that it reports."""

        async def with_span(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            # The span of a request that is not reported, so not GraphQL, never ends and is never exported.
            span = self._tracer.start_span(
                _UNKNOWN_OPERATION, parent_of(scope["headers"]), SpanKind.SERVER, _connection_attributes(scope)
            )
            token = _REQUEST.set(set_span_in_context(span, Context()))
            try:
                await app(scope, receive, send)
            finally:
                _REQUEST.reset(token)

        return with_span

    def on_request(self, report: RequestReport) -> None:
        """The current request was answered."""
        context = _REQUEST.get(None)
        if context is None:
            return
        span = get_current_span(context)
        if report.operation_type:
            span.update_name(report.operation_type)
        error = error_of_request(report.codes)
        span.set_attributes(_request_attributes(report, error))
        if error is not None:
            span.set_status(StatusCode.ERROR)
        span.end()

    def on_call(self, report: CallReport) -> None:
        """A call is over. Its span belongs to the request that started it, even if others share the call."""
        context = _REQUEST.get(None)
        if context is None:
            return
        ended = time.time_ns()
        started = ended - round(report.seconds * _SECOND)
        call = self._calls[report.api]
        attributes = {**call.attributes, **_call_attributes(report, self._codes)}
        span = self._tracer.start_span(call.span, context, SpanKind.CLIENT, attributes, start_time=started)
        if "error.type" in attributes:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    async def aclose(self) -> None:
        """Export what is left, with a timeout: a hanging collector must not block the shutdown."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self._processor.shutdown()
            # The loop may have been closed meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=close, name="traces", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await done.wait()


class _CallAttributes(NamedTuple):
    """What the spans of all calls to one API have in common."""

    span: str
    attributes: dict[str, AttributeValue]

    @classmethod
    def of(cls, endpoint: Endpoint[Any, Any], base_url: str) -> _CallAttributes:
        address, port = server_of(base_url)
        return cls(
            f"{METHOD} {endpoint.name}",
            {
                "http.request.method": METHOD,
                "server.address": address,
                "server.port": port,
                # Neither the base address nor a path has credentials or a query string.
                "url.full": base_url.rstrip("/") + endpoint.path,
            },
        )


def _connection_attributes(scope: Scope) -> dict[str, AttributeValue]:
    """The attributes of a request's connection.

    The conventions take `server.address` from the `Host` header, which is the caller's free text. This is the
    address that the connection was accepted at.
    """
    address, port = scope.get("server") or (None, None)
    attributes: dict[str, AttributeValue | None] = {
        "network.protocol.version": scope["http_version"],
        "server.address": address,
        "server.port": port,
        "url.scheme": scope["scheme"],
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _request_attributes(report: RequestReport, error: str | None) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue | None] = {
        "error.type": error,
        "http.request.method": known_method(report.method),
        # A client that disconnected has got no response.
        "http.response.status_code": None if report.status == CLIENT_CLOSED_REQUEST else report.status,
        "http.route": report.route,
        "url.path": report.route,
        "graphql.operation.type": report.operation_type,
        "graphql.operation.name": report.operation,
        # The conventions have only `graphql.document`, the text, which is not shown.
        "graphql.document.hash": report.document,
        "konagraph.clients": report.clients or None,
        "konagraph.request_id": report.request_id,
        "konagraph.viewer.kind": report.viewer,
        "konagraph.codes": tuple(dict.fromkeys(report.codes)) or None,
        "konagraph.upstream_calls": report.upstream_calls,
        "konagraph.saved_calls": report.saved_calls,
        "konagraph.deadline_hits": report.deadline_hits or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _call_attributes(report: CallReport, codes: VendorCodes) -> dict[str, AttributeValue]:
    details = report.details
    attributes: dict[str, AttributeValue | None] = {
        "error.type": error_of_call(report.outcome),
        "http.response.status_code": details.status,
        "http.request.resend_count": report.attempt - 1 or None,
        "konaplate.cancelled": report.outcome == "cancelled" or None,
        "konaplate.cause": None if report.cause is None else report.cause.value,
        "konaplate.code": None if details.code is None else codes.label(details.code),
        "konaplate.correlation_id": details.correlation_id,
        "konaplate.echo": report.echo,
    }
    return {name: value for name, value in attributes.items() if value is not None}
