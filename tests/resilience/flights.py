"""Shared calls that end when a test says so."""

from __future__ import annotations

import asyncio

from graph.resilience.single_flight import SingleFlight


class Work:
    """Calls that end when they are told to."""

    def __init__(self) -> None:
        self.flights: SingleFlight[str, str] = SingleFlight()
        self.results: list[asyncio.Future[str]] = []
        self.cancelled = 0
        self.joined = 0

    def ask(self, key: str = "card") -> asyncio.Future[str]:
        waiter = self.flights.join(key)
        if waiter is None:
            return self.flights.begin(key, self.call())
        self.joined += 1
        return waiter

    async def call(self) -> str:
        result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.results.append(result)
        try:
            return await result
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
