"""Names of spans' attributes and of labels: OpenTelemetry's own package is the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import graphql_attributes
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.semconv.metrics.http_metrics import HTTP_CLIENT_REQUEST_DURATION, HTTP_SERVER_REQUEST_DURATION

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import FIRST_CARD
from graph.telemetry.conventions import error_of_call, known_method, server_of
from schema.errors import ErrorCode
from tests.support import traced_gateway
from tests.telemetry.scrape import series

if TYPE_CHECKING:
    from graph.telemetry.metrics import Metrics

MODULES: Final = (
    error_attributes,
    graphql_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
)
CONVENTIONAL: Final = {value for module in MODULES for name, value in vars(module).items() if name.isupper()}
QUERY: Final = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
UNAVAILABLE: Final = next(
    fault.number for fault in FAULTS.values() if fault.code is ErrorCode.UPSTREAM_UNAVAILABLE
)


@pytest.mark.slow
async def test_every_attribute_of_a_span_is_one_of_the_conventions_or_of_a_namespace_of_ours() -> None:
    exporter = InMemorySpanExporter()
    async with traced_gateway(exporter) as running:
        for number in (FIRST_CARD, UNAVAILABLE):
            await running.post(QUERY, {"n": number})
    names = {name for span in exporter.get_finished_spans() for name in span.attributes or {}}
    assert {"error.type", "http.request.resend_count", "konaplate.cause", "konagraph.codes"} < names
    ours = {name for name in names - CONVENTIONAL if not name.startswith(("konagraph.", "konaplate."))}
    # The conventions have only the document's text.
    assert ours == {"graphql.document.hash"}


def labels(metrics: Metrics, name: str) -> set[str]:
    """The labels of a histogram that OpenTelemetry names, as Prometheus writes both."""
    written = f"{name.replace('.', '_')}_seconds_count"
    return {label for _, pairs in series(metrics, written) for label, _ in pairs}


async def test_the_durations_have_the_names_and_labels_of_the_conventions() -> None:
    async with traced_gateway(InMemorySpanExporter()) as running:
        await running.post(QUERY, {"n": FIRST_CARD})
        of_requests = labels(running.metrics, HTTP_SERVER_REQUEST_DURATION)
        of_calls = labels(running.metrics, HTTP_CLIENT_REQUEST_DURATION)
    conventional = {name.replace(".", "_") for name in CONVENTIONAL}
    assert {"http_request_method", "url_scheme", "http_response_status_code", "http_route"} < of_requests
    assert of_requests <= conventional
    assert {"http_request_method", "server_address", "server_port", "http_response_status_code"} < of_calls
    assert of_calls - conventional == {"api", "code"}


def test_a_method_that_nobody_knows_is_not_shown() -> None:
    assert [known_method(method) for method in ("POST", "QUERY", "post", FIRST_CARD)] == [
        "POST",
        "QUERY",
        "_OTHER",
        "_OTHER",
    ]


def test_a_call_that_nobody_waits_for_is_no_error() -> None:
    assert [error_of_call(outcome) for outcome in ("ok", "cancelled", "TimedOutError", "unexpected")] == [
        None,
        None,
        "TimedOutError",
        "unexpected",
    ]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://konaplate.example/open-api", ("konaplate.example", 443)),
        ("http://konaplate.example/open-api", ("konaplate.example", 80)),
        ("https://konaplate.example:8443/open-api", ("konaplate.example", 8443)),
        ("http://[::1]:9000", ("::1", 9000)),
    ],
)
def test_the_server_of_a_url_has_a_port(url: str, server: tuple[str, int]) -> None:
    assert server_of(url) == server
