"""A rejection on a connection whose last request was a HEAD."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit


async def test_the_refusal_that_follows_a_head_has_its_body(gateway_url: str) -> None:
    address = urlsplit(gateway_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"HEAD /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    writer.write(b"FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    refusal = await reader.readuntil(b"\r\n\r\n")
    body = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert refusal.startswith(b"HTTP/1.1 400 ")
    assert b"content-length: %d\r\n" % len(body) in refusal.lower()
    assert b'"BAD_REQUEST"' in body
