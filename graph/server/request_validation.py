"""What a request's head must be like before anything else looks at it. Functions of bytes, no I/O.

Sources: RFC 9110 section 7 and RFC 9112 sections 3 and 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from graph.server.authority import read_authority
from graph.server.rejection import bad_request

if TYPE_CHECKING:
    from collections.abc import Collection

VERSIONS: Final = ("1.0", "1.1")

_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)


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


def check_host(
    host: bytes | None, authority: bytes | None, version: str, allowed: Collection[bytes], *, fixed: bool = False
) -> None:
    """Take one valid `Host`, and a place that is allowed.

    An absolute target says where a request goes, whatever else `Host` says (RFC 9112 section 3.2.2).

    Args:
        host: the value of the header, None when it is absent.
        authority: what an absolute target names.
        version: the request's HTTP version; only 1.0 has requests without a host.
        allowed: see `HttpLimits.allowed_hosts`.
        fixed: see `HttpLimits.fixed_hosts`.

    Raises:
        RequestRejectedError: 400.
    """
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
