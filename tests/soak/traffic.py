"""The load: what clients send in a bad week, all at once and at a bounded rate."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS

if TYPE_CHECKING:
    import random

    from graph.security.development import DevelopmentSigner

_QUERY: Final = (
    "query Cards($cardNos: [CardNumber!]!) { cards(cardNos: $cardNos) { maskedCardNo balance cardStatus "
    "member { userId profile { userName } } cashReceiptInfo { maskedIdNo } } }"
)
_PATIENCE: Final = 20.0
_AT_ONCE: Final = 48
_VIEWERS: Final = 200
_SELDOM: Final = 0.1
_MUST_NOT: Final = ("INTERNAL_SERVER_ERROR", "Traceback")
_GOOD, _FAULTY = tuple(CARDS), tuple(FAULTS)
_TYPENAME: Final = b'{"query": "{ __typename }"}'
_BAD: Final[tuple[tuple[bytes, dict[str, str]], ...]] = (
    (b"{", {}),
    (b"[]", {}),
    (b'{"query": 7}', {}),
    (b'{"query": "{ __typename }", "variables": []}', {}),
    (b'{"query": "{ card(cardNo: \\"1234\\") { balance } }"}', {}),
    (b"\xff\xfe", {}),
    (b"[" * 30_000, {}),
    (b'{"query": "' + b"x" * 70_000 + b'"}', {}),
    (b"query={__typename}", {"content-type": "application/x-www-form-urlencoded"}),
    (b"{}", {"content-encoding": "gzip"}),
    (_TYPENAME, {"accept": "image/png"}),
    (_TYPENAME, {"x-request-timeout-ms": "soon"}),
    (_TYPENAME, {"authorization": "Basic eDp5"}),
    (_TYPENAME, {"origin": "https://elsewhere.example"}),
)


class Traffic:
    """Sends requests of every kind.

    Args:
        url: of the gateway's endpoint.
        signer: of the tokens that the gateway accepts.
        chance: decides what comes next.
    """

    def __init__(self, url: str, signer: DevelopmentSigner, chance: random.Random) -> None:
        self._url = url
        self._signer = signer
        self._chance = chance
        self._numbers = itertools.count(1)
        self._bad_requests = itertools.cycle(_BAD)
        self._tokens = [self._token(f"viewer-{number}", 86_400) for number in range(_VIEWERS)]
        self.sent = 0
        self.skipped = 0
        """Requests that were not sent, because too many were under way."""
        self.outcomes: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        """What a gateway must never answer."""

    async def run(self, seconds: float, per_second: float) -> None:
        """Send so many requests a second for so long, and wait for the last ones."""
        kinds = (self._good, self._faulty, self._bad, self._document, self._new_token, self._leave)
        chosen = self._chance.choices(kinds, (40, 12, 12, 14, 10, 12), k=round(seconds * per_second))
        loop = asyncio.get_running_loop()
        under_way: set[asyncio.Task[None]] = set()
        started = loop.time()
        async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE) as client:
            for number, kind in enumerate(chosen):
                await asyncio.sleep(started + number / per_second - loop.time())
                if len(under_way) >= _AT_ONCE:
                    self.skipped += 1
                    continue
                self.sent += 1
                task = asyncio.ensure_future(kind(client))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.gather(*under_way)

    async def _good(self, client: httpx.AsyncClient) -> None:
        cards = self._chance.choices(_GOOD, k=self._chance.randint(1, 3))
        await self._post(client, _operation(_QUERY, {"cardNos": cards}))

    async def _faulty(self, client: httpx.AsyncClient) -> None:
        cards = [self._chance.choice(_FAULTY), self._chance.choice(_GOOD)]
        await self._post(client, _operation(_QUERY, {"cardNos": cards}))

    async def _bad(self, client: httpx.AsyncClient) -> None:
        await self._post(client, *next(self._bad_requests))

    async def _document(self, client: httpx.AsyncClient) -> None:
        """A text that was never there before."""
        number, card = next(self._numbers), self._chance.choice(_GOOD)
        documents = (
            f"query Q{number} {{ a{number}: __typename }}",
            f'{{ a{number}: card(cardNo: "{card}") {{ balance }} }}',
            f'{{ card(cardNo: "{card[:8]}{number:08}") {{ balance }} }}',
            f"{{ nothing{number} }}",
            f"{{ a{number}",
            "{" + " ".join(f"a{number}_{place}: __typename" for place in range(40)) + "}",
            f"fragment F{number} on Query {{ ...F{number} }} {{ ...F{number} }}",
            f"query {'x' * 5_000}{number} {{ __typename }}",
            f"# {number} {'x' * 14_000}\n{{ __typename }}",
            f"{{ __typename @include(if: $v{number}) }}",
        )
        await self._post(client, _operation(self._chance.choice(documents), {f"v{number}": number}))

    async def _new_token(self, client: httpx.AsyncClient) -> None:
        """A token that was never there before, valid or not."""
        number = next(self._numbers)
        token, late = self._token(f"new-{number}", 60), self._token(f"late-{number}", -3_600)
        head, _, rest = token.partition(".")
        tokens = (token, late, f"{head[:-4]}AAAA.{rest}", f"{token[:-6]}AAAAAA", f"{'x' * 500}{number}")
        await self._post(client, _TYPENAME, {"authorization": f"Bearer {self._chance.choice(tokens)}"})

    async def _post(self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str] | None = None) -> None:
        close = {"connection": "close"} if self._chance.random() < _SELDOM else {}
        try:
            response = await client.post(
                self._url, content=body, headers={**self._headers(), **close, **(headers or {})}
            )
        except httpx.HTTPError as error:
            self.problems[f"no answer: {type(error).__name__}"] += 1
            self.outcomes["no answer"] += 1
            return
        self.problems.update(word for word in _MUST_NOT if word in response.text)
        if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            self.problems["500"] += 1
        self.outcomes[str(response.status_code)] += 1

    async def _leave(self, _client: httpx.AsyncClient) -> None:
        """Leave before the answer, or in the middle of the request."""
        where = urlsplit(self._url)
        body = _operation(_QUERY, {"cardNos": [self._chance.choice(_GOOD + _FAULTY)]})
        headers = {**self._headers(), "host": where.netloc, "content-length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST {where.path} HTTP/1.1\r\n{lines}\r\n".encode() + body
        end, aborted = (
            self._chance.choice((len(request), self._chance.randrange(len(request)))),
            self._chance.choice((0, 1)),
        )
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(request[:end])
        await asyncio.sleep(self._chance.random() * 0.1)
        self.outcomes["left"] += 1
        if aborted:
            writer.transport.abort()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def _headers(self) -> dict[str, str]:
        return {"content-type": "application/json", "authorization": f"Bearer {self._chance.choice(self._tokens)}"}

    def _token(self, subject: str, lifetime: int) -> str:
        return self._signer.token(subject, scopes=("cards:read:any", "member:read"), lifetime=lifetime)


def _operation(query: str, variables: dict[str, Any]) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})
