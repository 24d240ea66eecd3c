"""Both transports, for the tests of faults."""

from __future__ import annotations

import pytest

from tests.konaplate import support


@pytest.fixture(params=list(support.NETWORKS.values()), ids=list(support.NETWORKS))
def each_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test once over each transport."""
    monkeypatch.setattr(support, "network", request.param)
