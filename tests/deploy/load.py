"""Steady load from a few clients, whose responses are all checked."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.cli.processes import DEADLINE
from tests.deploy.stack import BALANCE, CARD, QUERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CLIENTS: Final = 8
_MAX_REQUESTS: Final = 20_000
# Not at full speed, because the machine also has to start gateways.
_PAUSE: Final = 0.01
OK: Final = "ok"


class Load:
    """The outcomes so far; everything except `OK` is a failed request."""

    def __init__(self, url: str, viewer: dict[str, str], card: str, balance: int) -> None:
        self._url = f"{url}/graphql"
        self._viewer = viewer
        self._request: dict[str, Any] = {"query": QUERY, "variables": {"cardNo": card}}
        self._data = {"card": {"balance": balance}}
        self._over = False
        self._progress = asyncio.Event()
        self.outcomes: Counter[str] = Counter()

    @property
    def failures(self) -> dict[str, int]:
        """The failures and their counts."""
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != OK}

    async def more(self, count: int) -> None:
        """Wait until this many more requests are over."""
        goal = self.outcomes.total() + count
        async with asyncio.timeout(DEADLINE):
            while self.outcomes.total() < goal:
                self._progress.clear()
                await self._progress.wait()

    async def run(self) -> None:
        """Send requests from several connections until the load ends."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(_CLIENTS):
                clients.create_task(self._client())

    def stop(self) -> None:
        """Let every client finish its request."""
        self._over = True

    async def _client(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE, headers=self._viewer) as client:
            while not self._over and self.outcomes.total() < _MAX_REQUESTS:
                self.outcomes[await self._outcome(client)] += 1
                self._progress.set()
                await asyncio.sleep(_PAUSE)

    async def _outcome(self, client: httpx.AsyncClient) -> str:
        try:
            response = await client.post(self._url, json=self._request)
        except httpx.TransportError as error:
            return type(error).__name__
        if response.status_code == httpx.codes.OK and self._is_right(response.json()):
            return OK
        return f"{response.status_code} {response.text}"

    def _is_right(self, answer: dict[str, Any]) -> bool:
        return answer.get("data") == self._data and "errors" not in answer


@asynccontextmanager
async def steady_load(
    url: str, viewer: dict[str, str], card: str = CARD, balance: int = BALANCE
) -> AsyncIterator[Load]:
    """Load while the block runs, starting before and ending after it."""
    load = Load(url, viewer, card, balance)
    running = asyncio.ensure_future(load.run())
    try:
        await load.more(50)
        yield load
        await load.more(50)
    finally:
        load.stop()
        await running
