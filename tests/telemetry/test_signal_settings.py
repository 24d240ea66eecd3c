"""The settings that enable traces; OpenTelemetry's environment variables have no effect."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.conftest import clean_environment
from tests.tables import table
from tests.telemetry.collector import collector

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = {
    "KONAPLATE_BASE_URL": "http://127.0.0.1:9/open-api",
    "KONAPLATE_ENCRYPTION": "off",
    "KONAPLATE_ASP_ID": "000000000000001",
    "KONAPLATE_ACCESS_KEY": "a" * 40,
    "KONAPLATE_SECRET_KEY": "s",
}
ONE_REQUEST = """
import asyncio, os
from graph.app import create_app
from graph.config.environment import load_settings
import httpx
async def main():
    app = create_app(load_settings(os.environ))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
    async with app.router.lifespan_context(app), client:
        await client.post("/graphql", json={"query": "query Hello { __typename }"})
asyncio.run(main())
"""


def python(code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**clean_environment(), **GATEWAY, **variables},
    )


OPTIONAL = {"google.protobuf", "opentelemetry", "redis"}


@table(
    "wanted, settings",
    [
        (set(), {}),
        ({"google.protobuf", "opentelemetry"}, {"KONAGRAPH_OTEL_ENDPOINT": "http://127.0.0.1:9"}),
        ({"redis"}, {"KONAGRAPH_REDIS_URL": "redis://127.0.0.1:9", "KONAGRAPH_CARD_REF_KEY": "k" * 32}),
    ],
)
def test_optional_modules_are_loaded_only_if_configured(wanted: set[str], settings: dict[str, str]) -> None:
    code = f"{ONE_REQUEST}\nimport sys\nprint(*sorted({OPTIONAL!r} & sys.modules.keys()))"
    loaded = set(python(code, **settings).stdout.splitlines()[-1].split())
    # redis loads a part of OpenTelemetry, too.
    assert wanted <= loaded
    assert wanted or not loaded


def exported(**variables: str) -> dict[str, Any] | None:
    """What a collector receives for one request of a process with these variables."""
    with collector() as found:
        result = python(ONE_REQUEST, KONAGRAPH_OTEL_ENDPOINT=found.endpoint, **variables)
        assert result.returncode == 0, result.stderr
        if not found.requests:
            return None
        ((path, headers, request),) = found.requests
    (span,) = found.spans
    resource = {one.key: one.value.string_value for one in request.resource_spans[0].resource.attributes}
    resource.pop("service.instance.id")
    return {
        "path": path,
        "headers": sorted(name.lower() for name in headers),
        "resource": resource,
        "attributes": sorted(one.key for one in span.attributes),
    }


def test_no_variable_of_opentelemetry_changes_what_is_exported(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("file_format: '0.3'\n")
    variables = {
        "OTEL_CONFIG_FILE": str(tmp_path / "config.yaml"),
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
        "OTEL_BSP_MAX_QUEUE_SIZE": "0",
        "OTEL_BSP_SCHEDULE_DELAY": "nonsense",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/elsewhere",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-leak=1",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
        "OTEL_PROPAGATORS": "b3",
        "OTEL_PYTHON_METER_PROVIDER": "nothing",
        "OTEL_PYTHON_TRACER_PROVIDER": "nothing",
        "OTEL_RESOURCE_ATTRIBUTES": "leak=1,service.name=other",
        "OTEL_SERVICE_NAME": "other",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_TRACES_SAMPLER": "always_off",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    plain = exported()
    assert plain is not None
    assert plain == exported(**variables)


def test_opentelemetry_can_be_switched_off_in_its_own_way() -> None:
    assert exported(OTEL_SDK_DISABLED="true") is None
