"""Every failure on the wire becomes one error of the tree, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import (
    InvalidResponseError,
    KonaplateError,
    RejectedError,
    UnavailableError,
)
from graph.konaplate.send import Limits
from tests.konaplate.faulty_upstream import (
    Connection,
    FaultyUpstream,
    answer,
    chunk,
    hang_up,
    head,
    http,
    reset,
    silence,
)
from tests.konaplate.support import (
    CARD,
    SECRET_KEY,
    Reports,
    card_fields,
    connected,
    leaks,
    succeeded,
)
from tests.tables import table

if TYPE_CHECKING:
    from tests.konaplate.faulty_upstream import Script

pytestmark = pytest.mark.usefixtures("each_network")

PATIENT = Limits(total=30, connect=30, pool=30)
WELL = succeeded(card_fields())
CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
MANY_HEADERS = "".join(f"X-{number}: {'x' * 1_000}\r\n" for number in range(200)).encode()


class Fault(NamedTuple):
    script: Script
    error: type[KonaplateError]
    status: int | None = None
    """As in the error; None without a complete response."""


def reflect() -> Script:
    """Echo the request as the response."""

    async def script(connection: Connection) -> None:
        await connection.send(await connection.read_request())

    return script


BROKEN: dict[str, Fault] = {
    "closed without an answer": Fault(hang_up(), UnavailableError),
    "reset without an answer": Fault(reset(), UnavailableError),
    "closed within the head": Fault(hang_up(b"HTTP/1.1 200 OK\r\nContent-"), UnavailableError),
    "reset within the head": Fault(reset(b"HTTP/1.1 200 OK\r\nContent-"), UnavailableError),
    "closed within the body": Fault(hang_up(http(WELL)[:-1]), UnavailableError),
    "reset within the body": Fault(reset(http(WELL)[:-1]), UnavailableError),
    "no body at all": Fault(hang_up(head("HTTP/1.1 200 OK", "Content-Length: 5")), UnavailableError),
    "closed within the chunks": Fault(hang_up(CHUNKED + chunk(WELL)), UnavailableError),
    "garbage instead of a chunk": Fault(silence(CHUNKED + b"no chunk\r\n"), UnavailableError),
    "garbage status line": Fault(silence(b"\x16\x03\x01 garbage\r\n\r\n"), UnavailableError),
    "another protocol": Fault(hang_up(b"220 mail.example.com ESMTP\r\n"), UnavailableError),
    "the request sent back": Fault(reflect(), UnavailableError),
    "status without a number": Fault(silence(head("HTTP/1.1 OK")), UnavailableError),
    "one huge header": Fault(silence(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), UnavailableError),
    "many large headers": Fault(silence(b"HTTP/1.1 200 OK\r\n" + MANY_HEADERS), UnavailableError),
    "length that is no number": Fault(silence(head("HTTP/1.1 200 OK", "Content-Length: x")), UnavailableError),
    "negative length": Fault(silence(head("HTTP/1.1 200 OK", "Content-Length: -1")), UnavailableError),
    "two lengths": Fault(
        silence(head("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2") + WELL), UnavailableError
    ),
    "unknown transfer encoding": Fault(
        silence(head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip")), UnavailableError
    ),
    "header without a colon": Fault(silence(head("HTTP/1.1 200 OK", "nonsense")), UnavailableError),
    "protocol switched": Fault(
        silence(head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c", "Connection: upgrade")), UnavailableError
    ),
    "gzip": Fault(
        silence(http(gzip.compress(WELL), headers=["Content-Encoding: gzip"])), InvalidResponseError, 200
    ),
    "any encoding": Fault(silence(http(WELL, headers=["Content-Encoding: br"])), InvalidResponseError, 200),
    "gzip under 503": Fault(
        silence(http(b"", "503 Busy", ["Content-Encoding: x-gzip"])), InvalidResponseError, 503
    ),
}
"""After these the connection is unusable: it must be closed before the call ends."""


@table("fault", BROKEN.values())
async def test_a_broken_answer_becomes_an_error_and_its_connection_is_closed(fault: Fault) -> None:
    reports = Reports()
    async with (
        FaultyUpstream(fault.script) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT, on_call=reports.append) as client,
    ):
        with pytest.raises(KonaplateError) as caught:
            await client.fetch(CARD_INFO, CARD)
        await upstream.until_closed()
        assert asyncio.all_tasks() - upstream.tasks == {asyncio.current_task()}
    assert len(upstream.connections) == 1
    assert (fault.error, fault.status) == (type(caught.value), caught.value.details.status)
    assert fault.error.__name__ == reports.one().outcome
    assert leaks(caught.value, *reports) == []


async def test_what_breaks_the_protocol_is_not_repeated() -> None:
    wire = f"HTTP/1.1 {CARD.reveal()} {SECRET_KEY}\r\n".encode()
    for raw in (wire, wire[9:], head("HTTP/1.1 200 OK", f"Content-Length: {CARD.reveal()}x")):
        async with (
            FaultyUpstream(silence(raw + b"\r\n")) as upstream,
            connected(base_url=upstream.base_url, limits=PATIENT) as client,
        ):
            with pytest.raises(UnavailableError) as caught:
                await client.fetch(CARD_INFO, CARD)
        assert leaks(caught.value) == []


COMPLETE: dict[str, Fault] = {
    "HTML": Fault(answer(http(b"<html></html>", headers=["Content-Type: text/html"])), InvalidResponseError, 200),
    "204": Fault(answer(head("HTTP/1.1 204 No Content")), InvalidResponseError, 204),
    "empty": Fault(answer(http()), InvalidResponseError, 200),
    "empty object": Fault(answer(http(b"{}")), InvalidResponseError, 200),
    "invalid UTF-8": Fault(answer(http(b"\xff\xfe" + WELL)), InvalidResponseError, 200),
    "not a value": Fault(answer(http(WELL.replace(b"9999999999", b"none"))), InvalidResponseError, 200),
    "deep nesting": Fault(answer(http(b"[" * 100_000)), InvalidResponseError, 200),
    "404 in HTML": Fault(answer(http(b"<html></html>", "404 Not Found")), InvalidResponseError, 404),
    "401 in text": Fault(answer(http(b"who are you?", "401 Unauthorized")), RejectedError, 401),
    "403 without a body": Fault(answer(http(b"", "403 Forbidden")), RejectedError, 403),
    "429": Fault(answer(http(b"", "429 Too Many Requests", ["Retry-After: 1"])), UnavailableError, 429),
    "500 in text": Fault(answer(http(b"oops", "500 Internal Server Error")), UnavailableError, 500),
    "502": Fault(answer(http(b"<html></html>", "502 Bad Gateway")), UnavailableError, 502),
    "503": Fault(answer(http(b"", "503 Service Unavailable")), UnavailableError, 503),
    "504": Fault(answer(http(b"", "504 Gateway Timeout")), UnavailableError, 504),
    "304": Fault(answer(head("HTTP/1.1 304 Not Modified")), InvalidResponseError, 304),
}
"""After these the connection may be reused."""


@table("fault", COMPLETE.values())
async def test_a_whole_answer_that_says_nothing_becomes_an_error(fault: Fault) -> None:
    async with FaultyUpstream(fault.script) as upstream:
        async with connected(base_url=upstream.base_url, limits=PATIENT) as client:
            for _ in range(2):
                with pytest.raises(KonaplateError) as caught:
                    await client.fetch(CARD_INFO, CARD)
            assert asyncio.all_tasks() - upstream.tasks == {asyncio.current_task()}
        await upstream.until_closed()
    assert (fault.error, fault.status) == (type(caught.value), caught.value.details.status)
    assert [len(connection.requests) for connection in upstream.connections] == [2]
    assert leaks(caught.value) == []


async def test_a_refused_connection_is_unavailable() -> None:
    with socket.socket() as nobody:
        # Bound, to reserve the port, but not listening.
        nobody.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{nobody.getsockname()[1]}/open-api"
        async with connected(base_url=base_url, limits=PATIENT) as client:
            with pytest.raises(UnavailableError) as caught:
                await client.fetch(CARD_INFO, CARD)
    assert caught.value.details.status is None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_upstream_that_speaks_no_tls_is_unavailable() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(http(b"speak plainly", "400 Bad Request"))

    async with FaultyUpstream(script) as upstream:
        base_url = upstream.base_url.replace("http:", "https:")
        async with connected(base_url=base_url, limits=PATIENT) as client:
            with pytest.raises(UnavailableError):
                await client.fetch(CARD_INFO, CARD)
            await upstream.until_closed()


async def test_a_call_after_a_broken_one_succeeds() -> None:
    async def script(connection: Connection) -> None:
        await connection.read_request()
        if len(upstream.connections) > 1:
            await connection.send(http(WELL))
        else:
            connection.reset()

    async with (
        FaultyUpstream(script) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT) as client,
    ):
        with pytest.raises(UnavailableError):
            await client.fetch(CARD_INFO, CARD)
        assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999


async def test_an_answer_in_pieces_is_put_together() -> None:
    pieces = b"".join(chunk(bytes([byte])) for byte in WELL) + chunk(b"")
    early = head("HTTP/1.1 100 Continue") + head("HTTP/1.1 103 Early Hints", "Link: <x>")
    for raw in (CHUNKED + pieces, early + http(WELL), http(WELL, headers=["Content-Encoding: identity"])):
        async with (
            FaultyUpstream(answer(raw)) as upstream,
            connected(base_url=upstream.base_url, limits=PATIENT) as client,
        ):
            assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999


async def test_an_answer_that_ends_with_the_connection_is_read() -> None:
    async with (
        FaultyUpstream(hang_up(head("HTTP/1.1 200 OK") + WELL)) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT) as client,
    ):
        assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999
        await upstream.until_closed()
