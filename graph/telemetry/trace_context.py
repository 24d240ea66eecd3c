"""The trace that a request belongs to, as its `traceparent` header says.

Source: https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from graph.redact import holds_card_number

if TYPE_CHECKING:
    from collections.abc import Iterable

# OpenTelemetry logs a line about each longer header.
_MAX_HEADER_LENGTH: Final = 512
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> Context:
    """The trace context of a request's `traceparent`; empty without one.

    `tracestate` and `baggage` are ignored: both are the caller's free text and would be exported.
    """
    given = [value.decode("latin-1") for name, value in headers if name == b"traceparent"]
    # The specification requires exactly one.
    if len(given) != 1 or len(given[0]) > _MAX_HEADER_LENGTH or given[0] != given[0].strip():
        return Context()
    context = _PROPAGATOR.extract({"traceparent": given[0]}, Context())
    found = get_current_span(context).get_span_context()
    if holds_card_number(format_trace_id(found.trace_id)) or holds_card_number(format_span_id(found.span_id)):
        # One random id in sixty looks like a card number; it starts a new trace here.
        return Context()
    return context
