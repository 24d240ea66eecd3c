"""What a request's head must be like before anything else looks at it. Functions of bytes, no I/O.

Sources: RFC 9110 section 7 and RFC 9112 sections 3 and 6.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

VERSIONS: Final = ("1.0", "1.1")

_HOST: Final = re.compile(rb"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
_MAX_HOST: Final = 255
_PORT: Final = re.compile(rb":[0-9]+\Z")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)


class RefusedError(Exception):
    """A request that is refused before the app sees it.

    Args:
        status: the HTTP status.
        message: constant text.
        headers: headers that the status asks for, such as `Allow`.
    """

    def __init__(self, status: HTTPStatus, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def bad_request(message: str) -> RefusedError:
    """A refusal with status 400."""
    return RefusedError(HTTPStatus.BAD_REQUEST, message)


def too_large(message: str) -> RefusedError:
    """A refusal with status 431."""
    return RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, message)


def too_slow(message: str) -> RefusedError:
    """A refusal with status 408."""
    return RefusedError(HTTPStatus.REQUEST_TIMEOUT, message)


def is_host(text: bytes) -> bool:
    """Whether a text in lower case is a name or address with or without a port."""
    return len(text) <= _MAX_HOST and _HOST.fullmatch(text) is not None


def origin_form(target: bytes, method: bytes) -> tuple[bytes, bytes | None]:
    """A request target as path and query, and the authority that an absolute target names.

    A proxy sends absolute targets; every server must take them.

    Raises:
        RefusedError: 400.
    """
    if b"#" in target:
        raise bad_request("The request target has a fragment.")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise bad_request("The request target is not a path.")
    path = absolute[2]
    return path if path.startswith(b"/") else b"/" + path, absolute[1].lower()


def check_host(host: bytes | None, authority: bytes | None, version: str, allowed: Collection[bytes]) -> None:
    """Take one valid `Host` that agrees with the target and is allowed.

    Args:
        host: the value of the header, None when it is absent.
        authority: what an absolute target names, in lower case.
        version: the request's HTTP version; only 1.0 has requests without a host.
        allowed: see `HttpLimits.allowed_hosts`.

    Raises:
        RefusedError: 400.
    """
    if host is None and version != "1.0":
        raise bad_request("The Host header is missing.")
    name = authority if host is None else host.lower()
    if name is None:
        if allowed:
            raise bad_request("The Host header is missing.")
        return
    if not is_host(name):
        raise bad_request("The Host header is not valid.")
    # Strictly, the target would win. Whoever sends two different names wants two readers to differ.
    if authority is not None and authority != name:
        raise bad_request("The Host header does not fit the request target.")
    if allowed and not _is_allowed(name, allowed):
        raise bad_request("The Host is not one of this gateway's.")


def _is_allowed(name: bytes, allowed: Collection[bytes]) -> bool:
    port = _PORT.search(name)
    bare = (name[: port.start()] if port else name).removesuffix(b".")
    return bare in allowed or (port is not None and bare + port[0] in allowed)
