"""Runs the cases against an app, and searches responses, logs, metrics and traces."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TextIO

import httpx
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from graph.leak_audit.canaries import Canary, search
from graph.redact import holds_card_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext
    from starlette.types import ASGIApp

    from graph.leak_audit.cases import Case


class Outcome(NamedTuple):
    """What a run found."""

    cases: int
    log_lines: int
    leaks: tuple[str, ...]
    """The kind and place of each leak, without its text."""


async def run(
    app: ASGIApp,
    cases: Iterable[Case],
    canaries: Sequence[Canary],
    take: Mapping[str, Callable[[], str]],
    headers: Mapping[str, str],
    *,
    sums: Mapping[str, Callable[[], str]] = MappingProxyType({}),
) -> Outcome:
    """Send every case and search the output.

    Args:
        app: the gateway.
        cases: the requests to send.
        canaries: the texts that must not leak.
        take: outputs for operators, by name. Each returns what was written since it was last called.
        headers: sent with every case, such as credentials; a case's own take precedence.
        sums: cumulative outputs for operators, by name; searched once, after all cases.
    """
    leaks: list[str] = []
    count = lines = 0

    def look(case: str, places: Mapping[str, str]) -> None:
        for where, text in places.items():
            leaks.extend(f"{canary.kind} in the {where} of: {case}" for canary in search(text, canaries))

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for case in cases:
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
            look(case.name, {**seen, "answer's headers": head, "answer": "" if case.clear else answer.text})
    look("all cases together", {name: text() for name, text in sums.items()})
    return Outcome(count, lines, tuple(leaks))


class SpanTexts(SpanExporter):
    """Writes every text of a span to a stream, as JSON.

    Times and ids are omitted, because their random digits contain any postal code sooner or later; ids that could
    be card numbers are written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch of spans."""
        for span in spans:
            written = json.loads(span.to_json())
            del written["start_time"], written["end_time"], written["parent_id"]
            for event in written["events"]:
                del event["timestamp"]
            ids = [part for context in (span.context, span.parent) for part in _ids(context)]
            written["context"] = [written["context"]["trace_state"], *filter(holds_card_number, ids)]
            self._stream.write(f"{json.dumps(written)}\n")
        return SpanExportResult.SUCCESS


def _ids(context: SpanContext | None) -> tuple[str, ...]:
    return () if context is None else (f"{context.trace_id:032x}", f"{context.span_id:016x}")
