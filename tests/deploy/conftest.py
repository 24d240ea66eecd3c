"""A Redis for each test that breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.security.redis_server import RedisServer, redis_server_running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A server that a test may break."""
    with redis_server_running() as server:
        yield server
