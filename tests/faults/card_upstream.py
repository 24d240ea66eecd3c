"""An upstream on real sockets that serves every card correctly except one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tests.konaplate.faulty_upstream import Connection, FaultyUpstream, http
from tests.konaplate.support import card_fields, member_fields, succeeded

Act = Callable[[Connection, bytes], Awaitable[None]]
"""Handles one request, given the connection and the request. Then the next one is read."""

BAD: Final = "9491339400009999"
GOOD: Final = "9491339400001234"
BALANCE: Final = 9_999_999_999
WELL: Final = succeeded(card_fields())
_PATIENCE: Final = 30.0
MEMBER: Final = succeeded({"userInfo": member_fields()})


def say(raw: bytes) -> Act:
    """Send these bytes."""

    async def act(connection: Connection, _request: bytes) -> None:
        await connection.send(raw)

    return act


SILENCE: Final = say(b"")


def drip(raw: bytes, drop: bytes, gap: float = 0.3) -> Act:
    """Send these bytes, then a trickle that is fast enough to keep a read timeout from expiring."""

    async def act(connection: Connection, _request: bytes) -> None:
        await connection.send(raw)
        while True:
            await asyncio.sleep(gap)
            await connection.send(drop)

    return act


def flood(raw: bytes, piece: bytes) -> Act:
    """Send these bytes, then one chunk after the other without pause."""
    return drip(raw, piece, 0)


def hang_up(raw: bytes = b"") -> Act:
    """Send these bytes, and close."""

    async def act(connection: Connection, _request: bytes) -> None:
        await connection.send(raw)
        connection.end()

    return act


def reset(raw: bytes = b"") -> Act:
    """Send these bytes, and break the connection."""

    async def act(connection: Connection, _request: bytes) -> None:
        await connection.send(raw)
        connection.reset()

    return act


async def reflect(connection: Connection, request: bytes) -> None:
    """Echo the request as the response."""
    await connection.send(request)


def later(event: asyncio.Event, act: Act) -> Act:
    """Act once something has happened."""

    async def wait(connection: Connection, request: bytes) -> None:
        await event.wait()
        await act(connection, request)

    return wait


class CardUpstream(FaultyUpstream):
    """Answers for every card and member except the bad card.

    Args:
        acts: how to handle each call for the bad card; the last one handles all further calls.
        members: how to handle calls for members.
        everything: how to handle every call, instead.
        host: the address to listen on.
    """

    def __init__(
        self,
        *acts: Act,
        members: Act | None = None,
        everything: Act | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(self._play, host=host)
        self._acts = acts or (say(http(WELL)),)
        self._members = members or say(http(MEMBER))
        self._everything = everything
        self.bad_calls: list[float] = []
        """When each call for the bad card arrived, on the loop's clock."""
        self._spoiled: list[Connection] = []
        self.good_calls = 0
        self.member_calls = 0

    async def until_spoiled_closed(self) -> None:
        """Wait until the other side has closed every connection used for the bad card."""
        async with asyncio.timeout(_PATIENCE):
            for connection in self._spoiled:
                await connection.closed.wait()

    async def _play(self, connection: Connection) -> None:
        while True:
            request = await connection.read_request()
            await self._act_on(request, connection)(connection, request)

    def _act_on(self, request: bytes, connection: Connection) -> Act:
        if self._everything is not None:
            return self._everything
        head, _, body = request.partition(b"\r\n\r\n")
        if b"/user/info " in head:
            self.member_calls += 1
            return self._members
        if self._clear(body)["cardNo"] != BAD:
            self.good_calls += 1
            return say(http(self._sealed(WELL)))
        self._spoiled.append(connection)
        self.bad_calls.append(asyncio.get_running_loop().time())
        return self._acts[min(len(self.bad_calls), len(self._acts)) - 1]

    def _clear(self, body: bytes) -> dict[str, Any]:
        """The business fields of a request."""
        fields: dict[str, Any] = json.loads(body)
        return fields

    def _sealed(self, body: bytes) -> bytes:
        """The body of a response."""
        return body
