"""Checks of a request's head, before anything else looks at it, and the rejection of a request. No I/O.

Sources: RFC 3986 section 3.2, RFC 9110 section 7 and RFC 9112 sections 3 and 6.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.header_values import parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from graph.server.limits import HttpLimits

    Header = tuple[bytes, bytes]

# No user info and no percent-encoding: clients do not send them, and parsers disagree about them.
_AUTHORITY: Final = re.compile(
    rb"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[([0-9a-f:.]{2,45})\])(?::([0-9]*))?", re.IGNORECASE
)
_MAX_BYTES: Final = 255
_MAX_PORT: Final = 65535
_MAX_SHOWN: Final = 100
_DEFAULT_PORTS: Final = (80, 443)
_ABSOLUTE_FORM: Final = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_ALLOW: Final = (b"allow", b"GET, POST, QUERY")


class RequestRejectedError(Exception):
    """A rejected request: its status, a constant message, and headers that the status requires.

    `host` is the refused `Host`, for the log; None if it is too long, or not what is wrong.
    """

    def __init__(self, status: HTTPStatus, message: str, *headers: Header, host: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.host = host


def bad_request(message: str, host: str | None = None) -> RequestRejectedError:
    """A rejection with status 400."""
    return RequestRejectedError(HTTPStatus.BAD_REQUEST, message, host=host)


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


def check_request_line(method: bytes, version: str) -> None:
    """Reject versions and methods that are not supported.

    Raises:
        RequestRejectedError: 505 or 405.
    """
    if version not in ("1.0", "1.1"):
        raise RequestRejectedError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "The HTTP version must be 1.0 or 1.1.")
    if method == b"CONNECT":
        raise RequestRejectedError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET, POST or QUERY.", _ALLOW)


def origin_form(target: bytes, method: bytes) -> tuple[bytes, bytes | None]:
    """Path and query of a request target, and the authority of an absolute one, which proxies send.

    Raises:
        RequestRejectedError: 400.
    """
    if b"#" in target:
        raise bad_request("The request target has a fragment.")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        raise bad_request("The request target is not a path.")
    path = absolute[2]
    return path if path.startswith(b"/") else b"/" + path, absolute[1]


def read_headers(headers: Iterable[tuple[bytes, bytes]], version: str) -> tuple[bytes | None, bool]:
    """The `Host`, and whether the client expects `100-continue`.

    httptools itself rejects a repeated or combined Content-Length and Transfer-Encoding.

    Raises:
        RequestRejectedError: 400, when two parsers could read the headers differently.
    """
    host, expects_continue = None, False
    for name, value in headers:
        match name:
            case b"host" if host is not None:
                raise bad_request("The Host header is given twice.")
            case b"host":
                host = value
            case b"transfer-encoding" if value.lower() != b"chunked":
                # httptools accepts `gzip, chunked`, which nobody would decompress, and rejects `identity` only
                # after the app has started.
                raise bad_request("The Transfer-Encoding must be chunked.")
            case b"transfer-encoding" if version == "1.0":
                raise bad_request("HTTP/1.0 has no Transfer-Encoding.")
            case b"expect" if version != "1.0" and "100-continue" in parts(value.decode("latin-1").lower()):
                expects_continue = True
    return host, expects_continue


def check_host(host: bytes | None, authority: bytes | None, version: str, limits: HttpLimits) -> None:
    """Require one valid `Host`, and an allowed one.

    The authority of an absolute target overrides `Host` (RFC 9112 section 3.2.2). Only HTTP/1.0 has requests
    without a host.

    Raises:
        RequestRejectedError: 400.
    """
    allowed, fixed = limits.allowed_hosts, limits.fixed_hosts
    bound = bool(allowed) and not fixed
    if host is None and (version != "1.0" or (bound and authority is None)):
        raise bad_request("The Host header is missing.")
    parsed = None
    if host is not None:
        parsed = parse_authority(host)
        if parsed is None:
            raise bad_request("The Host header is not valid.")
    if authority is not None:
        parsed = parse_authority(authority)
        if parsed is None:
            raise bad_request("The request target names no valid host.")
    # A request without any host does not come from a browser.
    if parsed is None or not (allowed or fixed):
        return
    if not parsed.is_among(allowed) and not (fixed and parsed.is_fixed):
        name = parsed.text.decode("ascii")
        shown = name if len(name) <= _MAX_SHOWN else None
        raise bad_request("The Host is not one of KONAGRAPH_ALLOWED_HOSTS.", shown)


class Authority(NamedTuple):
    """A host and port in normalized form."""

    host: bytes
    """In lower case, without a trailing dot; an IPv6 address in brackets and in its shortest form."""
    port: int | None
    """None if missing or empty."""

    @property
    def text(self) -> bytes:
        """As in a URL."""
        return self.host if self.port is None else b"%b:%d" % (self.host, self.port)

    def is_among(self, allowed: Collection[bytes]) -> bool:
        """Whether it is listed with its port or without one; entries have the form of `text`.

        A missing port means the scheme's. Either is possible, as a proxy in front may terminate TLS.
        """
        ports = _DEFAULT_PORTS if self.port is None else (self.port,)
        return self.host in allowed or any(Authority(self.host, port).text in allowed for port in ports)

    @property
    def is_fixed(self) -> bool:
        """Whether DNS cannot change what it means: an IP address, or localhost (RFC 6761)."""
        if self.host == b"localhost" or self.host.endswith(b".localhost"):
            return True
        return _address(self.host.strip(b"[]")) is not None


def parse_authority(text: bytes) -> Authority | None:
    """Parse an authority; None if it is not valid."""
    match = _AUTHORITY.fullmatch(text) if len(text) <= _MAX_BYTES else None
    if match is None:
        return None
    host = match[1].lower().removesuffix(b".")
    if match[2] is not None:
        address = _address(match[2])
        if not isinstance(address, IPv6Address):
            return None
        host = b"[%b]" % address.compressed.encode("ascii")
    port = int(match[3]) if match[3] else None
    return None if port is not None and port > _MAX_PORT else Authority(host, port)


def _address(text: bytes) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.decode("ascii"))
    except ValueError:
        return None
