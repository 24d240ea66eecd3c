"""Which trace a request belongs to: W3C Trace Context, level 1.

`tracestate` and `baggage` are not read: both are free text of the caller's, and would be exported with the spans.

Source: https://www.w3.org/TR/trace-context-1/#traceparent-header
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from graph.redact import holds_card_number

if TYPE_CHECKING:
    from collections.abc import Iterable

_TRACEPARENT: Final = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_VERSION: Final = b"00"


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> Context:
    """The trace that a request's `traceparent` names; an empty context where it names none."""
    given = [value for name, value in headers if name == b"traceparent"]
    # Said twice, it says nothing: the specification wants one.
    parent = _read(given[0]) if len(given) == 1 else None
    return Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())


def _read(header: bytes) -> SpanContext | None:
    match = _TRACEPARENT.fullmatch(header)
    if match is None or (match[1] == _VERSION and match[5] is not None):
        return None
    trace_id, span_id = match[2].decode(), match[3].decode()
    if holds_card_number(trace_id) or holds_card_number(span_id):
        # One random id in sixty looks like one, too, and begins a new trace here.
        return None
    context = SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(match[4], 16) & 1)
    )
    return context if context.is_valid else None
