"""Requests and responses of httpx's whose headers stay bytes until somebody asks for httpx's form of them.

httpx looks at each header four times and copies the URL, which costs more than sending a request and reading its
response.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from graph.konaplate.transport.lean import WholeBody

RawHeaders = list[tuple[bytes, bytes]]
Server = tuple[str, bytes, int | None]
"""Its scheme, its host and its port, as a URL has them."""

# Given in place of none, it is only copied.
_NO_HEADERS = httpx.Headers()


class Template:
    """What many requests have in common, made ready once.

    Args:
        url: where they go.
        headers: those that all of them have.
    """

    def __init__(self, url: str, headers: RawHeaders) -> None:
        # For the headers that httpx adds.
        blank = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(b""))
        self.url = blank.url
        self.server = server_of(blank.url)
        self.raw_headers = [(b"Host", blank.url.netloc), *headers]
        self.head = request_line(blank) + header_lines(self.raw_headers)


class TemplateRequest(httpx.Request):
    """A POST request made from a template.

    Args:
        template: what it has in common with others.
        raw_headers: its further headers.
        body: what is sent.
        extensions: as those of httpx.Request.
    """

    def __init__(
        self, template: Template, raw_headers: RawHeaders, body: bytes, extensions: dict[str, Any]
    ) -> None:
        # All that httpx documents of a request; its own way to them is the one that costs.
        self.method = "POST"
        self.url = template.url
        self.stream = httpx.ByteStream(body)
        self.extensions = extensions
        self.template = template
        self.raw_headers = raw_headers
        self.body = body

    @cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override] # an attribute there
        """All headers, for other transports than ours."""
        return httpx.Headers([*self.template.raw_headers, *self.raw_headers])

    def sent(self) -> bytes:
        """The bytes to send."""
        return b"".join((self.template.head, header_lines(self.raw_headers), b"\r\n", self.body))


class WholeResponse(httpx.Response):
    """A response that was read whole.

    Args:
        status: its status code.
        raw_headers: its headers.
        body: its content.
    """

    def __init__(self, status: int, raw_headers: RawHeaders, body: WholeBody) -> None:
        extensions = {"http_version": b"HTTP/1.1", "network_stream": body.connection}
        super().__init__(status, headers=_NO_HEADERS, stream=body, extensions=extensions)
        # Made when they are asked for.
        del self.headers
        self.raw_headers = raw_headers
        self.body = body

    @cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override] # an attribute there
        """The headers, for who wants more than `raw_headers`."""
        return httpx.Headers(self.raw_headers)


def server_of(url: httpx.URL) -> Server:
    """Where a URL leads."""
    return url.scheme, url.raw_host, url.port


async def request_bytes(request: httpx.Request) -> bytes:
    """The bytes to send for any request.

    Raises:
        httpx.LocalProtocolError: when a value would break out of its line.
    """
    head = request_line(request) + header_lines(request.headers.raw)
    return b"%b\r\n%b" % (head, await request.aread())


def request_line(request: httpx.Request) -> bytes:
    """The first line of a request, its end included."""
    return b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path)


def header_lines(headers: RawHeaders) -> bytes:
    """The lines of headers, their ends included.

    Raises:
        httpx.LocalProtocolError: when a value would break out of its line.
    """
    lines = b"\r\n".join([*map(b": ".join, headers), b""])
    if lines.count(b"\r") != len(headers) or lines.count(b"\n") != len(headers) or b"\0" in lines:
        raise httpx.LocalProtocolError("A header holds a line break.")
    return lines
