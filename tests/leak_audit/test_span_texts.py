"""Spans as the leak audit searches them: every text of a span, and of its numbers those that could be a card's."""

from __future__ import annotations

import io

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from graph.leak_audit.run import SpanTexts
from graph.telemetry.otlp import simple_processor

CARD = "9491339400000013"


def written(context: Context | None = None, name: str = "name", **attributes: str) -> str:
    """The text of one span, with an event and a status in words."""
    stream = io.StringIO()
    # Without the random id of this process, which may look like a year.
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({}))
    provider.add_span_processor(simple_processor(SpanTexts(stream)))
    span = provider.get_tracer("t").start_span(name, context or Context(), attributes=attributes)
    span.add_event("an event", {"of": "the event"})
    span.set_status(StatusCode.ERROR, "the status")
    span.end()
    return stream.getvalue()


def below(trace_id: int, span_id: int, **state: str) -> Context:
    flags, states = TraceFlags(1), TraceState(list(state.items()))
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags, trace_state=states)
    return set_span_in_context(NonRecordingSpan(parent), Context())


def test_every_text_of_a_span_is_written() -> None:
    text = written(below(1, 1, key="of-the-state"), "the-name", one="value")
    for part in ("the-name", '"one": "value"', "an event", "of", "the event", "the status", "of-the-state"):
        assert part in text


def test_ids_and_times_are_not_written() -> None:
    text = written(below(0xABCDEF0123ABCDEF0123ABCDEF012306, 0x06236ABCDEF06236))
    for part in ("abcdef0123", "06236abcdef", "start_time", "end_time", "202"):
        assert part not in text


def test_an_id_that_could_be_a_card_number_is_written() -> None:
    assert CARD in written(below(int(f"{'a' * 16}{CARD}", 16), 1))
    assert CARD in written(below(1, int(CARD, 16)))
