"""Listening sockets: bound before anything else starts, so that a taken port is reported at once.

uvloop accepts one connection per turn of its loop. Under load a turn takes many milliseconds, and the last of some
hundred simultaneous clients would wait for seconds before its request is read. `Acceptor` accepts all that wait.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER: Final = logging.getLogger("konagraph")
# Per turn of the loop, so that open connections get their share.
_MAX_ACCEPTS: Final = 128
# Accepting again at once would fail again.
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS: Final = 0.5
_LAST_ROUNDS: Final = 20


class ListenError(Exception):
    """An address cannot be listened on.

    Args:
        text: says which and why.
        number: the errno.
        chosen_by: the setting that chose the port.
    """

    def __init__(self, text: str, number: int | None = None, chosen_by: str | None = None) -> None:
        super().__init__(text)
        self.number = number
        self.chosen_by = chosen_by


def bind(host: str, port: int, chosen_by: str | None = None) -> list[socket.socket]:
    """A bound socket for every address of a host, all with one port. Clients cannot connect before they listen.

    Raises:
        ListenError: when there is no such address, or the port is taken.
    """
    sockets: list[socket.socket] = []
    bound = port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may resolve to one address twice.
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
        reason = f"{host} port {port}: {str(error.strerror).lower()}"
        reason += f" ({chosen_by})" if chosen_by else ""
        raise ListenError(reason, error.errno, chosen_by) from None
    return sockets


class Acceptor:
    """Accepts the connections of one socket; `on_exhausted` frees resources when no more can be accepted."""

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        backlog: int,
        on_exhausted: Callable[[], None] = lambda: None,
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._backlog = backlog
        self._on_exhausted = on_exhausted
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Listen; an `OSError` when another socket listens there."""
        self._listener.listen(self._backlog)
        self._watch()

    async def aclose(self) -> None:
        """Stop listening, after accepting what the system has queued: closing would reset those connections."""
        self._loop.remove_reader(self._listener.fileno())
        try:
            for _ in range(_LAST_ROUNDS):
                if not self._accept_waiting():
                    break
                # More may arrive just now.
                await asyncio.sleep(0)
        except OSError as error:
            # Open connections must be served all the same.
            _LOGGER.error("waiting connections cannot be accepted: %s", error.strerror)  # noqa: TRY400 - no traceback
        finally:
            self._listener.close()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def _watch(self) -> None:
        # It may have been closed in the meantime.
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            self._accept_waiting()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            _LOGGER.error("no further connection can be accepted: %s", error.strerror)  # noqa: TRY400 - no traceback
            self._on_exhausted()
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(_PAUSE_SECONDS, self._watch)

    def _accept_waiting(self) -> bool:
        """Accept waiting connections; whether there were any."""
        for number in range(_MAX_ACCEPTS):
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return number > 0
            except ConnectionAbortedError:
                # The client is gone again.
                continue
            accepted.settimeout(0)
            # asyncio sets this only on sockets that it makes itself.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, accepted))
            self._connecting.add(task)
            task.add_done_callback(self._connected)
        return True

    def _connected(self, task: asyncio.Task[Any]) -> None:
        self._connecting.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOGGER.error("an accepted connection cannot be served: %s", type(task.exception()).__name__)
