"""Gateways to attack, which must be unharmed after each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.outside.attacked import Attacked, attacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SWITCHED_OFF = ("KONAGRAPH_INTROSPECTION", "KONAGRAPH_GET", "KONAGRAPH_APQ")


@pytest.fixture(scope="session")
def _open_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("open")) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def _closed_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("closed"), **dict.fromkeys(SWITCHED_OFF, "false")) as gateway:
        yield gateway


@pytest.fixture
def open_gateway(_open_process: Attacked) -> Iterator[Attacked]:
    """A gateway as `make dev` starts it."""
    yield from _unharmed(_open_process)


@pytest.fixture
def closed_gateway(_closed_process: Attacked) -> Iterator[Attacked]:
    """A gateway without everything that production disables, such as introspection."""
    yield from _unharmed(_closed_process)


@pytest.fixture
def roomy_gateway(tmp_path: Path) -> Iterator[Attacked]:
    """A gateway with limits that generated queries do not reach, so that every valid one succeeds."""
    with attacked(tmp_path, KONAGRAPH_MAX_CARDS="1000", KONAGRAPH_MAX_COST="100000") as gateway:
        yield from _unharmed(gateway)


def _unharmed(gateway: Attacked) -> Iterator[Attacked]:
    gateway.forget()
    yield gateway
    gateway.assert_unharmed()
