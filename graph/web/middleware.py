"""What every answer carries: an id of the request and the headers that keep it private. Pure ASGI."""

from __future__ import annotations

import asyncio
import re
import string
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from graph.redact import holds_card_number
from graph.web.client_address import ClientAddresses
from graph.web.responses import error_answer, overloaded
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID: Final = b"x-request-id"
CONTENT_SECURITY_POLICY: Final = b"content-security-policy"

_PRIVATE: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NOTHING_TO_LOAD: Final = (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'")

_ACCEPTED_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
# Letters only: with digits one id in a while would look like a card number and be masked in the logs.
_LETTERS: Final = str.maketrans(string.digits, "ghijklmnop")


def new_request_id() -> str:
    """A random id of 32 letters."""
    return uuid.uuid4().hex.translate(_LETTERS)


def request_id_of(scope: Scope) -> str:
    """The id that the middleware gave the request."""
    request_id: str = scope["konagraph.request_id"]
    return request_id


class PrivateAnswers:
    """Gives each request its id and its client's address, and each answer its headers.

    Args:
        app: what comes next.
        addresses: finds the client's address.
    """

    def __init__(self, app: ASGIApp, addresses: ClientAddresses | None = None) -> None:
        self._app = app
        self._addresses = addresses or ClientAddresses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = accepted_request_id(Headers(scope=scope).get("x-request-id"))
        scope["konagraph.request_id"] = request_id
        self._addresses.note(scope)
        started = False

        async def send_private(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = private_headers(message.get("headers", []), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_private)
        except asyncio.CancelledError:
            if not started:
                # Cut off, at the end of the process. The server's own answer would lack the headers, too.
                await overloaded(request_id).send(send_private)
            raise
        except Exception:
            if not started:
                # Starlette's own answer to an exception is made outside of this, and would lack the headers.
                code = ErrorCode.INTERNAL_SERVER_ERROR
                await error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, code, request_id).send(send_private)
            raise


def accepted_request_id(offered: str | None) -> str:
    """The caller's id when it is harmless, so that logs of several systems can be joined; else one of ours."""
    if offered is not None and _ACCEPTED_ID.fullmatch(offered) and not holds_card_number(offered):
        return offered
    return new_request_id()


def private_headers(given: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that keep it private."""
    own = {name for name, _ in _PRIVATE}
    headers = [header for header in given if header[0] not in own]
    headers += [(REQUEST_ID, request_id.encode("ascii")), *_PRIVATE]
    if all(name != CONTENT_SECURITY_POLICY for name, _ in given):
        headers.append(_NOTHING_TO_LOAD)
    return headers
