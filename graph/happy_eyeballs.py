"""Staggered connection attempts to a server with several addresses (RFC 8305, "Happy Eyeballs").

An address that does not answer is tried last from then on. asyncio's own implementation remembers nothing, and
uvloop has none.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import deque
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

T = TypeVar("T")

# Section 5: the recommended and the minimum delay between attempts, in seconds.
_DELAY: Final = 0.25
_MIN_DELAY: Final = 0.01


class Addresses:
    """The addresses of one server, and the outcome of the last attempts.

    Args:
        host: a name, or an address.
        port: of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._single = _is_address(host)
        self._answered: str | None = None
        self._passed_over: set[str] = set()

    async def first(
        self, connect: Callable[[str], Coroutine[Any, Any, T]], discard: Callable[[T], None], within: float
    ) -> T:
        """Return the connection to the address that answers first.

        Args:
            connect: connects to an address.
            discard: closes a connection that lost the race.
            within: the caller's timeout in seconds; every address is tried within it.

        Raises:
            OSError: when there is no address, or every attempt failed.
        """
        if self._single:
            return await connect(self._host)
        waiting = deque(await self._in_order())
        delay = max(_MIN_DELAY, min(_DELAY, within / (len(waiting) + 1)))
        attempts: dict[asyncio.Task[T], str] = {}
        failures: list[BaseException] = []
        try:
            while waiting or attempts:
                if waiting:
                    address = waiting.popleft()
                    attempts[asyncio.ensure_future(connect(address))] = address
                done, late = await asyncio.wait(
                    attempts, timeout=delay if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                self._pass_over(attempts[task] for task in late)
                for task in done:
                    error = task.exception()
                    if error is None:
                        self._prefer(attempts[task])
                        del attempts[task]
                        return task.result()
                    failures.append(error)
                    self._pass_over([attempts.pop(task)])
        finally:
            await _end(attempts, discard)
        raise next((error for error in failures if isinstance(error, ssl.SSLError)), failures[0])

    async def _in_order(self) -> list[str]:
        """Return the last one that answered, then the others with alternating families, then the silent ones."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        families: dict[int, dict[str, None]] = {}
        for family, _, _, _, address in found:
            families.setdefault(family, {})[str(address[0])] = None
        addresses = [each for each in chain(*zip_longest(*families.values())) if each is not None]
        if not addresses:
            raise OSError("the name has no address")
        self._passed_over.intersection_update(addresses)
        return sorted(addresses, key=lambda each: (each != self._answered, each in self._passed_over))

    def _pass_over(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._passed_over.add(address)
            if address == self._answered:
                self._answered = None

    def _prefer(self, address: str) -> None:
        self._passed_over.discard(address)
        self._answered = address


async def _end(attempts: Iterable[asyncio.Task[T]], discard: Callable[[T], None]) -> None:
    """Cancel the attempts that lost, and discard their connections."""
    left = list(attempts)
    for task in left:
        task.cancel()
    for outcome in await asyncio.gather(*left, return_exceptions=True):
        if not isinstance(outcome, BaseException):
            discard(outcome)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
