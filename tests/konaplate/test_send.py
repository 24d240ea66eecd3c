"""One exchange over any transport of httpx's: what goes out, and what of a response is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.konaplate.send import Limits, Requests, send
from graph.konaplate.transport.parser import ResponseRefusedError
from tests.konaplate import support
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, head, http

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.usefixtures("each_network")

LIMITS = Limits(total=30, connect=30, pool=30, response_bytes=1_000)
REQUESTS = Requests("http://upstream.test/path", [(b"X-Common", b"common")], LIMITS)


async def exchanged(raw: bytes, limits: Limits = LIMITS) -> tuple[httpx.Response, bytes]:
    """What comes of a response that the upstream gives."""
    transport = support.network(limits)
    async with FaultyUpstream(answer(raw)) as upstream, transport:
        request = Requests(upstream.base_url, [], limits).make([], b"{}", fresh=False)
        return await send(transport, request, limits.total, limits.response_bytes, lambda _response: True)


def test_a_request_has_the_common_headers_its_own_ones_and_its_length() -> None:
    request = REQUESTS.make([(b"X-Own", b"own")], b"content", fresh=False)
    assert ("POST", "http://upstream.test/path") == (request.method, str(request.url))
    assert [("host", "upstream.test"), ("x-common", "common"), ("x-own", "own"), ("content-length", "7")] == list(
        request.headers.multi_items()
    )


def test_a_request_has_nothing_of_the_one_before() -> None:
    first = REQUESTS.make([(b"X-First", b"1")], b"first", fresh=True)
    second = REQUESTS.make([(b"X-Second", b"2")], b"second", fresh=False)
    first.extensions["of"] = "the first"
    assert (None, "6") == (second.headers.get("X-First"), second.headers["Content-Length"])
    assert {"timeout", "konagraph.fresh"} == second.extensions.keys()
    assert REQUESTS.make([], b"", fresh=True).extensions.keys() == second.extensions.keys()


async def test_a_response_and_its_body_come_back_whole() -> None:
    response, body = await exchanged(http(b"body", "503 Busy", ["X-A: 1", "x-a: 2"]))
    assert (503, "1, 2", b"body", True) == (
        response.status_code,
        response.headers["X-A"],
        body,
        response.is_closed,
    )


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
    with pytest.raises(ResponseRefusedError) as refusal:
        await exchanged(raw)
    assert status == refusal.value.status


@pytest.mark.parametrize(
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
    _, body = await exchanged(http(b"x", headers=headers))
    assert body == b"x"


async def test_a_connection_whose_response_is_not_trusted_is_not_used_again() -> None:
    transport = support.network(LIMITS)
    async with FaultyUpstream(answer(http(b"ok"))) as upstream, transport:
        requests = Requests(upstream.base_url, [], LIMITS)
        for trusts in (True, False, True):
            request = requests.make([], b"{}", fresh=False)
            _, body = await send(transport, request, 30, 1_000, lambda _response, trusts=trusts: trusts)  # type: ignore[misc]
            assert body == b"ok"
        assert [2, 1] == [len(connection.requests) for connection in upstream.connections]
