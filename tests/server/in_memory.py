"""A connection without a network: feeds bytes and records what is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.server import ServerState

from graph.server.connection import ConnectionOptions
from graph.server.protocol import HardenedProtocol
from graph.wiring.serving import rejection_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class Wired(asyncio.Transport):
    """A transport that records every write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False
        self.aborted = False
        self.unsent = 0
        self.ended = asyncio.Event()

    @property
    def written(self) -> bytes:
        """All of it."""
        return b"".join(self.writes)

    @property
    def bodies(self) -> list[bytes]:
        """The statuses of the responses, each of which is one write."""
        return [write.partition(b"\r\n\r\n")[2] for write in self.writes]

    def write(self, data: Any) -> None:
        assert not self.closed, "uvloop raises, and asyncio drops what is written"
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True
        if not self.unsent:
            self.ended.set()

    def abort(self) -> None:
        self.closed = self.aborted = True
        self.ended.set()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Do nothing: everything has arrived."""

    def resume_reading(self) -> None:
        """Do nothing: reading is never paused."""


class Connected:
    """A connection to an app.

    Args:
        app: answers the requests.
        options: the server's options; defaults if None.
        transport: of the connection.
        protocol: the class of the connection's protocol.
    """

    def __init__(
        self,
        app: ASGIApp,
        options: ConnectionOptions | None = None,
        transport: Wired | None = None,
        protocol: type[HardenedProtocol] = HardenedProtocol,
    ) -> None:
        config = uvicorn.Config(cast("Any", app), log_config=None, lifespan="off", ws="none")
        config.load()
        self.state = ServerState()
        self.protocol = protocol(config, self.state, {}, options or ConnectionOptions(rejection_response))
        self.transport = transport or Wired()
        self.protocol.connection_made(self.transport)

    async def until_answered(self) -> None:
        """Return when the app has ended, before its response is sent."""
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)

    async def ask(self, request: bytes) -> bytes:
        """What is written in response to some bytes."""
        before = len(self.transport.writes)
        self.protocol.data_received(request)
        await self.until_answered()
        await asyncio.sleep(0)
        return b"".join(self.transport.writes[before:])

    def lose(self) -> None:
        """The client disconnects."""
        self.transport.closed = True
        self.protocol.connection_lost(None)
