"""The transport: httpx's way in for everybody, and one for prepared bytes, over the same connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.konaplate.transport.pool import Address, Pool, PoolLimits

if TYPE_CHECKING:
    import ssl

_PORTS: Final = {"http": 80, "https": 443}


class LeanTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 with whole, bounded answers. Proxies, HTTP/2, upgrades and streaming are not its business.

    Args:
        limits: bounds of each server's connections.
        tls: how certificates are verified; None refuses https.
    """

    def __init__(self, limits: PoolLimits, tls: ssl.SSLContext | None) -> None:
        self._limits = limits
        self._tls = tls
        self._pools: dict[Address, Pool] = {}

    def pool(self, url: httpx.URL) -> Pool:
        """The connections to the server of a URL, for exchanges of prepared bytes.

        Raises:
            httpx.UnsupportedProtocol: when it is neither http nor https.
        """
        if url.scheme not in _PORTS or (url.scheme == "https" and self._tls is None):
            raise httpx.UnsupportedProtocol("The URL must be http or https.")
        address = Address(url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme], url.scheme == "https")
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = Pool(address, self._limits, self._tls)
        return pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx's. Of its time limits, `read` is that of the whole answer.

        Raises:
            httpx.TransportError: see `Pool.exchange`; httpx.ReadTimeout without an answer in time.
        """
        content = b"".join([part async for part in _parts(request)])
        limits: dict[str, Any] = request.extensions.get("timeout", {})
        try:
            answer = await self.pool(request.url).exchange(
                request_head(request) + content,
                limits.get("read"),
                wait=limits.get("pool"),
                connect=limits.get("connect"),
            )
        except httpx.TransportError as error:
            error.request = request
            raise
        return httpx.Response(
            answer.status,
            headers=list(answer.fields.items()),
            stream=httpx.ByteStream(answer.body),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()


def request_head(request: httpx.Request) -> bytes:
    """The request line and the header of a request.

    Raises:
        httpx.LocalProtocolError: when a value would break out of its line.
    """
    line = b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)
    lines = [line, *(b"%s: %s" % field for field in request.headers.raw)]
    if any(b"\r" in part or b"\n" in part or b"\0" in part for part in lines):
        raise httpx.LocalProtocolError("A header field holds a line break.")
    return b"\r\n".join([*lines, b"", b""])


async def _parts(request: httpx.Request) -> Any:
    async for part in request.stream:  # type: ignore[union-attr]  # an async client's request has an async stream
        yield part
