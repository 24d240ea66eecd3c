"""One request on its way through the gateway, and the way back of its response."""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from graph.header_values import by_name
from graph.http.report import RequestReport
from graph.http.responses import HttpError, private_headers
from graph.redact import holds_card_number, letters

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from graph.header_values import HeaderValues
    from graph.http.disconnect import OnDisconnect

_TIMEOUT_MESSAGE: Final = "The x-request-timeout-ms header must be one whole number of milliseconds."
# Longer numbers exceed any timeout of ours, and Python refuses to convert thousands of digits.
_MAX_DIGITS: Final = 9
_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


class Exchange:
    """A request and its response."""

    __slots__ = (
        "_send",
        "address",
        "clients",
        "cors",
        "headers",
        "method",
        "receive",
        "request_id",
        "scope",
        "started",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.headers = by_name(scope["headers"])
        self.request_id = accepted_request_id(self.headers.get("x-request-id", (None,))[0])
        self.address = ""
        """The client's address; see `graph.http.client_address`."""
        self.clients: tuple[str, ...] = ()
        """The client that the headers name; see `graph.http.clients`."""
        self.cors: list[tuple[bytes, bytes]] = []
        """The CORS headers of the response, whichever it will be; see `graph.http.cors`."""
        self.started = False
        """Whether a response has been started, after which there can be no other."""

    def report(self) -> RequestReport:
        """A new report of the request; only for a path of this gateway's own, which the report shows."""
        scope = self.scope
        return RequestReport(self.request_id, self.method, route=scope["path"], scheme=scope["scheme"])

    def on_disconnect(self) -> OnDisconnect | None:
        """The server's extension that reports a disconnect, if it has one."""
        extension: OnDisconnect | None = self.scope.get("extensions", {}).get("konagraph.on_disconnect")
        return extension

    async def send(self, message: Message) -> None:
        """Send a part of the response, with the headers that every response has."""
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*private_headers(message.get("headers", ()), self.request_id), *self.cors]
        await self._send(message)

    async def reply(self, response: Response) -> None:
        """Send a complete response. Calling the response itself would go through `send` twice."""
        self.started = True
        headers = [*private_headers(response.raw_headers, self.request_id), *self.cors]
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await self._send({"type": "http.response.body", "body": response.body})


def new_request_id() -> str:
    """A random id of 32 letters."""
    return letters(os.urandom(16)).decode("ascii")


def accepted_request_id(offered: str | None) -> str:
    """The client's id if it is harmless, so that logs of several systems can be joined; otherwise a new one."""
    if offered is not None and _ACCEPTED.fullmatch(offered) and not holds_card_number(offered):
        return offered
    return new_request_id()


def request_timeout(headers: HeaderValues, maximum: float) -> float:
    """Seconds that a request may take: the maximum, or fewer if the client asks for fewer.

    Raises:
        HttpError: 400, when the header is present and is not one whole number.
    """
    given = headers.get("x-request-timeout-ms")
    if not given:
        return maximum
    if len(given) > 1 or not (given[0].isascii() and given[0].isdigit()):
        raise HttpError(HTTPStatus.BAD_REQUEST, _TIMEOUT_MESSAGE)
    digits = given[0].lstrip("0") or "0"
    return maximum if len(digits) > _MAX_DIGITS else min(maximum, int(digits) / 1000)
