"""CPU of one upstream call by who moves the bytes: 32 calls in flight, in one process.

`python -m benchmarks.transports BASE_URL SECONDS` prints JSON. Only the client's CPU time is counted; the upstream
is another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from benchmarks.inprocess import print_result
from benchmarks.rounds import rotated
from graph.konaplate import protocol as wire
from graph.konaplate.client import KonaplateClient
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import CallDetails
from graph.konaplate.send import Limits, send
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from schema.secrets import CardNo, Credential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Call = Callable[[str], Awaitable[object]]
    Way = Callable[[], contextlib.AbstractAsyncContextManager[Call]]

IN_FLIGHT: Final = 32
ROUNDS: Final = 5
# The gateway's defaults.
_LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=15)
_FEW: Final = httpx.Limits(max_connections=8, max_keepalive_connections=8, keepalive_expiry=15)
_BOUNDS: Final = Limits()
_CALL: Final = CallDetails("221108120814-0000000")
_IDENTITY: Final = wire.Identity("1" * 15, Credential("a" * 40), Credential("s" * 40), wire.Zone.KST)
_COMMON: Final = wire.common_headers(_IDENTITY, None)


def _signed(card_no: str) -> tuple[bytes, wire.RawHeaders]:
    """A body, and the headers that sign it, made as the gateway makes them: the same work in every row."""
    body = orjson.dumps({"cardNo": card_no})
    now = wire.Timestamp.at(time.time_ns() // 1_000_000, wire.Zone.KST)
    return body, wire.signed_headers(_IDENTITY, now, "221108120814-0000000", body)


def _request(card_no: str) -> tuple[bytes, wire.RawHeaders]:
    """Body and headers."""
    body, signed = _signed(card_no)
    return body, [*_COMMON, *signed]


def _httpx(limits: httpx.Limits = _LIMITS) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(limits=limits)


def _lean() -> LeanTransport:
    return LeanTransport(PoolLimits(), None)


@contextlib.asynccontextmanager
async def _prepared(transport: LeanTransport, url: str) -> AsyncIterator[Call]:
    blank = httpx.Request("GET", url, headers=_COMMON)
    async with transport:

        async def call(card_no: str) -> object:
            body, signed = _signed(card_no)
            headers = [*blank.headers.raw, *signed, (b"Content-Length", b"%d" % len(body))]
            request = httpx.Request("POST", blank.url, headers=headers, stream=httpx.ByteStream(body))
            return await send(
                transport,
                request,
                _CALL,
                seconds=_BOUNDS.total,
                max_bytes=_BOUNDS.response_bytes,
                trusts=lambda _response: True,
            )

        yield call


@contextlib.asynccontextmanager
async def _sent_by(transport: httpx.AsyncBaseTransport, url: str) -> AsyncIterator[Call]:
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:

        async def call(card_no: str) -> object:
            body, headers = _request(card_no)
            response = await client.send(
                client.build_request("POST", url, content=body, headers=headers), stream=True
            )
            try:
                return [chunk async for chunk in response.aiter_raw()]
            finally:
                await response.aclose()

        yield call


@contextlib.asynccontextmanager
async def _posted(url: str) -> AsyncIterator[Call]:
    async with httpx.AsyncClient(trust_env=False) as client:

        async def call(card_no: str) -> object:
            body, headers = _request(card_no)
            return await client.post(url, content=body, headers=headers)

        yield call


@contextlib.asynccontextmanager
async def _on_the_transport(transport: httpx.AsyncBaseTransport, url: str) -> AsyncIterator[Call]:
    async with transport:

        async def call(card_no: str) -> object:
            body, headers = _request(card_no)
            request = httpx.Request("POST", url, content=body, headers=headers)
            response = await transport.handle_async_request(request)
            return await response.aread()

        yield call


@contextlib.asynccontextmanager
async def _by_our_client(transport: httpx.AsyncBaseTransport, base_url: str) -> AsyncIterator[Call]:
    client = KonaplateClient(base_url, _IDENTITY, None, transport, wire.CorrelationIds(0), endpoints=ENDPOINTS)

    async def call(card_no: str) -> object:
        return await client.fetch(CARD_INFO, CardNo(card_no))

    try:
        yield call
    finally:
        await client.aclose()


@contextlib.asynccontextmanager
async def _by_aiohttp(aiohttp: Any, url: str) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession() as session:

        async def call(card_no: str) -> object:
            body, headers = _request(card_no)
            async with session.post(
                url, data=body, headers=[(name.decode(), value.decode()) for name, value in headers]
            ) as response:
                return await response.read()

        yield call


def ways(base_url: str) -> dict[str, Way]:
    """How a call can be made; the ones whose packages are not installed are left out."""
    url = base_url + CARD_INFO.path
    known: dict[str, Way] = {
        "httpx, `AsyncClient.post`, httpx's default limits": lambda: _posted(url),
        "httpx, `AsyncClient.send(stream=True)`": lambda: _sent_by(_httpx(), url),
        "httpx, `AsyncClient.send(stream=True)`, at most 8 connections": lambda: _sent_by(_httpx(_FEW), url),
        "httpx, transport called directly": lambda: _on_the_transport(_httpx(), url),
        "httpx, `KonaplateClient`": lambda: _by_our_client(_httpx(), base_url),
        "lean, `AsyncClient.send(stream=True)`": lambda: _sent_by(_lean(), url),
        "lean, transport called directly": lambda: _on_the_transport(_lean(), url),
        "lean, `KonaplateClient`": lambda: _by_our_client(_lean(), base_url),
        "lean, prepared requests": lambda: _prepared(_lean(), url),
    }
    with contextlib.suppress(ModuleNotFoundError):
        adapter = importlib.import_module("httpx_aiohttp").AiohttpTransport
        known |= {
            "httpx-aiohttp, `AsyncClient.send(stream=True)`": lambda: _sent_by(adapter(limits=_LIMITS), url),
            "httpx-aiohttp, transport called directly": lambda: _on_the_transport(adapter(limits=_LIMITS), url),
            "httpx-aiohttp, `KonaplateClient`": lambda: _by_our_client(adapter(limits=_LIMITS), base_url),
        }
    with contextlib.suppress(ModuleNotFoundError):
        aiohttp = importlib.import_module("aiohttp")
        known["aiohttp, `ClientSession.post`"] = lambda: _by_aiohttp(aiohttp, url)
    return known


async def _cpu_per_call(call: Call, seconds: float) -> float:
    """Microseconds of this process's CPU time for one call."""
    numbers = itertools.count(9_000_000_000_000_000)
    ends_at = time.monotonic() + seconds
    calls = 0

    async def worker() -> None:
        nonlocal calls
        while time.monotonic() < ends_at:
            await call(str(next(numbers)))
            calls += 1

    before = time.process_time()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return (time.process_time() - before) / calls * 1e6


async def measure(base_url: str, seconds: float) -> dict[str, list[float]]:
    """CPU microseconds for each way of calling, one value a round; the ways take turns, cheapest last.

    Each turn opens its connections anew and warms them up: httpx's cost depends on how many idle connections its
    pool has left from before.
    """
    known = ways(base_url)
    figures: dict[str, list[float]] = {name: [] for name in known}
    for turn in range(ROUNDS):
        for name in rotated(list(known), turn):
            async with known[name]() as call:
                await _cpu_per_call(call, seconds / 2)
                figures[name].append(round(await _cpu_per_call(call, seconds), 1))
    return {name: figures[name] for name in sorted(known, key=lambda name: -statistics.median(figures[name]))}


if __name__ == "__main__":
    print_result(measure(sys.argv[1], float(sys.argv[2])))
