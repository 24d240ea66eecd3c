"""Answers, and the errors of HTTP itself."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

from graph.errors import RETRY_AFTER_MS
from graph.http.accept import GRAPHQL_RESPONSE, JSON
from schema.errors import MESSAGES, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Send

Headers = list[tuple[bytes, bytes]]


class HttpError(Exception):
    """A request that is refused before any GraphQL is looked at.

    Args:
        status: the HTTP status.
        message: constant text.
        headers: headers that the status asks for, such as `Allow`.
    """

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or []


@dataclass(slots=True)
class Answer:
    """One complete HTTP answer. Nobody changes it; freezing it would cost more than the rest of making it."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        """Send it; the length is added here."""
        length = (b"content-length", str(len(self.body)).encode("ascii"))
        await send({"type": "http.response.start", "status": int(self.status), "headers": [*self.headers, length]})
        await send({"type": "http.response.body", "body": self.body})


_CHARSET: Final = b"; charset=utf-8"
JSON_FIELDS: Final = {
    media_type: ((b"content-type", media_type.encode("ascii") + _CHARSET),)
    for media_type in (JSON, GRAPHQL_RESPONSE)
}
"""The header fields of an answer, by its media type."""


def json_answer(
    status: int, payload: dict[str, Any], *, media_type: str = JSON, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Answer:
    """An answer of a JSON media type."""
    fields = JSON_FIELDS[media_type]
    return Answer(status, orjson.dumps(payload), (*fields, *headers) if headers else fields)


def error_answer(
    status: HTTPStatus,
    code: ErrorCode,
    request_id: str,
    *,
    message: str | None = None,
    retryable: bool = False,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Answer:
    """A refusal that no GraphQL error stands for, in the form of one; by default in the code's words."""
    extensions = {"code": code.value, "retryable": retryable, "requestId": request_id}
    error = {"message": message or MESSAGES[code], "extensions": extensions}
    return json_answer(status, {"errors": [error]}, headers=headers)


_PLACEHOLDER: Final = "@"
_OVERLOADED: Final = orjson.dumps(
    {
        "errors": [
            {
                "message": MESSAGES[ErrorCode.OVERLOADED],
                "extensions": {
                    "code": ErrorCode.OVERLOADED.value,
                    "retryable": True,
                    "requestId": _PLACEHOLDER,
                    "retryAfterMs": RETRY_AFTER_MS,
                },
            }
        ]
    }
)
_OVERLOADED_HEAD, _, _OVERLOADED_TAIL = _OVERLOADED.partition(_PLACEHOLDER.encode())
_RETRY_AFTER: Final = (b"retry-after", str(RETRY_AFTER_MS // 1000).encode("ascii"))
OVERLOADED_FIELDS: Final = {media_type: (*fields, _RETRY_AFTER) for media_type, fields in JSON_FIELDS.items()}
"""The header fields of the refusal of what may be tried again soon, by its media type."""


def overloaded(request_id: str, media_type: str = JSON) -> Answer:
    """The refusal of what may be tried again soon. Made of bytes that are ready: it costs next to nothing."""
    body = _OVERLOADED_HEAD + request_id.encode("ascii") + _OVERLOADED_TAIL
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, body, OVERLOADED_FIELDS[media_type])


def cut_off(request_id: str) -> Answer:
    """The answer to what is cancelled at the end of the process. The server's own would lack our headers."""
    return overloaded(request_id)


def unforeseen(request_id: str) -> Answer:
    """The answer to what nobody foresaw, without internals. The server's own would lack our headers."""
    return error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.INTERNAL_SERVER_ERROR, request_id)
