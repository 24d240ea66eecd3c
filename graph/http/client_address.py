"""The client's address, also behind trusted proxies.

Source: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#selecting_an_ip_address
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import Scope

    from graph.header_values import HeaderValues

Network = IPv4Network | IPv6Network

_UNKNOWN: Final = "unknown"
# Proxies write an address bare, in brackets, or with the port.
_HOP: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}|([0-9A-Fa-f:.]+)", re.ASCII)


class ClientAddresses:
    """Finds the client's address; `trusted` are the networks of proxies whose `X-Forwarded-For` is believed."""

    def __init__(self, trusted: Collection[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def of(self, scope: Scope, headers: HeaderValues) -> str:
        """The leftmost address that a trusted proxy has written.

        Every proxy appends the address of its peer; what is to the left of it is that peer's claim. So the list is
        read from the right for as long as the writer of an entry is trusted.
        """
        client = scope.get("client")
        peer: str = client[0] if client else _UNKNOWN
        if not self._trusted:
            return peer
        address = _address(peer)
        if address is None or not self._is_trusted(address):
            return peer
        for hop in reversed(",".join(headers.get("x-forwarded-for", ())).split(",")):
            claimed = _hop_address(hop.strip())
            if claimed is None:
                return peer
            address = claimed
            if not self._is_trusted(address):
                break
        return str(address)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _hop_address(hop: str) -> IPv4Address | IPv6Address | None:
    match = _HOP.fullmatch(hop)
    return None if match is None else _address(match[1] or match[2] or match[3])


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows an IPv4 peer as an IPv6 address.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
