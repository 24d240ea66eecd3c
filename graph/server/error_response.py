"""The answer to a request that is refused before the app sees it, as bytes on the wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from graph.http.response_headers import REQUEST_ID, private_fields
from graph.http.responses import error_answer
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graph.server.request_validation import RefusedError


def refusal_bytes(
    refused: RefusedError, request_id: str, *, server_headers: Iterable[tuple[bytes, bytes]], with_body: bool
) -> bytes:
    """A whole answer, after which the connection ends.

    Args:
        refused: status, message and headers.
        request_id: the gateway's id of the request.
        server_headers: what the server adds to every answer, such as the date.
        with_body: False for an answer to HEAD.
    """
    answer = error_answer(
        refused.status,
        ErrorCode.BAD_REQUEST,
        request_id,
        message=refused.message,
        retryable=refused.status is HTTPStatus.REQUEST_TIMEOUT,
        headers=refused.headers,
    )
    length = str(len(answer.body)).encode("ascii")
    headers = [*server_headers, *answer.headers, (b"content-length", length), (b"connection", b"close")]
    headers.append((REQUEST_ID, request_id.encode("ascii")))
    lines = [f"HTTP/1.1 {refused.status.value} {refused.status.phrase}".encode("ascii")]
    lines += [name + b": " + value for name, value in private_fields(headers)]
    return b"\r\n".join([*lines, b"", answer.body if with_body else b""])
