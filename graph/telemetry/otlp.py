"""Exports spans to a collector: OTLP over HTTP, as protobuf."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import httpx
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

TRACES_PATH: Final = "/v1/traces"
_EXPORT_SECONDS: Final = 2.0


def batch_processor(exporter: SpanExporter) -> SpanProcessor:
    """Exports spans in a thread; if the exporter is too slow, the oldest spans are dropped."""
    return BatchSpanProcessor(
        exporter,
        max_queue_size=2_048,
        schedule_delay_millis=2_000,
        max_export_batch_size=512,
        export_timeout_millis=_EXPORT_SECONDS * 1000,
        meter_provider=NoOpMeterProvider(),
    )


def simple_processor(exporter: SpanExporter) -> SpanProcessor:
    """Exports each span as soon as it ends."""
    return SimpleSpanProcessor(exporter, meter_provider=NoOpMeterProvider())


class OtlpExporter(SpanExporter):
    """Exports spans to a collector by OTLP over HTTP, as protobuf; a batch that it does not accept is lost.

    OpenTelemetry's own exporter reads a dozen environment variables, proxies and .netrc files, and retries for a
    minute. This one makes one attempt, within its timeouts, to one address.

    Args:
        endpoint: the collector's base address, such as `http://collector:4318`.
        on_failure: called for each lost batch, in the exporting thread.
        timeout: seconds for connecting, and between two parts of a response.

    Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
    """

    def __init__(self, endpoint: str, on_failure: Callable[[], None], *, timeout: float = _EXPORT_SECONDS) -> None:
        self._url = endpoint.rstrip("/") + TRACES_PATH
        self._on_failure = on_failure
        self._client = httpx.Client(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            headers={"content-type": "application/x-protobuf", "accept-encoding": "identity"},
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch."""
        try:
            content = encode_spans(spans).SerializeToString()
            # The response's body does not matter, so it is not read.
            with self._client.stream("POST", self._url, content=content) as response:
                accepted = response.status_code == httpx.codes.OK
        except (httpx.HTTPError, OSError, RuntimeError):
            # RuntimeError: the client was closed meanwhile.
            accepted = False
        if not accepted:
            self._on_failure()
        return SpanExportResult.SUCCESS if accepted else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connections."""
        self._client.close()
