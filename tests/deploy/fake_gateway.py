"""Fake gateways for tests of the balancer alone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.deploy.balancer import balancer, loopback_network
from tests.konaplate.faulty_upstream import FaultyUpstream, http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.deploy.balancer import Balancer
    from tests.konaplate.faulty_upstream import Connection

FINE: Final = http(b"fine")
PORT: Final = 8000


class FakeGateway:
    """Answers every request with the same bytes, and records it, except health checks."""

    def __init__(self) -> None:
        self.answer = FINE
        self.ready = True
        self.requests: list[bytes] = []
        self.free = asyncio.Event()
        """Cleared, it answers no request until it is set."""
        self.free.set()

    async def serve(self, connection: Connection) -> None:
        """Answer on one connection."""
        while True:
            request = await connection.read_request()
            if request.startswith(b"GET /readyz "):
                await connection.send(http(status="200 OK" if self.ready else "503 Service Unavailable"))
                continue
            self.requests.append(request)
            await self.free.wait()
            await connection.send(self.answer)


@asynccontextmanager
async def balanced_fakes(
    folder: Path, **variables: str
) -> AsyncIterator[tuple[Balancer, tuple[FakeGateway, FakeGateway]]]:
    """HAProxy in front of two fake gateways, both in use."""
    network = loopback_network()
    fakes = FakeGateway(), FakeGateway()
    hosts = [f"{network}.1", f"{network}.2"]
    async with AsyncExitStack() as stack:
        for fake, host in zip(fakes, hosts, strict=True):
            await stack.enter_async_context(FaultyUpstream(fake.serve, host=host, port=PORT))
        settings = {"GATEWAYS_ADMIN_PORT": str(PORT), **variables}
        front = await stack.enter_async_context(balancer(folder / "haproxy.log", hosts, **settings))
        await front.until_up(len(fakes))
        yield front, fakes
