"""One request on its way through the gateway, and the way back for its response."""

from __future__ import annotations

import re
import secrets
import string
from typing import TYPE_CHECKING, Final

from graph.header_values import by_name
from graph.http.responses import private_headers
from graph.redact import holds_card_number

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from graph.http.disconnect import DepartureNotice

_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
# Letters only: with digits one id in a while would look like a card number and be masked in the logs.
_LETTERS: Final = str.maketrans(string.digits, "ghijklmnop")


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
        self.headers = by_name(scope["headers"])
        self.request_id = accepted_request_id(self.headers.get("x-request-id", (None,))[0])
        self.address = ""
        """Where the request comes from; see `graph.http.client_address`."""
        self.cors: list[tuple[bytes, bytes]] = []
        """What the response, whichever it will be, tells browsers; see `graph.http.cors`."""
        self.started = False
        """Whether a response is on its way, after which there can be no other."""

    def departure(self) -> DepartureNotice | None:
        """Tells when the client goes, where the server can; see `graph.http.disconnect`."""
        departure: DepartureNotice | None = self.scope.get("extensions", {}).get("konagraph.departure")
        return departure

    async def send(self, message: Message) -> None:
        """Send a part of the response, with the headers that every response carries."""
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*private_headers(message.get("headers", ()), self.request_id), *self.cors]
        await self._send(message)

    async def reply(self, response: Response) -> None:
        """Send a whole response; not by its own call, which passes `send` twice."""
        self.started = True
        headers = [*private_headers(response.raw_headers, self.request_id), *self.cors]
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await self._send({"type": "http.response.body", "body": response.body})


def new_request_id() -> str:
    """A random id of 32 letters."""
    return secrets.token_hex(16).translate(_LETTERS)


def accepted_request_id(offered: str | None) -> str:
    """The caller's id when it is harmless, so that logs of several systems can be joined; else one of ours."""
    if offered is not None and _ACCEPTED.fullmatch(offered) and not holds_card_number(offered):
        return offered
    return new_request_id()
