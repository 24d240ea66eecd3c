"""The gateway: HTTP, GraphQL execution, the Konaplate client and its sandbox."""

from typing import Final

APPLICATION: Final = "konagraph"
"""Tells this package from others that are called `graph`, see `konagraph.py`."""


class DeclarationError(ValueError):
    """A declaration contradicts itself or another one. The message is one line."""


__version__ = "0.1.0"
