"""Rejections: requests that the server answers before the app sees them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Header = tuple[bytes, bytes]


class RequestRejectedError(Exception):
    """A rejected request: its status, a constant message, and headers that the status requires."""

    def __init__(self, status: HTTPStatus, message: str, *headers: Header) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def bad_request(message: str) -> RequestRejectedError:
    """A rejection with status 400."""
    return RequestRejectedError(HTTPStatus.BAD_REQUEST, message)


class RejectionResponse(NamedTuple):
    """The response to a rejected request, without the headers that the server adds to every response."""

    headers: Sequence[Header]
    body: bytes
    request_id: str
    """For the log."""

    def as_bytes(self, status: HTTPStatus, server_headers: Iterable[Header], *, with_body: bool) -> bytes:
        """The complete response, which closes the connection; a response to HEAD has no body."""
        end = ((b"content-length", b"%d" % len(self.body)), (b"connection", b"close"))
        lines = [b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode("ascii"))]
        lines += [b"%b: %b" % header for header in (*server_headers, *self.headers, *end)]
        return b"\r\n".join([*lines, b"", self.body if with_body else b""])
