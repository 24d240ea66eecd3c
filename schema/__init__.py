"""The GraphQL contract: types, scalars, errors, and the ports that an implementation must offer."""

from typing import Final

APPLICATION: Final = "konagraph"
"""Whose package this is; `schema` is a name that others use, too."""
