"""An upstream whose responses are out of step with its requests: nobody may get somebody else's card."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.konaplate.client import CallReport, KonaplateClient
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import InvalidResponseError
from graph.konaplate.protocol import CorrelationIds, Identity, Timestamp, Zone
from graph.konaplate.send import Limits
from schema.secrets import CardNo, Credential
from tests.konaplate.support import card_fields, lean_network, succeeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIRST, SECOND = CardNo("9491339400000013"), CardNo("9491339400000021")
IDENTITY = Identity("1" * 15, Credential("a" * 40), Credential("s" * 40), Zone.KST)


def answer(balance: int, correlation_id: bytes, echoes: int = 1) -> bytes:
    body = succeeded(card_fields(balance=balance))
    echo = b"X-KM-Correlation-Id: %b\r\n" % correlation_id
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + echo * echoes
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def answering_twice() -> AsyncIterator[str]:
    """Answers the first request with two responses at once, and no other request."""
    ended = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        match = re.search(rb"X-KM-Correlation-Id: (\S+)", head, re.IGNORECASE)
        assert match is not None
        writer.write(answer(1, match[1]) + answer(2, match[1]))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/open-api"
        await ended.wait()


async def test_an_answer_to_another_call_of_ours_is_refused() -> None:
    reports: list[CallReport] = []
    async with answering_twice() as url:
        client = KonaplateClient(
            url,
            IDENTITY,
            None,
            httpx.AsyncHTTPTransport(),
            CorrelationIds(5),
            endpoints=ENDPOINTS,
            on_call=reports.append,
        )
        try:
            assert (await client.fetch(CARD_INFO, FIRST)).balance == 1
            with pytest.raises(InvalidResponseError) as caught:
                await client.fetch(CARD_INFO, SECOND)
        finally:
            await client.aclose()
    assert caught.value.details.status == 200
    assert [report.echo for report in reports] == ["same", "another call's"]


# Repeated, as an intermediary might do.
@pytest.mark.parametrize("echoes", [1, 2])
async def test_a_connection_that_is_out_of_step_is_not_used_again(echoes: int) -> None:
    connections: list[int] = []
    handlers: list[asyncio.Task[None] | None] = []

    async def one_behind(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        handlers.append(asyncio.current_task())
        earlier: bytes | None = None
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                assert length is not None
                await reader.readexactly(int(length[1]))
                connections[-1] += 1
                match = re.search(rb"X-KM-Correlation-Id: (\S+)", head, re.IGNORECASE)
                assert match is not None
                writer.write(answer(1, earlier or match[1], echoes))
                earlier = match[1]
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(one_behind, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/open-api"
        client = KonaplateClient(
            url, IDENTITY, None, lean_network(Limits()), CorrelationIds(5), endpoints=ENDPOINTS
        )
        ends = [await ended(client, card_no) for card_no in (FIRST, SECOND, FIRST, SECOND)]
        await client.aclose()
        await asyncio.gather(*(handler for handler in handlers if handler is not None))
    # Every second call of a connection gets the first one's response, and is its last.
    assert ends == ["ok", "InvalidResponseError", "ok", "InvalidResponseError"]
    assert connections == [2, 2]


async def ended(client: KonaplateClient, card_no: CardNo) -> str:
    try:
        await client.fetch(CARD_INFO, card_no)
    except InvalidResponseError as error:
        return type(error).__name__
    return "ok"


@pytest.mark.parametrize("start", [0, 5, (1 << 28) - 2])
def test_ids_that_were_made_are_known_and_others_are_not(start: int) -> None:
    ids, moment = CorrelationIds(start), Timestamp.at(0, Zone.UTC)
    made = [ids.next(moment) for _ in range(4)]
    assert all(ids.issued(one) for one in made)
    following = f"{moment.correlation_time}-{(start + 4) % (1 << 28):07x}"
    before = f"{moment.correlation_time}-{(start - 1) % (1 << 28):07x}"
    for other in (following, before, "", made[0].upper() + "A", made[0][:-1], f" {made[0]}"):
        assert not ids.issued(other)
