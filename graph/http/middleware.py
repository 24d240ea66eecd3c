"""Gives the answers of any ASGI app what every answer here carries: an id and the headers that keep it private."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from graph.http.headers import Fields
from graph.http.request_id import accepted_request_id
from graph.http.response_headers import REQUEST_ID, private_fields
from graph.http.responses import cut_off, unforeseen

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY = "konagraph.request_id"


def request_id_of(scope: Scope) -> str:
    """The id that the middleware gave the request."""
    request_id: str = scope[_KEY]
    return request_id


class PrivateAnswers:
    """Gives each request its id, and each answer its headers. See `graph.http.app` for the GraphQL path.

    Args:
        app: what comes next.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = accepted_request_id(Fields(scope["headers"]).get(REQUEST_ID))
        scope[_KEY] = request_id
        started = False

        async def send_private(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = message.get("headers", [])
                message["headers"] = [*private_fields(given), (REQUEST_ID, request_id.encode("ascii"))]
            await send(message)

        try:
            await self._app(scope, receive, send_private)
        except asyncio.CancelledError:
            if not started:
                await cut_off(request_id).send(send_private)
            raise
        except Exception:
            if not started:
                await unforeseen(request_id).send(send_private)
            raise
