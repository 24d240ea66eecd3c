"""Reads a request's body within its size limit, and accepts only plain UTF-8 JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from graph.header_values import is_encoded, parts
from graph.http.accept import JSON
from graph.http.responses import HttpError

if TYPE_CHECKING:
    from starlette.types import Receive

    from graph.header_values import HeaderValues


def check_content_type(headers: HeaderValues) -> None:
    """Accept only `application/json` in UTF-8, uncompressed.

    The content type also keeps foreign web pages out: a browser sends a preflight before cross-origin JSON.

    Raises:
        HttpError: 415.
    """
    given = headers.get("content-type", ())
    # A proxy in front may have read the other one.
    if len(given) > 1:
        raise _unsupported("The Content-Type is given twice.")
    content_type = given[0] if given else ""
    if content_type != JSON:
        _check_media_type(content_type)
    if "content-encoding" in headers and is_encoded(", ".join(headers["content-encoding"])):
        raise _unsupported("A compressed body is not accepted.")


def _check_media_type(content_type: str) -> None:
    media_type, *parameters = parts(content_type.lower(), ";") or [""]
    if media_type != JSON:
        raise _unsupported("The Content-Type must be application/json.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise _unsupported("The charset must be UTF-8.")


async def read_body(headers: HeaderValues, receive: Receive, *, limit: int) -> bytes:
    """Read the whole body, up to `limit` bytes.

    Raises:
        HttpError: 413, as soon as the body is known to be too large.
        ClientDisconnect: the client disconnected.
    """
    if "content-length" in headers and _exceeds(headers["content-length"][0], limit):
        raise _too_large(limit)
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return bytes(body)


def _unsupported(message: str) -> HttpError:
    return HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)


def _too_large(limit: int) -> HttpError:
    return HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have at most {limit} bytes.")


def _exceeds(announced: str, limit: int) -> bool:
    # Python refuses to convert thousands of digits, so compare their count.
    significant = announced.lstrip("0")
    if not (significant.isascii() and significant.isdigit()):
        return False
    return len(significant) > len(str(limit)) or int(significant) > limit
