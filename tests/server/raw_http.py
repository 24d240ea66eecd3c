"""A client that sends raw bytes and parses responses strictly."""

from __future__ import annotations

import json
import select
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.server.live_server import PATIENCE

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class RawAnswer:
    """One response as received."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header field."""
        return [value for field, value in self.headers if field == name]

    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


class Wire:
    """A connection to a port of this machine."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.connect(("127.0.0.1", port))
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def send_until_refused(self, data: bytes) -> None:
        """Send as much as the other side accepts."""
        try:
            self._socket.sendall(data)
        except OSError:
            # The other side has closed the connection; what it sent before can still be read.
            return

    def end(self) -> None:
        """Close the sending side."""
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self, *, head_only: bool = False) -> RawAnswer:
        """Read one response."""
        head = self._read_until(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1"
        headers = [(line.partition(": ")[0].lower(), line.partition(": ")[2]) for line in lines]
        lengths = [value for name, value in headers if name == "content-length"]
        length = 0 if status == "100" or head_only else int(lengths[0])
        while len(self._read) < length:
            self._read += self._receive()
        body, self._read = self._read[:length], self._read[length:]
        return RawAnswer(int(status), headers, body)

    def rest(self) -> bytes:
        """Everything up to the end of the connection, which the server must close."""
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                rest, self._read = self._read, b""
                return rest
            self._read += data

    def some(self, most: int) -> bytes:
        """The next bytes; empty at the end."""
        return self._socket.recv(most)

    def await_unread(self, length: int) -> None:
        """Wait until that many bytes have arrived, and leave them unread."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, length)
        assert self.has_news(PATIENCE)

    def has_news(self, seconds: float) -> bool:
        """Whether something can be read, now or soon."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._read:
            self._read += self._receive()
        end = self._read.index(mark) + len(mark)
        part, self._read = self._read[:end], self._read[end:]
        return part

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise EOFError(f"the connection ended after {self._read!r}")
        return data


def exchange(port: int, data: bytes) -> RawAnswer:
    """Send bytes, read one response, and assert that the connection closes without further data."""
    with Wire(port) as wire:
        wire.send_until_refused(data)
        answer = wire.answer(head_only=data.startswith(b"HEAD "))
        assert wire.rest() == b""
        return answer


def assert_is_a_refusal(answer: RawAnswer, status: int = 400) -> None:
    """Assert the format of a rejection."""
    assert status == answer.status
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {
        "code": "BAD_REQUEST",
        "retryable": status == 408,
        "requestId": answer.values("x-request-id")[0],
    }
    assert error["message"].endswith(".")
    assert answer.values("content-type") == ["application/json; charset=utf-8"]
    assert answer.values("cache-control") == ["private, no-store"]
    assert answer.values("x-content-type-options") == ["nosniff"]
    assert answer.values("connection") == ["close"]
    assert len(answer.values("date")) == 1
    assert answer.values("server") == []


def head(target: bytes, *fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """The head of a request with these parts, unchanged."""
    return b"\r\n".join([method + b" " + target + b" HTTP/" + version, *fields, b"", b""])


def seen(port: int, data: bytes) -> Any:
    """The request as the probe sees it."""
    with Wire(port) as wire:
        wire.send(data)
        answer = wire.answer()
        assert answer.status == 200
        return answer.json()
