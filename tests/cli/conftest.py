"""Fixtures of the tests of running commands."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.processes import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> httpx.AsyncClient:
    """Each test closes it."""
    return httpx.AsyncClient(trust_env=False, timeout=DEADLINE)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]
