"""httpx's own transport, with a new connection for each request that needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from graph.konaplate.transport.pool import FRESH

if TYPE_CHECKING:
    import ssl


class KeptTransport(httpx.AsyncBaseTransport):
    """Keeps connections alive, but sends requests marked `FRESH` over new ones.

    Args:
        tls: how certificates are verified.
        connections: the largest number of open connections.
        keepalive: seconds that an idle connection is kept.
    """

    def __init__(self, tls: ssl.SSLContext, connections: int, keepalive: float) -> None:
        self._kept = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=keepalive
            ),
        )
        self._new = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        transport = self._new if request.extensions.get(FRESH) else self._kept
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._kept.aclose()
        await self._new.aclose()
