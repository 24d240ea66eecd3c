"""An upstream on a real port that answers on demand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CARD = (
    b'{"response":{"code":"000_000","description":"Success."},"userId":1,"balance":7,"serviceId":"100000000000001",'
    b'"serviceName":"A card","cardStatus":"ACTIVE","isAutoRechargeBeforePayment":true}'
)
QUERY = '{ card(cardNo: "%016d") { balance } }'
ANSWER = {"data": {"card": {"balance": 7}}}


def query(number: int) -> dict[str, str]:
    """A request for a card of its own, whose call is not shared."""
    return {"query": QUERY % number}


class HeldUpstream:
    """Counts calls, and holds them until `open` is set."""

    def __init__(self) -> None:
        self.calls = 0
        self.heads: list[bytes] = []
        self.arrived = asyncio.Condition()
        self.open = asyncio.Event()
        self.url = ""

    async def wait_for(self, calls: int) -> None:
        """Return once this many calls have arrived."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: self.calls >= calls)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                async with self.arrived:
                    self.calls += 1
                    self.heads.append(head)
                    self.arrived.notify_all()
                await self.open.wait()
                lines = [b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: %d" % len(CARD)]
                writer.write(b"\r\n".join([*lines, b"", CARD]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def held_upstream(*, is_open: bool = False) -> AsyncIterator[HeldUpstream]:
    """A running one."""
    upstream = HeldUpstream()
    if is_open:
        upstream.open.set()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(upstream._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/open-api"
    try:
        yield upstream
    finally:
        await settle()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def settings(upstream: HeldUpstream, **more: str) -> dict[str, str]:
    """Settings of a gateway for it."""
    return {
        "KONAPLATE_BASE_URL": upstream.url,
        "KONAPLATE_ASP_ID": "000000000000001",
        "KONAPLATE_ACCESS_KEY": "c4n4ry-accessxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "KONAPLATE_SECRET_KEY": "c4n4ry-secretxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "KONAPLATE_ENCRYPTION": "off",
        "KONAPLATE_TIMEOUT": "30",
        "KONAPLATE_POOL_TIMEOUT": "30",
        "KONAGRAPH_REQUEST_TIMEOUT": "30",
        **more,
    }
