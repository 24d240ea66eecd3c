"""One exchange over any httpx transport: what is sent, and which responses are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from graph.konaplate.errors import InvalidResponseError
from graph.konaplate.send import Limits, send
from tests.konaplate import support
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, head, http
from tests.konaplate.support import DETAILS
from tests.tables import table

if TYPE_CHECKING:
    from graph.konaplate.responses import Response

pytestmark = pytest.mark.usefixtures("each_network")

LIMITS = Limits(total=30, connect=30, pool=30, response_bytes=1_000)


async def exchanged(raw: bytes, limits: Limits = LIMITS) -> Response:
    """The outcome of a response of the upstream."""
    transport = support.network(limits)
    async with FaultyUpstream(answer(raw)) as upstream, transport:
        request = httpx.Request("POST", upstream.base_url, content=b"{}")
        return await send(
            transport, request, DETAILS, seconds=30, max_bytes=limits.response_bytes, trusts=lambda _response: True
        )


async def test_a_response_and_its_body_come_back_whole() -> None:
    response = await exchanged(http(b"body", "503 Busy", ["X-A: 1", "x-a: 2"]))
    assert (response.status, response.headers["x-a"], response.body) == (503, "1, 2", b"body")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (http(b"x", headers=["Content-Encoding: gzip"]), 200),
        (http(b"x", headers=["Content-Encoding: identity", "Content-Encoding: gzip"]), 200),
        (http(b"x", "503 Busy", ["Content-Encoding: , br,"]), 503),
        (head("HTTP/1.1 200 OK", "Content-Length: 1001") + b"x" * 1_001, 200),
        (head("HTTP/1.1 404 Not Found", "Connection: close") + b"x" * 1_001, 404),
    ],
    ids=[
        "compressed",
        "compressed, said second",
        "an encoding among empty ones",
        "too long",
        "too long at the end",
    ],
)
async def test_what_is_too_large_or_compressed_is_refused_with_its_status(raw: bytes, status: int) -> None:
    with pytest.raises(InvalidResponseError) as refusal:
        await exchanged(raw)
    assert status == refusal.value.details.status


@table(
    "headers",
    [
        ["Content-Encoding:"],
        ["Content-Encoding: ,"],
        ["Content-Encoding: Identity"],
        ["Content-Encoding: identity, Identity"],
        ["Content-Encoding: identity", "Content-Encoding: identity"],
        ["Content-Encoding:", "Content-Encoding: ,identity ,"],
    ],
)
async def test_a_list_of_no_encoding_but_identity_is_no_encoding(headers: list[str]) -> None:
    assert (await exchanged(http(b"x", headers=headers))).body == b"x"


async def test_a_connection_whose_response_is_not_trusted_is_not_used_again() -> None:
    transport = support.network(LIMITS)
    async with FaultyUpstream(answer(http(b"ok"))) as upstream, transport:
        for trusts in (True, False, True):
            request = httpx.Request("POST", upstream.base_url, content=b"{}")
            response = await send(
                transport,
                request,
                DETAILS,
                seconds=30,
                max_bytes=1_000,
                trusts=lambda _, trusts=trusts: trusts,  # type: ignore[misc]
            )
            assert response.body == b"ok"
        assert [len(connection.requests) for connection in upstream.connections] == [2, 1]
