"""Sends spans to a collector: OTLP over HTTP, as protobuf.

OpenTelemetry's own exporter reads a dozen environment variables, proxies and .netrc files, and tries again for a
minute. This one does what it is told: one try, within its time limits, to one address.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import httpx
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

TRACES_PATH: Final = "/v1/traces"
_TIMEOUT: Final = 2.0


class OtlpExporter(SpanExporter):
    """Posts batches of spans; a batch that the collector does not take is lost.

    Args:
        endpoint: the collector's base address, such as `http://collector:4318`.
        on_failure: told of each batch that was lost; called in the exporting thread.
        timeout: seconds for connecting, and between two parts of an answer.
    """

    def __init__(self, endpoint: str, on_failure: Callable[[], None], *, timeout: float = _TIMEOUT) -> None:
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
            # The answer's body is not read: all that matters is whether the batch was taken.
            with self._client.stream("POST", self._url, content=content) as response:
                taken = response.status_code == httpx.codes.OK
        except (httpx.HTTPError, OSError, RuntimeError):
            # RuntimeError: the client was closed meanwhile.
            taken = False
        if not taken:
            self._on_failure()
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connections."""
        self._client.close()
