"""Clients of a gateway process: kept connections, and requests repeated until the response fits."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from tests.cli.processes import DEADLINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Connection:
    """One kept connection."""

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._url = httpx.URL(url)
        self._reader = reader
        self._writer = writer

    def send(self, body: dict[str, str]) -> None:
        """Send a request."""
        content = json.dumps(body).encode()
        head = (
            f"POST {self._url.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Read a response: status, headers, JSON."""
        async with asyncio.timeout(DEADLINE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
            body = await self._reader.readexactly(int(headers["content-length"]))
        return int(first.split(" ")[1]), headers, json.loads(body)

    async def ends(self) -> bool:
        """Whether the other side closes the connection without further data."""
        async with asyncio.timeout(DEADLINE):
            return await self._reader.read() == b""

    def close(self) -> None:
        """Close it."""
        self._writer.close()


@asynccontextmanager
async def connected(url: str, count: int = 1) -> AsyncIterator[list[Connection]]:
    """Several connections."""
    address = httpx.URL(url)
    made = []
    try:
        for _ in range(count):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            made.append(Connection(url, reader, writer))
        yield made
    finally:
        for one in made:
            one.close()


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client that opens a connection for every request, as probes do."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE, limits=limits) as made:
        yield made


async def until(asked: httpx.AsyncClient, url: str, fits: Callable[[httpx.Response], bool]) -> httpx.Response:
    """Repeat a request until the response fits."""
    async with asyncio.timeout(DEADLINE):
        while True:
            answer = await asked.get(url)
            if fits(answer):
                return answer
            await asyncio.sleep(0.01)


async def until_refused(url: str) -> None:
    """Return once nothing listens any more."""
    address = httpx.URL(url)
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                _, writer = await asyncio.open_connection(address.host, address.port)
            except ConnectionError:
                # Refused, or reset because the kernel accepted it just as the listener closed.
                return
            writer.close()
            await asyncio.sleep(0.01)
