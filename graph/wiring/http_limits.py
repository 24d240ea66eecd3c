"""Settings of the HTTP side: the forms of those that name hosts and networks, and the bounds of a connection."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from graph.config.types import Number
from graph.http.client_address import Network
from graph.http.cors import is_header, is_origin
from graph.server.authority import read_authority
from graph.server.limits import HttpLimits

if TYPE_CHECKING:
    from graph.config.settings import Settings


def _hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    # What is beyond ASCII is no host, with or without a question mark in its place.
    hosts = [read_authority(host.encode("ascii", errors="replace")) for host in _words(value)]
    if not hosts or None in hosts:
        raise ValueError("must be a list of names such as api.example or api.example:8443")
    return frozenset(host.text for host in hosts if host is not None)


def _origins(value: object) -> object:
    if not isinstance(value, str):
        return value
    origins = _words(value)
    # No `*`, and no `null`, which every sandboxed frame has: whom to trust has to be said.
    if not origins or not all(is_origin(origin) for origin in origins):
        raise ValueError("must be a list of origins as browsers write them, such as https://app.example")
    return frozenset(origins)


def _headers(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = _words(value.lower())
    if not names or not all(is_header(name) for name in names):
        raise ValueError("must be a list of names of headers such as x-app-version")
    return frozenset(names)


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        networks = tuple(ip_network(network) for network in _words(value))
    except ValueError:
        networks = ()
    if not networks:
        # Outside of `except`: the message of that error repeats the text.
        raise ValueError("must be a list of addresses or networks such as 10.0.0.0/8")
    return networks


def _words(value: str) -> list[str]:
    return value.replace(",", " ").split()


Hosts = Annotated[frozenset[bytes], BeforeValidator(_hosts)]
HeaderNames = Annotated[frozenset[str], BeforeValidator(_headers)]
OriginSet = Annotated[frozenset[str], BeforeValidator(_origins)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
IdleSeconds = Annotated[Number, Field(gt=0, le=3600)]


def http_limits(settings: Settings) -> HttpLimits:
    """The bounds of a connection."""
    return HttpLimits(
        header_bytes=settings.konagraph_max_header_bytes,
        headers=settings.konagraph_max_headers,
        url_bytes=settings.konagraph_max_url_bytes,
        header_timeout=settings.konagraph_header_timeout,
        body_timeout=settings.konagraph_body_timeout,
        write_timeout=settings.konagraph_write_timeout,
        keepalive=settings.konagraph_keepalive,
        allowed_hosts=settings.konagraph_allowed_hosts,
        fixed_hosts=settings.konagraph_auth == "none",
    )


def admin_limits(settings: Settings) -> HttpLimits:
    """The bounds of a connection to the admin port, which asks nobody for credentials."""
    return HttpLimits(allowed_hosts=settings.konagraph_allowed_hosts, fixed_hosts=True)
