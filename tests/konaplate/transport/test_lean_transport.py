"""The transport as an ordinary `httpx.AsyncBaseTransport`, used by an httpx client."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from graph.konaplate.transport.connection import ResponseRefusedError
from graph.konaplate.transport.lean import LeanTransport, Template, TemplateRequest, request_bytes
from graph.konaplate.transport.pool import PoolLimits
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http, mute

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = PoolLimits(keepalive=60, response_bytes=100)


@asynccontextmanager
async def client_of(tls: ssl.SSLContext | None = None, **options: float) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=LeanTransport(LIMITS, tls), timeout=httpx.Timeout(30, **options), trust_env=False
    ) as client:
        yield client


async def test_a_client_of_httpx_sends_and_gets_what_it_always_does() -> None:
    raw = http(b"body", "202 Taken", ["Content-Type: text/plain", "Set-Cookie: a=b"])
    async with FaultyUpstream(answer(raw)) as upstream, client_of() as client:
        response = await client.post(f"{upstream.base_url}/x?q=1", content=b"sent", headers={"X-A": "b"})
        (request,) = upstream.connections[0].requests
    assert (response.status_code, response.text, response.headers["Content-Type"]) == (202, "body", "text/plain")
    assert request.startswith(b"POST /open-api/x?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-A: b\r\n" in request
    assert request.endswith(b"\r\n\r\nsent")


async def test_each_server_has_connections_of_its_own() -> None:
    async with (
        FaultyUpstream(answer(http(b"one"))) as one,
        FaultyUpstream(answer(http(b"two"))) as two,
        client_of() as client,
    ):
        texts = [(await client.post(upstream.base_url)).text for upstream in (one, two, one)]
        assert [len(upstream.connections) for upstream in (one, two)] == [1, 1]
    assert texts == ["one", "two", "one"]


async def test_no_connection_in_time_is_a_connect_timeout() -> None:
    async with FaultyUpstream(mute) as upstream, client_of(ssl.create_default_context(), connect=0.05) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.post(upstream.base_url.replace("http:", "https:"))


async def test_a_failure_names_its_request() -> None:
    async with FaultyUpstream(answer(http(b"x" * 101))) as upstream, client_of() as client:
        with pytest.raises(ResponseRefusedError) as failure:
            await client.post(upstream.base_url)
        assert failure.value.request.url == upstream.base_url


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "https://127.0.0.1/"])
async def test_what_it_cannot_speak_is_refused_before_anything_is_sent(url: str) -> None:
    transport = LeanTransport(LIMITS, None)
    with pytest.raises(httpx.UnsupportedProtocol):
        await transport.handle_async_request(httpx.Request("POST", url))


@pytest.mark.parametrize("value", [b"a\r\nX-Evil: b", b"a\nb", b"a\0b"])
async def test_a_value_does_not_break_out_of_its_line(value: bytes) -> None:
    headers = [(b"X-A", value)]
    with pytest.raises(httpx.LocalProtocolError):
        await request_bytes(httpx.Request("POST", "http://h/", headers=headers))
    with pytest.raises(httpx.LocalProtocolError):
        Template("http://h/", headers)
    with pytest.raises(httpx.LocalProtocolError):
        TemplateRequest(Template("http://h/", []), headers, b"", {}).sent()


async def test_a_request_from_a_template_is_what_httpx_would_have_sent() -> None:
    common, own = [(b"X-A", b"1")], [(b"X-B", b"2"), (b"Content-Length", b"4")]
    made = TemplateRequest(Template("http://h:81/x?q=1", common), own, b"sent", {})
    expected = httpx.Request("POST", "http://h:81/x?q=1", headers=[*common, *own], content=b"sent")
    assert await request_bytes(expected) == await request_bytes(made) == made.sent()
    assert (expected.url, expected.headers) == (made.url, made.headers)


async def test_tls_is_verified() -> None:
    authority, other = trustme.CA(), trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting, wary = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusting)
    other.configure_trust(wary)
    async with FaultyUpstream(answer(http(b"ok")), tls=server) as upstream:
        async with client_of(trusting) as client:
            assert (await client.post(upstream.base_url)).text == "ok"
            with pytest.raises(httpx.ConnectError):
                await client.post(upstream.base_url.replace("127.0.0.1", "localhost"))
        async with client_of(wary) as client:
            with pytest.raises(httpx.ConnectError) as failure:
                await client.post(upstream.base_url)
    assert isinstance(failure.value.__cause__, ssl.SSLCertVerificationError)


async def test_closing_the_client_closes_the_connections() -> None:
    async with FaultyUpstream(answer(http(b"ok"))) as upstream:
        async with client_of() as client:
            await asyncio.gather(*(client.post(upstream.base_url) for _ in range(3)))
        await upstream.until_closed()
