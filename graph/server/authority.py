"""The authority of a URL, which the `Host` header holds as well: a name or address, and perhaps a port.

Sources: RFC 3986 section 3.2 and RFC 9110 section 7.2.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

# Neither a user before the host nor a percent sign in it: no client sends them, and readers differ about them.
_AUTHORITY: Final = re.compile(
    rb"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[([0-9a-f:.]{2,45})\])(?::([0-9]*))?", re.IGNORECASE
)
_MAX_BYTES: Final = 255
_MAX_PORT: Final = 65535
_DEFAULT_PORTS: Final = (80, 443)


class Authority(NamedTuple):
    """A host in the one form that all spellings of it share."""

    host: bytes
    """In lower case and without a dot at the end; an IPv6 address in brackets, in its shortest form."""
    port: int | None
    """None where there is none or an empty one."""

    @property
    def text(self) -> bytes:
        """As it stands in a URL."""
        return self.host if self.port is None else b"%b:%d" % (self.host, self.port)

    def is_among(self, allowed: Collection[bytes]) -> bool:
        """Whether it is listed, with its port or without one; each as the `text` of an authority.

        Where no port is named it is the scheme's. That may be either: this gateway does not know whether somebody
        in front of it ends TLS.
        """
        ports = _DEFAULT_PORTS if self.port is None else (self.port,)
        return self.host in allowed or any(Authority(self.host, port).text in allowed for port in ports)

    @property
    def is_fixed(self) -> bool:
        """Whether nobody can make it mean another machine: an address, or a name of this machine (RFC 6761)."""
        if self.host == b"localhost" or self.host.endswith(b".localhost"):
            return True
        return _address(self.host.strip(b"[]")) is not None


def read_authority(text: bytes) -> Authority | None:
    """What a text in any letters names, or None when it is not valid."""
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
