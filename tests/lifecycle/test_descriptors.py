"""A gateway without free file descriptors closes idle connections for new requests."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.cli.processes import DEADLINE, command
from tests.lifecycle.upstreams import held_upstream, settings

ROOM: Final = 20
REQUEST: Final = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _leave_room(process: int, count: int) -> None:
    """Limit the file descriptors of a process: some for itself, the rest for clients."""
    most = len(list(Path(f"/proc/{process}/fd").iterdir())) + count
    resource.prlimit(process, resource.RLIMIT_NOFILE, (most, most))


async def test_kept_connections_make_room_once_descriptors_are_used_up() -> None:
    async with held_upstream() as upstream, command("serve", "--port", "0", **settings(upstream)) as gateway:
        port = urlsplit(await gateway.url()).port
        _leave_room(gateway.pid, ROOM)
        kept = []
        async with asyncio.timeout(DEADLINE):
            # Each that is one too many waits for half a second until another one is closed.
            for _ in range(ROOM + 6):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                kept.append(writer)
                writer.write(REQUEST)
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        for writer in kept:
            writer.transport.abort()
