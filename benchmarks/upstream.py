"""A Konaplate that costs next to nothing: canned plain answers from one event loop, in a process of its own.

`python -m benchmarks.upstream [MILLISECONDS [PUBLIC_KEY]]` answers at once, or after that time. It checks nothing.
The number that a request asks for becomes the answer's, so that no two cards share a member and nobody can save
the second call. A sealed request is not opened: it gets one of a few hundred cards that were sealed at the start,
with the client's public key in that file. For whom they are, nobody can tell.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import httptools
import uvloop
from joserfc import jwe
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE_PATH: Final = "/open-api"
CARD_PATH: Final = BASE_PATH + "/api/v1/user/card/info"
MEMBER_PATH: Final = BASE_PATH + "/api/v1/user/info"
CALLS_PATH: Final = "/calls"
"""Answers how many calls there were so far."""
DELAY_PATH: Final = "/delay/"
"""With milliseconds behind it: how long calls take from now on."""

_FIRST_MEMBER: Final = 10**15
_SEALED: Final = 256
_SIXTEEN_DIGITS: Final = re.compile(rb"[0-9]{16}")
_SUCCESS: Final = b'{"response":{"code":"000_000","description":"Success."},'

_CARD: Final = (
    _SUCCESS + b'"userId":%b,"balance":152300,"serviceId":"100000000000001","serviceName":"Benchmark card",'
    b'"ownerKa":"100000000000002","cashReceiptInfo":{"approvalDiv":"0","idNo":"01012345678","manYn":"1"},'
    b'"cardStatus":"ACTIVE","isAutoRechargeBeforePayment":true}'
)
_MEMBER: Final = (
    _SUCCESS + b'"userInfo":{"aspId":"100000000000002","userId":%b,"birthDate":"19900102","ci":"-",'
    b'"loginId":"member@example.com","nationality":"Korean","gender":"Female","mobileNumber":"01012345678",'
    b'"userName":"Hong Gildong","email":"member@example.com"}}'
)
_REFUSED: Final = b'{"response":{"code":"000_002","description":"Invalid input parameter."}}'
_NOT_FOUND: Final = b'{"response":{"code":"020_998","description":"No such path."}}'


@dataclass(slots=True)
class Calls:
    """How often each API was called."""

    card: int = 0
    member: int = 0
    sealed: Iterator[bytes] | None = None
    """Answers to sealed requests."""
    seconds: float = 0.0
    """How long a call takes."""

    def answer(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Status line and body of the answer to one request."""
        if path == CALLS_PATH.encode():
            return b"200 OK", b'{"card":%d,"member":%d}' % (self.card, self.member)
        if path.startswith(DELAY_PATH.encode()):
            self.seconds = int(path.removeprefix(DELAY_PATH.encode())) / 1000
            return b"200 OK", b"{}"
        if self.sealed is not None and body.startswith(b'{"encData"'):
            self.card += 1
            return b"200 OK", next(self.sealed)
        number = _SIXTEEN_DIGITS.search(body)
        if path == CARD_PATH.encode():
            self.card += 1
            template = _CARD
        elif path == MEMBER_PATH.encode():
            self.member += 1
            template = _MEMBER
        else:
            return b"404 Not Found", _NOT_FOUND
        return (b"400 Bad Request", _REFUSED) if number is None else (b"200 OK", template % number[0])


class _Connection(asyncio.Protocol):
    """One client connection. The lower half of the methods is called by httptools' parser."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._forget()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-km-correlation-id":
            self._echo = b"X-KM-Correlation-Id: %b\r\n" % value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, body = self._calls.answer(self._path, self._body)
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
        self._answer(head % (status, len(body), self._echo) + body, stays=self._parser.should_keep_alive())
        self._forget()

    def _answer(self, answer: bytes, *, stays: bool) -> None:
        if self._calls.seconds:
            asyncio.get_running_loop().call_later(self._calls.seconds, self._send, answer, stays)
        else:
            self._send(answer, stays)

    def _send(self, answer: bytes, stays: bool) -> None:  # noqa: FBT001 - called by the loop
        # A client that ends a run does not wait for answers that were delayed.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)
            if not stays:
                self._transport.close()

    def _forget(self) -> None:
        self._path = b""
        self._body = b""
        self._echo = b""


async def start_upstream(calls: Calls) -> asyncio.Server:
    """Listen on loopback, on a port that is free."""
    return await asyncio.get_running_loop().create_server(lambda: _Connection(calls), "127.0.0.1", 0)


def base_url(server: asyncio.Server) -> str:
    """What a client of this upstream takes as the vendor's base URL."""
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{BASE_PATH}"


def sealed_cards(public_key: str) -> Iterator[bytes]:
    """Cards that only the owner of the key can open, over and over."""
    key = RSAKey.import_key(public_key)
    header = {"enc": "A128GCM", "alg": "RSA-OAEP-256"}
    members = range(_FIRST_MEMBER, _FIRST_MEMBER + _SEALED)
    jwes = (jwe.encrypt_compact(dict(header), _CARD % b"%d" % one, key, list(header.values())) for one in members)
    return itertools.cycle([b'{"encData":"%b"}' % one.encode() for one in jwes])


async def _serve(milliseconds: int, sealed: Iterator[bytes] | None) -> None:
    server = await start_upstream(Calls(sealed=sealed, seconds=milliseconds / 1000))
    print(f"upstream answers on {base_url(server)}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    key_files = [Path(name) for name in sys.argv[2:3]]
    sealing = next((sealed_cards(path.read_text(encoding="ascii")) for path in key_files), None)
    uvloop.run(_serve(int((sys.argv[1:] or ["0"])[0]), sealing))
