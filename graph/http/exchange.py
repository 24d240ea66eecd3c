"""One request on its way through the gateway, and the way back for its response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from graph.http.request_id import accepted_request_id
from graph.http.responses import private_headers

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send


class Exchange:
    """A request and its response.

    Args:
        scope: as the server gives it.
        receive: likewise.
        send: likewise.
    """

    __slots__ = ("_send", "address", "cors", "headers", "method", "receive", "request_id", "scope", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.headers = Headers(raw=scope["headers"])
        self.request_id = accepted_request_id(self.headers.get("x-request-id"))
        self.address = ""
        """Where the request comes from; see `graph.http.client_address`."""
        self.cors: list[tuple[bytes, bytes]] = []
        """What the response, whichever it will be, tells browsers; see `graph.http.cors`."""
        self.started = False
        """Whether a response is on its way, after which there can be no other."""

    async def send(self, message: Message) -> None:
        """Send a part of the response, with the headers that every response carries."""
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*private_headers(message.get("headers", ()), self.request_id), *self.cors]
        await self._send(message)

    async def reply(self, response: Response) -> None:
        """Send a whole response."""
        await response(self.scope, self.receive, self.send)
