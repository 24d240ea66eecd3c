"""A raw socket client that builds correct calls by hand, for tests to spoil."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .jwe import seal
from .konaplate import CARD_PATH, Credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CARD = "9491339400005678"
MEMBER = 9999999999999999999
KST = timezone(timedelta(hours=9))
SENT = [
    "Content-Type", "Accept", "X-KM-User-AspId", "X-KM-Correlation-Id", "X-KM-Access-Key",
    "X-KM-Crypto-Key-Id", "X-KM-Tran-Token", "X-KM-Tran-Time", "X-KM-Time-Zone",
]  # fmt: skip


@cache
def keys() -> Credentials:
    """One set of credentials for the whole module: RSA keys are slow to make."""
    return Credentials.generate()


def sealed(payload: bytes = json.dumps({"cardNo": CARD}).encode()) -> str:
    """A payload sealed as a client must."""
    return seal(payload, keys().server_public_key_pem, "A128GCM")


def envelope(compact: str) -> bytes:
    """The body around a compact JWE."""
    return json.dumps({"encData": compact}).encode()


class Draft:
    """A request that can be spoiled before it is sent."""

    def __init__(self, body: bytes, path: str = CARD_PATH, *, zone: str = "KST", shift: int = 0) -> None:
        """A correct request, apart from what the arguments spoil."""
        self.method, self.path, self.body = "POST", path, body
        now = datetime.now(KST if zone == "KST" else UTC) + timedelta(seconds=shift)
        self.time = now.strftime("%Y%m%d%H%M%S")
        values = ["application/json", "application/json", keys().asp_id]
        values += [f"{self.time[2:]}-{secrets.token_hex(4)[:7]}", keys().access_key]
        values += [keys().crypto_key_id, self.token(self.time, body), self.time, zone]
        self.headers = [["Host", "127.0.0.1"], *map(list, zip(SENT, values, strict=True))]

    @staticmethod
    def token(time: str, signed: bytes) -> str:
        """A token at millisecond 7 over these bytes."""
        mac = hmac.new(keys().secret_key.encode(), signed, hashlib.sha256).digest()
        return f"KMV1:{time}007:{base64.b64encode(mac).decode()}"

    def edit(self, name: str, change: Callable[[str], str]) -> Draft:
        """Change the value of one header."""
        self.headers = [[key, change(value) if key == name else value] for key, value in self.headers]
        return self

    def without(self, name: str) -> Draft:
        """Drop one header."""
        self.headers = [pair for pair in self.headers if pair[0] != name]
        return self

    def twice(self, name: str) -> Draft:
        """Repeat one header."""
        self.headers += [pair for pair in self.headers if pair[0] == name]
        return self

    def add(self, name: str, value: str) -> Draft:
        """Send one more header."""
        self.headers.append([name, value])
        return self

    def signed_over(self, other: bytes) -> Draft:
        """Compute the token over other bytes than the body."""
        return self.edit("X-KM-Tran-Token", lambda _: self.token(self.time, other))

    def call(self, method: str = "POST", path: str = CARD_PATH) -> Draft:
        """Change the request line."""
        self.method, self.path = method, path
        return self

    def raw(self) -> bytes:
        """The bytes to send."""
        fields = [*self.headers, ["Content-Length", str(len(self.body))]]
        lines = [f"{self.method} {self.path} HTTP/1.1", *(": ".join(pair) for pair in fields)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class Client:
    """One keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap an open connection."""
        self.reader, self.writer = reader, writer

    async def send(self, raw: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Send bytes and read one response: status, headers, JSON."""
        self.writer.write(raw)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split(" ")[1]), headers, json.loads(body)


@asynccontextmanager
async def connect(base_url: str) -> AsyncIterator[Client]:
    """Open one connection and close it at the end."""
    url = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
