"""Connects to a Redis whose name has several addresses, passing over those that stay silent."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio.connection import Connection, SSLConnection

from graph.happy_eyeballs import Addresses

if TYPE_CHECKING:
    from redis.asyncio import Redis


class _AnyAddress:
    """Opens the socket itself and hands it to redis-py, which would try one address after the other."""

    host: str
    port: int
    socket_connect_timeout: Any

    def __init__(self, *, addresses: Addresses, **options: Any) -> None:
        super().__init__(**options)
        self._addresses = addresses
        self._socket: socket.socket | None = None

    async def _connect(self) -> None:
        within = self.socket_connect_timeout
        async with asyncio.timeout(within):
            self._socket = await self._addresses.first(self._reach, socket.socket.close, within)
            await super()._connect()  # type: ignore[misc]  # redis-py's own

    async def _reach(self, address: str) -> socket.socket:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(0)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (address, self.port))
        except BaseException:
            connection.close()
            raise
        return connection

    def _connection_arguments(self) -> dict[str, Any]:
        arguments = dict(super()._connection_arguments())  # type: ignore[misc]  # redis-py's own
        del arguments["host"], arguments["port"]
        if "ssl" in arguments:
            arguments["server_hostname"] = self.host
        return {**arguments, "sock": self._socket}


class _Plain(_AnyAddress, Connection):
    pass


class _Encrypted(_AnyAddress, SSLConnection):
    pass


_KINDS: Final[dict[type, type]] = {Connection: _Plain, SSLConnection: _Encrypted}


def try_every_address(client: Redis) -> None:
    """Make a client's connections find an address that answers. Does nothing for Unix sockets."""
    pool = client.connection_pool
    kind = _KINDS.get(pool.connection_class)
    if kind is None:
        return
    host, port = pool.connection_kwargs.get("host", "localhost"), int(pool.connection_kwargs.get("port", 6379))
    pool.connection_class = kind
    pool.connection_kwargs["addresses"] = Addresses(host, port)
