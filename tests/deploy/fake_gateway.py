"""What stands behind the balancer where only the balancer is looked at."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.deploy.balancer import balancer
from tests.konaplate.faulty_upstream import FaultyUpstream, http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.deploy.balancer import Balancer
    from tests.konaplate.faulty_upstream import Connection

FINE: Final = http(b"fine")


class FakeGateway:
    """Answers every request with the same bytes, and remembers it; checks of its health are another matter."""

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
    """HAProxy in front of two gateways that are none."""
    fakes = FakeGateway(), FakeGateway()
    async with FaultyUpstream(fakes[0].serve) as one, FaultyUpstream(fakes[1].serve) as other:
        addresses = {
            "GATEWAY_1": f"127.0.0.1:{one.port}",
            "GATEWAY_1_ADMIN_PORT": str(one.port),
            "GATEWAY_2": f"127.0.0.1:{other.port}",
            "GATEWAY_2_ADMIN_PORT": str(other.port),
        }
        async with balancer(folder / "haproxy.log", **addresses, **variables) as front:
            yield front, fakes
