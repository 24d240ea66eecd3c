"""Accepts connections: all that wait, whenever any does.

uvloop accepts a single one in each turn of its loop. Under load a turn takes many milliseconds, and of a few
hundred clients that come at once the last would wait for seconds before anything of their requests is read.
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
# In one turn; those who are being served shall have theirs, too.
_AT_ONCE: Final = 128
# Accepting again at once would fail again at once.
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS: Final = 0.5
_LAST_ROUNDS: Final = 20


class Acceptor:
    """Accepts the connections of one socket; `on_exhausted` makes room, once no further one can be accepted."""

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
        """Stop listening, but accept first what the system has accepted already: closing would reset it."""
        self._loop.remove_reader(self._listener.fileno())
        try:
            for _ in range(_LAST_ROUNDS):
                if not self._accept_some():
                    break
                # For those that come just now.
                await asyncio.sleep(0)
        except OSError as error:
            # What is open must be served out all the same.
            _LOGGER.error("waiting connections cannot be accepted: %s", error.strerror)  # noqa: TRY400 - no traceback
        finally:
            self._listener.close()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def _watch(self) -> None:
        # Not any more, if it was closed in the meantime.
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            self._accept_some()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            _LOGGER.error("no further connection can be accepted: %s", error.strerror)  # noqa: TRY400 - no traceback
            self._on_exhausted()
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(_PAUSE_SECONDS, self._watch)

    def _accept_some(self) -> bool:
        """Accept what waits; whether there was anything."""
        for number in range(_AT_ONCE):
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return number > 0
            except ConnectionAbortedError:
                # Its client has left again.
                continue
            accepted.settimeout(0)
            # asyncio does it for sockets that it made itself.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, accepted))
            self._connecting.add(task)
            task.add_done_callback(self._connected)
        return True

    def _connected(self, task: asyncio.Task[Any]) -> None:
        self._connecting.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOGGER.error("an accepted connection cannot be served: %s", type(task.exception()).__name__)
