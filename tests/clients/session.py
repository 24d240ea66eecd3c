"""What an app brings along for the recipes of docs/clients.md: its first token has expired."""

from __future__ import annotations

import os

_tokens = ["expired"]


def token() -> str:
    """The current access token."""
    return _tokens[-1]


def refresh() -> None:
    """Get a new one."""
    _tokens.append(os.environ["TOKEN"])


def expire() -> None:
    """Go back to the first one."""
    del _tokens[1:]
