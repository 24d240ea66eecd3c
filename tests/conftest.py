"""What tests of several folders share: a real gateway process with its sandbox, a certificate authority."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trustme
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from graph.telemetry.logs import configure_logging
from tests.telemetry.capture import unredacted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.telemetry.capture import Unredacted

# A busy machine is no failure: properties are tested by their examples, not by their time.
hypothesis_settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("steady")

_ANSWERS_ON = "konagraph answers on "


def clean_environment() -> dict[str, str]:
    """The environment without any setting of ours, so that a developer's own do not change the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KONAGRAPH_", "KONAPLATE_"))}


@pytest.fixture(scope="session", autouse=True)
def _logs_of_the_process() -> None:
    """Keep our logs out of the tests' own output."""
    configure_logging("debug", as_json=True, stream=io.StringIO())


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Unredacted]:
    """What is logged in a test, before it is redacted."""
    with unredacted(caplog) as found:
        yield found


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    """The address of a gateway process with the embedded sandbox."""
    process = subprocess.Popen(
        [sys.executable, "-m", "graph", "dev", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean_environment(),
    )
    assert process.stdout is not None
    with process:
        try:
            yield next(
                line.removeprefix(_ANSWERS_ON).split(" ")[0].strip()
                for line in process.stdout
                if line.startswith(_ANSWERS_ON)
            )
        finally:
            process.terminate()
            process.stdout.read()
            assert process.wait(10) == 0


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
