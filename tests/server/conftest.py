"""Servers that the tests of one module share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.server.live_server import Probe, only, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graph.server.limits import HttpLimits
    from tests.server.live_server import Serve, Served


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """A server with some limits, whose app has been reset."""
    running: dict[HttpLimits, Served] = {}
    with ExitStack() as stack:

        def served(limits: HttpLimits) -> Served:
            if limits not in running:
                probe = Probe()
                running[limits] = (probe, stack.enter_context(serving(probe, limits)))
            running[limits][0].forget()
            return running[limits]

        yield served


@pytest.fixture
def limits() -> HttpLimits:
    """The limits of `probe` and `port`, without any of time; a module may have its own."""
    return only()


@pytest.fixture
def probe(serve: Serve, limits: HttpLimits) -> Probe:
    """The app behind `port`."""
    return serve(limits)[0]


@pytest.fixture
def port(serve: Serve, limits: HttpLimits) -> int:
    """The port of a running server."""
    return serve(limits)[1].port
