"""Reads a request's body within bounds, and refuses what is not plain UTF-8 JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from graph.header_values import is_encoded, parts
from graph.http.accept import JSON
from graph.http.responses import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive

    from graph.http.headers import Fields


class ClientDisconnectedError(Exception):
    """The client went away before its request was complete."""


def check_content_type(fields: Fields, fault: Callable[[bytes], str | None]) -> None:
    """Accept `application/json` in UTF-8, uncompressed, and nothing else.

    The content type also keeps foreign web pages out: a browser asks before it sends JSON to another origin.

    Args:
        fields: the request's header.
        fault: `content_type_fault`, or what remembers its results.

    Raises:
        HttpError: 415.
    """
    given = fields.all(b"content-type")
    # Said twice, they may contradict each other; what a proxy in front has read is then anybody's guess.
    if len(given) > 1:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The Content-Type is given twice.")
    found = fault(given[0] if given else b"")
    if found is not None:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, found)
    encoding = fields.joined(b"content-encoding")
    if encoding is not None and is_encoded(encoding.decode("latin-1")):
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A compressed body is not accepted.")


def content_type_fault(content_type: bytes) -> str | None:
    """What is wrong with a content type, which must be JSON and name no encoding but UTF-8."""
    media_type, *parameters = parts(content_type.decode("latin-1").lower(), ";") or [""]
    if media_type != JSON:
        return "The Content-Type must be application/json."
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            return "The charset must be UTF-8."
    return None


async def read_body(fields: Fields, receive: Receive, *, limit: int) -> bytes:
    """Read the whole body, up to `limit` bytes.

    Raises:
        HttpError: 413, as soon as the length is known to be too large.
        ClientDisconnectedError: the client went away.
    """
    announced = fields.get(b"content-length")
    if announced is not None and announced.isdigit() and _exceeds(announced, limit):
        raise _too_large(limit)
    body = b""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        body = message.get("body", b"")
        size += len(body)
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
        if more and body:
            parts.append(body)
    # Mostly there is one part, which is the body.
    return b"".join([*parts, body]) if parts else body


def _too_large(limit: int) -> HttpError:
    return HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {limit} bytes.")


def _exceeds(digits: bytes, limit: int) -> bool:
    # Thousands of digits are compared by their number: Python refuses to convert them.
    significant = digits.lstrip(b"0")
    return len(significant) > len(str(limit)) or int(significant or b"0") > limit
