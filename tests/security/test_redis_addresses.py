"""A Redis whose name has several addresses, the first of which stays silent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from graph.security.redis_limiter import connect
from schema.secrets import Credential
from tests.tools import settle

if TYPE_CHECKING:
    import socket

    import pytest

SILENT = "192.0.2.1"


async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every command as Redis does."""
    while asked := await reader.read(4096):
        writer.write(b"+PONG\r\n" * asked.count(b"*"))
    writer.close()


async def test_a_silent_address_of_redis_is_passed_over_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(pong, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    resolve, reach = loop.getaddrinfo, loop.sock_connect
    tried: list[str] = []

    async def getaddrinfo(host: str, *arguments: Any, **options: Any) -> list[Any]:
        addresses = [SILENT, "127.0.0.1"] if host == "redis.test" else [host]
        return [entry for each in addresses for entry in await resolve(each, *arguments, **options)]

    async def sock_connect(connection: socket.socket, address: Any) -> None:
        tried.append(address[0])
        if address[0] == SILENT:
            await asyncio.Event().wait()
        await reach(connection, address)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    client = connect(Credential(f"redis://redis.test:{port}?socket_timeout=5&socket_connect_timeout=5"))
    try:
        await client.ping()
        await client.connection_pool.disconnect()
        await client.ping()
    finally:
        await client.aclose()
        # For its connections to end.
        await settle()
        server.close()
    assert tried == [SILENT, "127.0.0.1", "127.0.0.1"]
