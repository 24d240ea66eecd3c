"""A server that has several addresses: staggered attempts, as RFC 8305 ("Happy Eyeballs") has them.

An address that stays silent costs a fraction of a second, once: it is tried last from then on. asyncio's own way
does not exist in uvloop, and remembers nothing.
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

# Section 5: the recommended time between two attempts, and the shortest that is allowed.
_APART: Final = 0.25
_AT_LEAST_APART: Final = 0.01


class Addresses:
    """The addresses of one server, and what became of the last attempts.

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
        """The connection to whichever address answers first.

        Args:
            connect: connects to an address.
            discard: closes a connection that came too late.
            within: the seconds after which the caller gives up; every address gets its turn before that.

        Raises:
            OSError: when there is no address, or what the attempts at all of them have failed with.
        """
        if self._single:
            return await connect(self._host)
        waiting = deque(await self._in_order())
        apart = max(_AT_LEAST_APART, min(_APART, within / (len(waiting) + 1)))
        attempts: dict[asyncio.Task[T], str] = {}
        failures: list[BaseException] = []
        try:
            while waiting or attempts:
                if waiting:
                    address = waiting.popleft()
                    attempts[asyncio.ensure_future(connect(address))] = address
                done, late = await asyncio.wait(
                    attempts, timeout=apart if waiting else None, return_when=asyncio.FIRST_COMPLETED
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
        """The one that answered last, then the others, the families by turns, and last what was silent."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        families: dict[int, dict[str, None]] = {}
        for family, _, _, _, address in found:
            families.setdefault(family, {})[str(address[0])] = None
        addresses = [each for each in chain(*zip_longest(*families.values())) if each is not None]
        if not addresses:
            raise OSError("The name has no address.")
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
    """End the attempts that nobody waits for any more, and leave nothing of them."""
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
