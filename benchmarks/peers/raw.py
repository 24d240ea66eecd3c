"""The least that Python can do without GraphQL or a framework: an ASGI function over aiohttp."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks.peers.konaplate import BASE_URL, Konaplate, card_answer
from benchmarks.serving import serve

if TYPE_CHECKING:
    from benchmarks.serving import Message, Receive, Send

CARD_PATH: Final = "/card"
MEMBER_PATH: Final = "/card-and-member"
"""One path for each question, because it does not read queries."""
_CONNECTIONS: Final = 256


class App:
    """The application.

    Args:
        base_url: of Konaplate.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session: Any = None
        self._konaplate = Konaplate(self._post)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or go through start and end."""
        if scope["type"] == "lifespan":
            await receive()
            # No dependency of the project: `make bench-peers` installs it beside it.
            aiohttp: Any = importlib.import_module("aiohttp")
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as self._session:
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        card_no = orjson.loads((await receive())["body"])["variables"]["cardNo"]
        found = await self._konaplate.card(card_no)
        card = card_answer(card_no, found)
        if scope["path"] == MEMBER_PATH:
            card["member"]["profile"] = await self._konaplate.member(found["userId"])
        answer = orjson.dumps({"data": {"card": card}})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _post(self, path: str, content: bytes, headers: dict[str, str]) -> bytes:
        async with self._session.post(self._base_url + path, data=content, headers=headers) as response:
            body: bytes = await response.read()
            return body


if __name__ == "__main__":
    serve(App(BASE_URL))
