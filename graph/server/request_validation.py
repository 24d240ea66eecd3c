"""What a request's head must be like before anything else looks at it. Functions of bytes, no I/O.

Sources: RFC 9110 section 7 and RFC 9112 sections 3 and 6.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from graph.header_values import parts
from graph.server.authority import read_authority
from graph.server.rejection import RequestRejectedError, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graph.server.limits import HttpLimits

_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_ALLOW: Final = (b"allow", b"GET, POST")


def check_line(method: bytes, version: str) -> None:
    """Take the versions and methods that there are answers to.

    Raises:
        RequestRejectedError: 505 or 405.
    """
    if version not in ("1.0", "1.1"):
        raise RequestRejectedError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "The HTTP version must be 1.0 or 1.1.")
    if method == b"CONNECT":
        raise RequestRejectedError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET or POST.", _ALLOW)


def origin_form(target: bytes, method: bytes) -> tuple[bytes, bytes | None]:
    """A request target as path and query, and the authority that an absolute target names.

    A proxy sends absolute targets; every server must take them.

    Raises:
        RequestRejectedError: 400.
    """
    if b"#" in target:
        raise bad_request("The request target has a fragment.")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise bad_request("The request target is not a path.")
    path = absolute[2]
    return path if path.startswith(b"/") else b"/" + path, absolute[1]


def read_headers(headers: Iterable[tuple[bytes, bytes]], version: str) -> tuple[bytes | None, bool]:
    """The `Host`, and whether the client waits for a word before it sends its body.

    httptools itself rejects two lengths, two encodings, and one beside the other.

    Raises:
        RequestRejectedError: 400, when two readers could take the headers differently.
    """
    host, expects_continue = None, False
    for name, value in headers:
        match name:
            case b"host" if host is not None:
                raise bad_request("The Host header is given twice.")
            case b"host":
                host = value
            case b"transfer-encoding" if version == "1.0":
                raise bad_request("HTTP/1.0 has no Transfer-Encoding.")
            case b"transfer-encoding" if value.lower() != b"chunked":
                # httptools takes `gzip, chunked`, which nobody would decompress, and rejects `identity` only when
                # the app runs already.
                raise bad_request("The Transfer-Encoding must be chunked.")
            case b"expect" if version != "1.0" and "100-continue" in parts(value.decode("latin-1").lower()):
                expects_continue = True
    return host, expects_continue


def check_host(host: bytes | None, authority: bytes | None, version: str, limits: HttpLimits) -> None:
    """Take one valid `Host`, and a place that is allowed.

    An absolute target, with its authority, says where a request goes, whatever else `Host` says (RFC 9112 section
    3.2.2). Only HTTP/1.0 has requests without a host.

    Raises:
        RequestRejectedError: 400.
    """
    allowed, fixed = limits.allowed_hosts, limits.fixed_hosts
    bound = bool(allowed) and not fixed
    if host is None and (version != "1.0" or (bound and authority is None)):
        raise bad_request("The Host header is missing.")
    place = None
    if host is not None:
        place = read_authority(host)
        if place is None:
            raise bad_request("The Host header is not valid.")
    if authority is not None:
        place = read_authority(authority)
        if place is None:
            raise bad_request("The request target names no valid host.")
    # Without any host it is no browser.
    if place is None or not (allowed or fixed):
        return
    if not place.is_among(allowed) and not (fixed and place.is_fixed):
        raise bad_request("The Host is not one of this gateway's.")
