"""A checkout set up once by README's first command, on a bare PATH, with newer releases in the index."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.setup.checkout import bare_environment, bare_path, copy_to, started
from tests.setup.newer_index import newer_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FirstStart(NamedTuple):
    """The result of `make dev` in a fresh checkout."""

    folder: Path
    environment: dict[str, str]
    printed: str
    said: str


@pytest.fixture(scope="session")
def offered_newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables that make pip and uv see newer releases than the lock files name."""
    folder = tmp_path_factory.mktemp("index")
    with newer_index(folder) as address:
        more = f"{os.environ.get('PIP_EXTRA_INDEX_URL', '')} {address}".strip()
        yield {"PIP_EXTRA_INDEX_URL": more, "PIP_TRUSTED_HOST": "127.0.0.1"}


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory, offered_newer: dict[str, str]) -> FirstStart:
    """`make dev`, once, in a folder with a space in its name and with a read-only home."""
    scratch = tmp_path_factory.mktemp("first")
    folder = copy_to(scratch / "a clean checkout")
    # Nobody can write there, not even root.
    home = {"HOME": "/proc/home"}
    environment = bare_environment(bare_path(scratch / "bin"), **home, PORT="0", **offered_newer)
    with started(folder, environment, scratch, "make", "dev") as gateway:
        gateway.wait_for("Cards of the sandbox")
        return FirstStart(folder, environment, gateway.printed, gateway.said)
