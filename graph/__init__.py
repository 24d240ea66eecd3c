"""The machine behind the schema: endpoint, execution, loaders, the Konaplate client and its sandbox."""

from typing import Final

APPLICATION: Final = "konagraph"
"""Whose package this is; `graph` is a name that others use, too."""


class DeclarationError(ValueError):
    """A declaration contradicts itself or another one. The message, one line, says which; nothing starts."""


__version__ = "0.1.0"
