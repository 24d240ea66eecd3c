"""No call outlasts its limits, reads more than its cap, or leaves a connection or a task behind."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import InvalidResponseError, KonaplateError, TimedOutError, UnavailableError
from graph.konaplate.send import Limits
from tests.konaplate import support
from tests.konaplate.faulty_upstream import (
    FaultyUpstream,
    answer,
    chunk,
    drip,
    flood,
    head,
    http,
    mute,
    silence,
)
from tests.konaplate.support import (
    CARD,
    Reports,
    card_fields,
    connected,
    leaks,
    succeeded,
)
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from graph.konaplate.endpoints.card_info import CardInfo
    from tests.konaplate.faulty_upstream import Script

pytestmark = pytest.mark.usefixtures("each_network")

TOTAL = 0.06
IMPATIENT = Limits(total=TOTAL, connect=30, pool=30)
PATIENT = Limits(total=30, connect=30, pool=30)
PLENTY = 20.0
"""Well after any deadline here, well before a call without one."""
WELL = succeeded(card_fields())
CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
MIB = 1024 * 1024

SLOW: dict[str, Script] = {
    "accepts and says nothing": mute,
    "reads and says nothing": silence(),
    "stops within the status line": silence(b"HTTP/1.1 2"),
    "stops within the head": silence(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"),
    "stops within the body": silence(http(WELL)[:-1]),
    "stops before the last chunk": silence(CHUNKED + chunk(WELL)),
    "head in drops": drip(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "one header in drops": drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "body in drops": drip(head("HTTP/1.1 200 OK", "Content-Length: 100000") + b'{"balance":', b"1"),
    "chunks in drops": drip(CHUNKED, chunk(b" ")),
    "one chunk in drops": drip(CHUNKED + b"fffff\r\n", b" "),
    "body without an end in drops": drip(head("HTTP/1.1 200 OK"), b" "),
    "informational answers for ever": drip(b"", head("HTTP/1.1 102 Processing")),
}


async def soon(call: Coroutine[Any, Any, CardInfo]) -> CardInfo:
    """The outcome of a call that has a deadline; without one the test fails instead of hanging."""
    async with asyncio.timeout(PLENTY):
        return await call


@pytest.mark.slow
@table("script", SLOW.values())
async def test_a_slow_answer_ends_at_the_total_deadline(script: Script) -> None:
    loop, reports = asyncio.get_running_loop(), Reports()
    async with (
        FaultyUpstream(script) as upstream,
        connected(base_url=upstream.base_url, limits=IMPATIENT, on_call=reports.append) as client,
    ):
        started = loop.time()
        with pytest.raises(TimedOutError) as caught:
            await soon(client.fetch(CARD_INFO, CARD))
        took = loop.time() - started
        await upstream.until_closed()
        assert asyncio.all_tasks() - upstream.tasks == {asyncio.current_task()}
    assert took >= TOTAL * 0.9
    assert TOTAL * 0.9 <= reports.one().seconds <= took
    assert (reports.one().outcome, reports.one().details.status) == ("TimedOutError", None)
    assert leaks(caught.value, *reports) == []


async def test_a_silent_tls_handshake_ends_at_the_connect_limit() -> None:
    limits = Limits(total=30, connect=0.1, pool=30)
    async with FaultyUpstream(mute) as upstream:
        base_url = upstream.base_url.replace("http:", "https:")
        async with connected(base_url=base_url, limits=limits) as client:
            with pytest.raises(TimedOutError):
                await soon(client.fetch(CARD_INFO, CARD))
            await upstream.until_closed()


async def test_a_call_without_a_free_connection_gives_up_at_the_pool_limit() -> None:
    limits = Limits(total=30, connect=30, pool=0.05)
    transport = support.network(limits, connections=1)
    async with (
        FaultyUpstream(silence()) as upstream,
        connected(transport, base_url=upstream.base_url, limits=limits) as client,
    ):
        first = asyncio.create_task(client.fetch(CARD_INFO, CARD))
        await upstream.until_asked()
        with pytest.raises(UnavailableError):
            await soon(client.fetch(CARD_INFO, CARD))
        first.cancel()
        await asyncio.wait([first])
    assert len(upstream.connections) == 1


async def test_a_cancelled_call_closes_its_connection() -> None:
    reports = Reports()
    for script in (silence(), silence(http(WELL)[:-1]), drip(b"", b"H")):
        async with (
            FaultyUpstream(script) as upstream,
            connected(base_url=upstream.base_url, limits=PATIENT, on_call=reports.append) as client,
        ):
            call = asyncio.create_task(client.fetch(CARD_INFO, CARD))
            await upstream.until_asked()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await upstream.until_closed()
            assert asyncio.all_tasks() - upstream.tasks == {asyncio.current_task()}
    assert [report.outcome for report in reports] == ["cancelled"] * 3


async def test_cancelling_one_call_leaves_its_neighbour_intact() -> None:
    release = asyncio.Event()

    async def handle(request: httpx.Request) -> httpx.Response:
        await release.wait()
        return httpx.Response(200, stream=httpx.ByteStream(WELL), request=request)

    async with connected(httpx.MockTransport(handle), limits=PATIENT) as client:
        first, second = (asyncio.create_task(client.fetch(CARD_INFO, CARD)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        release.set()
        assert (await second).balance == 9_999_999_999
        assert first.cancelled()


class Pieces(httpx.AsyncByteStream):
    """A body that counts how much of it was read, and knows whether it was closed."""

    def __init__(self, size: int, piece: int = 1_000) -> None:
        self._size, self._piece = size, piece
        self.given = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = WELL.ljust(self._size)
        while self.given < self._size:
            piece = body[self.given : self.given + self._piece]
            self.given += len(piece)
            yield piece

    async def aclose(self) -> None:
        self.closed = True


async def fetch_of_size(size: int, cap: int) -> tuple[Pieces, KonaplateError | None]:
    body = Pieces(size)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=body))
    async with connected(transport, limits=Limits(response_bytes=cap)) as client:
        try:
            await client.fetch(CARD_INFO, CARD)
        except KonaplateError as error:
            return body, error
    return body, None


@pytest.mark.parametrize("cap", [1_000, 4_096, 10_001])
async def test_an_answer_is_read_up_to_the_cap_and_refused_beyond(cap: int) -> None:
    fits, no_error = await fetch_of_size(cap, cap)
    exceeds, error = await fetch_of_size(cap + 1, cap)
    assert no_error is None
    assert isinstance(error, InvalidResponseError)
    assert error.details.status == 200
    assert (fits.closed, exceeds.closed) == (True, True)


async def test_nothing_is_read_once_the_cap_is_passed() -> None:
    body, error = await fetch_of_size(50 * MIB, 10_500)
    assert isinstance(error, InvalidResponseError)
    assert (body.given, body.closed) == (11_000, True)


FLOODS: dict[str, Script] = {
    "with a length": flood(head("HTTP/1.1 200 OK", f"Content-Length: {50 * MIB}"), b" " * 65_536),
    "in chunks": flood(CHUNKED, chunk(b" " * 65_536)),
    "until the end of the connection": flood(head("HTTP/1.1 200 OK"), b" " * 65_536),
    "after a wrong content type": flood(head("HTTP/1.1 503 Busy", "Content-Type: text/html"), b"<" * 65_536),
}


@pytest.mark.parametrize("script", FLOODS.values(), ids=FLOODS.keys())
async def test_an_answer_without_measure_is_cut_off(script: Script) -> None:
    async with (
        FaultyUpstream(script) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT) as client,
    ):
        with pytest.raises(InvalidResponseError):
            await client.fetch(CARD_INFO, CARD)
        await upstream.until_closed()
        assert asyncio.all_tasks() - upstream.tasks == {asyncio.current_task()}


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "deflate", "identity, gzip"])
async def test_a_compressed_bomb_is_never_inflated(coding: str) -> None:
    bomb = gzip.compress(WELL + b" " * 20 * MIB)
    assert len(bomb) < 100_000
    async with (
        FaultyUpstream(answer(http(bomb, headers=[f"Content-Encoding: {coding}"]))) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT) as client,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(InvalidResponseError) as caught:
                await client.fetch(CARD_INFO, CARD)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await upstream.until_closed()
    assert caught.value.details.status == 200
    assert peak < 2 * MIB
