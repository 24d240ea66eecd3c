"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

PORT: Final = click.IntRange(0, 65_535)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)


def listens(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a gateway's address."""
    port = click.option("--port", type=PORT, help="Port to listen on (KONAGRAPH_PORT, else 8000).")
    host = click.option("--host", help="Address to listen on (KONAGRAPH_HOST, else 127.0.0.1).")
    return port(host(command))
