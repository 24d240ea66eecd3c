"""The part of HTTP/1.1 that a JSON POST needs, read strictly: no chunks, no folding, no bare LF."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BODY = 64 * 1024

_REQUEST_LINE = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/1\.1")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(|[!-~]|[!-~][ -~\t]*[!-~])[ \t]*")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found"}


class HttpError(Exception):
    """The bytes are not a request this server reads; the connection cannot be used further."""


@dataclass(frozen=True)
class Request:
    """One request with its header fields in order, names in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of one header field, in order."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may carry another request."""
        # The answer to HEAD and its like has other framing, so only POST keeps its connection.
        return self.method == "POST" and "close" not in ",".join(self.values("connection")).lower()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; None when the peer ended the connection instead."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise HttpError("HTTP: head too long") from None
    method, target, headers = _parse_head(head[:-4])
    try:
        body = await reader.readexactly(_body_length(headers))
    except asyncio.IncompleteReadError:
        return None
    return Request(method, target, headers, body)


def _parse_head(head: bytes) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    try:
        first, *lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        raise HttpError("HTTP: head is not ASCII") from None
    start = _REQUEST_LINE.fullmatch(first)
    if start is None:
        raise HttpError("HTTP: malformed request line")
    fields = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise HttpError("HTTP: malformed header line")
        fields.append((field[1].lower(), field[2]))
    return start[1], start[2], tuple(fields)


def _body_length(headers: Sequence[tuple[str, str]]) -> int:
    names = [name for name, _ in headers]
    if names.count("host") != 1:
        raise HttpError("HTTP: Host must occur exactly once")
    if "transfer-encoding" in names:
        raise HttpError("HTTP: Transfer-Encoding is not read, send Content-Length")
    lengths = [value for name, value in headers if name == "content-length"]
    if len(lengths) > 1 or any(not re.fullmatch(r"[0-9]{1,9}", value) for value in lengths):
        raise HttpError("HTTP: Content-Length must be one number")
    length = int(lengths[0]) if lengths else 0
    if length > MAX_BODY:
        raise HttpError("HTTP: body too long")
    return length


def render_response(status: int, headers: Sequence[tuple[str, str]], body: bytes, *, keep: bool) -> bytes:
    """A whole JSON response as bytes."""
    fields = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "keep-alive" if keep else "close"),
        *headers,
    ]
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields)
    return head.encode("ascii") + b"\r\n" + body
