"""A certificate authority for the tests of TLS, and both ways to move bytes for those of faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from tests.konaplate import support

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(params=list(support.NETWORKS.values()), ids=list(support.NETWORKS))
def each_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test once over each transport."""
    monkeypatch.setattr(support, "network", request.param)
