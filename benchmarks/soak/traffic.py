"""The load: what clients send in a bad week, all at once and at a bounded rate."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from graph.security.development import DevelopmentSigner

QUERY: Final = """
query Cards($cardNos: [CardNumber!]!) {
  cards(cardNos: $cardNos) {
    maskedCardNo balance cardStatus member { userId profile { userName } } cashReceiptInfo { maskedIdNo }
  }
}"""

_PATIENCE: Final = 20.0
_SCOPES: Final = ("cards:read:any", "member:read")
_VIEWERS: Final = 200
_MUST_NOT: Final = ("INTERNAL_SERVER_ERROR", "Traceback")
_GOOD, _FAULTY = tuple(CARDS), tuple(FAULTS)

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
    (b'{"query": "{ __typename }"}', {"accept": "image/png"}),
    (b'{"query": "{ __typename }"}', {"x-request-timeout-ms": "soon"}),
    (b'{"query": "{ __typename }"}', {"authorization": "Basic eDp5"}),
    (b'{"query": "{ __typename }"}', {"origin": "https://elsewhere.example"}),
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
        self._count = 0
        self._bad_requests = itertools.cycle(_BAD)
        self._tokens = [self._token(f"viewer-{number}", lifetime=86_400) for number in range(_VIEWERS)]
        self._kinds: tuple[tuple[int, Callable[[httpx.AsyncClient], Awaitable[None]]], ...] = (
            (40, self._good),
            (12, self._faulty),
            (12, self._bad),
            (14, self._new_document),
            (10, self._new_token),
            (7, self._leave),
            (5, self._give_up),
        )
        self.sent = 0
        self.skipped = 0
        """Requests that were not sent, because too many were under way."""
        self.outcomes: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        """What a gateway must never answer."""

    async def run(self, seconds: float, per_second: float, at_once: int = 48) -> None:
        """Send so many requests a second for so long, and wait for the last ones."""
        loop = asyncio.get_running_loop()
        weights, kinds = zip(*self._kinds, strict=True)
        under_way: set[asyncio.Task[None]] = set()
        started = loop.time()
        async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE) as client:
            for number in range(round(seconds * per_second)):
                await asyncio.sleep(started + number / per_second - loop.time())
                if len(under_way) >= at_once:
                    self.skipped += 1
                    continue
                (kind,) = self._chance.choices(kinds, weights)
                task = asyncio.ensure_future(self._send(kind, client))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.gather(*under_way)

    async def _send(self, kind: Callable[[httpx.AsyncClient], Awaitable[None]], client: httpx.AsyncClient) -> None:
        self.sent += 1
        try:
            await kind(client)
        except (httpx.HTTPError, OSError) as error:
            self.problems[f"no answer: {type(error).__name__}"] += 1

    async def _good(self, client: httpx.AsyncClient) -> None:
        cards = self._chance.choices(_GOOD, k=self._chance.randint(1, 3))
        await self._ask(client, QUERY, {"cardNos": cards})

    async def _faulty(self, client: httpx.AsyncClient) -> None:
        await self._ask(client, QUERY, {"cardNos": [self._chance.choice(_FAULTY), self._chance.choice(_GOOD)]})

    async def _bad(self, client: httpx.AsyncClient) -> None:
        body, headers = next(self._bad_requests)
        self._judge(await client.post(self._url, content=body, headers={**self._headers(), **headers}))

    async def _new_document(self, client: httpx.AsyncClient) -> None:
        """A text that was never there before."""
        self._count += 1
        number, card = self._count, self._chance.choice(_GOOD)
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
        await self._ask(client, self._chance.choice(documents), {f"v{number}": number})

    async def _new_token(self, client: httpx.AsyncClient) -> None:
        """A token that was never there before."""
        self._count += 1
        token = self._token(f"new-{self._count}", lifetime=60)
        head, _, rest = token.partition(".")
        tokens = (
            token,
            self._token(f"late-{self._count}", lifetime=-3_600),
            f"{head[:-4]}AAAA.{rest}",
            f"{token[:-6]}AAAAAA",
            f"{'x' * 500}{self._count}",
        )
        await self._ask(client, "{ __typename }", {}, self._chance.choice(tokens))

    async def _leave(self, _client: httpx.AsyncClient) -> None:
        """Ask for a card, and do not wait for the answer."""
        body = json.dumps({"query": QUERY, "variables": {"cardNos": [self._chance.choice(_GOOD + _FAULTY)]}})
        await self._raw(self._request(body.encode()), self._chance.random() * 0.05)

    async def _give_up(self, _client: httpx.AsyncClient) -> None:
        """Stop in the middle of a request."""
        request = self._request(b'{"query": "{ __typename }"}')
        await self._raw(request[: self._chance.randrange(len(request))], self._chance.random() * 0.2)

    async def _raw(self, data: bytes, then_wait: float) -> None:
        where = urlsplit(self._url)
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(data)
            await asyncio.sleep(then_wait)
            self.outcomes["left"] += 1
        finally:
            if self._chance.random() < 0.5:  # noqa: PLR2004 - as often so as so
                writer.transport.abort()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _request(self, body: bytes) -> bytes:
        headers = {**self._headers(), "host": urlsplit(self._url).netloc, "content-length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {urlsplit(self._url).path} HTTP/1.1\r\n{lines}\r\n".encode() + body

    async def _ask(
        self, client: httpx.AsyncClient, query: str, variables: dict[str, Any], token: str | None = None
    ) -> None:
        headers = self._headers(token)
        if self._chance.random() < 0.1:  # noqa: PLR2004 - now and then
            headers["connection"] = "close"
        body = {"query": query, "variables": variables}
        self._judge(await client.post(self._url, json=body, headers=headers))

    def _judge(self, response: httpx.Response) -> None:
        for word in _MUST_NOT:
            if word in response.text:
                self.problems[word] += 1
        if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            self.problems["500"] += 1
        self.outcomes[str(response.status_code)] += 1

    def _headers(self, token: str | None = None) -> dict[str, str]:
        token = token or self._chance.choice(self._tokens)
        return {"content-type": "application/json", "authorization": f"Bearer {token}"}

    def _token(self, subject: str, *, lifetime: int) -> str:
        return self._signer.token(subject, scopes=_SCOPES, lifetime=lifetime, claims={})
