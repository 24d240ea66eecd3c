"""The least that Python can do without GraphQL or a framework: an ASGI function that calls aiohttp.

It gives the right answer to the one question about a card, and does not sign its calls.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks.handwritten import card_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_JSON: Final = (b"content-type", b"application/json")
_CARD_PATH: Final = "/api/v1/user/card/info"
_CONNECTIONS: Final = 256


class Raw:
    """The ASGI application.

    Args:
        base_url: of the upstream.
    """

    def __init__(self, base_url: str) -> None:
        self._url = base_url + _CARD_PATH
        self._open = contextlib.AsyncExitStack()
        self._session: Any = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request, or go through start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body: bytes = (await receive())["body"]
        card_no = orjson.loads(body)["variables"]["cardNo"]
        content = orjson.dumps({"cardNo": card_no})
        async with self._session.post(self._url, data=content, headers=_HEADERS) as response:
            found = orjson.loads(await response.read())
        answer = orjson.dumps({"data": {"card": card_answer(card_no, found)}})
        length = (b"content-length", str(len(answer)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": answer})

    async def _live(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        aiohttp: Any = importlib.import_module("aiohttp")
        await receive()
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        self._session = await self._open.enter_async_context(aiohttp.ClientSession(connector=connector))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._open.aclose()
        await send({"type": "lifespan.shutdown.complete"})
