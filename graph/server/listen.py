"""Sockets to listen on, bound before anything else starts, so that a port that is taken is told at once."""

from __future__ import annotations

import socket


class ListenError(Exception):
    """An address that cannot be listened on: which and why, the system's error number, what chooses the port."""

    def __init__(self, text: str, number: int | None = None, chosen_by: str | None = None) -> None:
        super().__init__(text)
        self.number = number
        self.chosen_by = chosen_by


def bind(host: str, port: int) -> list[socket.socket]:
    """A bound socket for every address of a host, all with one port. Nobody can connect before they listen.

    Raises:
        ListenError: when there is no such address, or the port is taken.
    """
    sockets: list[socket.socket] = []
    bound = port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may have one address twice.
        for family, address in dict.fromkeys((entry[0], entry[4][0]) for entry in found):
            made = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((address, bound))
            made.settimeout(0)
            bound = made.getsockname()[1]
    except OSError as error:
        for made in sockets:
            made.close()
        raise ListenError(f"{host} port {port}: {str(error.strerror).lower()}", error.errno) from None
    return sockets
