"""Which client sends a request, as far as it is known: one of a fixed list of names and versions.

A client says so in headers, as Apollo's and other GraphQL clients do. Anybody can send any name, so only known
ones get into logs, metrics and spans.

Source: https://www.apollographql.com/docs/graphos/platform/insights/client-segmentation
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from graph.graphql.manifests import CLIENT, VERSION
from graph.redact import holds_card_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graph.header_values import HeaderValues

OTHER: Final = ("other",)
"""A client with a name that is not known."""
UNNAMED: Final = ("unnamed",)
"""Stands for no client where usage is counted."""
_KNOWN: Final = re.compile(f"{CLIENT}(?:@{VERSION})?", re.ASCII)
_NAMES: Final = ("apollographql-client-name", "graphql-client-name")
_VERSIONS: Final = ("apollographql-client-version", "graphql-client-version")


def is_client(text: str) -> bool:
    """Whether a string is the name of a client, with or without its version."""
    reserved = (*OTHER, *UNNAMED)
    return _KNOWN.fullmatch(text) is not None and not holds_card_number(text) and text not in reserved


class KnownClients:
    """The clients that requests are told apart by.

    Args:
        listed: names with a version, such as `web@1.4.0`, and names alone, which stand for all other versions.
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        self._listed = frozenset(listed)
        self._known: dict[str, tuple[str, ...]] = {}
        self.trust(())

    def trust(self, clients: Iterable[str]) -> None:
        """Set the clients that have manifests, which are known, too."""
        self._known = {client: (client,) for client in (*self._listed, *clients)}

    def of(self, headers: HeaderValues) -> tuple[str, ...]:
        """Return the client that the headers name; empty if they name none."""
        name, version = _first(headers, _NAMES), _first(headers, _VERSIONS)
        if not name:
            return ()
        known = self._known
        return (version and known.get(f"{name}@{version}")) or known.get(name) or OTHER


def client_of_request(stored: tuple[str, ...], named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the client of a request: of those that have stored its document, the named one.

    Args:
        stored: the clients that have the document in their manifests. They take precedence over the headers, which
            only say which of several it is.
        named: what the headers name.
    """
    return named if not stored or (named and named[0] in stored) else stored


def _first(headers: HeaderValues, names: tuple[str, str]) -> str | None:
    values = headers.get(names[0]) or headers.get(names[1])
    return values[0] if values else None
