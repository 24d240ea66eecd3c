"""Reads a request's body within bounds, and refuses what is not plain UTF-8 JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from graph.web.negotiation import JSON
from graph.web.responses import HttpError

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Receive


class ClientDisconnectedError(Exception):
    """The client went away before its request was complete."""


def check_content_type(headers: Headers) -> None:
    """Accept `application/json` in UTF-8, uncompressed, and nothing else.

    The content type also keeps foreign web pages out: a browser asks before it sends JSON to another origin.

    Raises:
        HttpError: 415.
    """
    # Said twice, they may contradict each other; what a proxy in front has read is then anybody's guess.
    if len(headers.getlist("content-type")) > 1:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The Content-Type is given twice.")
    media_type, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    if media_type != JSON:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The charset must be UTF-8.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A compressed body is not accepted.")


async def read_body(headers: Headers, receive: Receive, *, limit: int) -> bytes:
    """Read the whole body, up to `limit` bytes.

    Raises:
        HttpError: 413, as soon as the length is known to be too large.
        ClientDisconnectedError: the client went away.
    """
    too_large = HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {limit} bytes.")
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and _exceeds(announced, limit):
        raise too_large
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        body += message.get("body", b"")
        if len(body) > limit:
            raise too_large
        more = message.get("more_body", False)
    return bytes(body)


def _exceeds(digits: str, limit: int) -> bool:
    # Thousands of digits are compared by their number: Python refuses to convert them.
    significant = digits.lstrip("0")
    return len(significant) > len(str(limit)) or int(significant or "0") > limit
