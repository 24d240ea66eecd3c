"""A request that the server rejects before the app sees it, and the answer to it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Header = tuple[bytes, bytes]


class RequestRejectedError(Exception):
    """A request that is rejected before the app sees it.

    Args:
        status: the HTTP status.
        message: constant text.
        headers: headers that the status asks for, such as `Allow`.
    """

    def __init__(self, status: HTTPStatus, message: str, *headers: Header) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def bad_request(message: str) -> RequestRejectedError:
    """A rejection with status 400."""
    return RequestRejectedError(HTTPStatus.BAD_REQUEST, message)


def too_large(message: str) -> RequestRejectedError:
    """A rejection with status 431."""
    return RequestRejectedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, message)


def too_slow(message: str) -> RequestRejectedError:
    """A rejection with status 408."""
    return RequestRejectedError(HTTPStatus.REQUEST_TIMEOUT, message)


@dataclass(frozen=True, slots=True)
class RejectionResponse:
    """The answer to a rejected request, but for what the server adds to every answer."""

    headers: Sequence[Header]
    body: bytes
    request_id: str | None = None
    """Of the request, for the log."""


def plain_response(rejected: RequestRejectedError) -> RejectionResponse:
    """An answer of plain text."""
    text = (b"content-type", b"text/plain; charset=utf-8")
    return RejectionResponse((*rejected.headers, text), rejected.message.encode())


def as_bytes(
    status: HTTPStatus, response: RejectionResponse, server_headers: Iterable[Header], *, with_body: bool
) -> bytes:
    """A whole answer, after which the connection ends.

    Args:
        status: of the rejection.
        response: the rest of it.
        server_headers: what the server adds to every answer, such as the date.
        with_body: False for an answer to HEAD.
    """
    length = b"%d" % len(response.body)
    headers = [*server_headers, *response.headers, (b"content-length", length), (b"connection", b"close")]
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode("ascii")]
    lines += [b"%b: %b" % header for header in headers]
    return b"\r\n".join([*lines, b"", response.body if with_body else b""])
