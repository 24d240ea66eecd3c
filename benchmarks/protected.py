"""What makes a caller of the gateway a member with budgets: a token, and the settings that accept it."""

from __future__ import annotations

import atexit
import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.viewer import EVERY_SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping

# High enough for a run; every check is made all the same.
_BUDGETS: Final = {
    "KONAGRAPH_REQUEST_RATE": "1000000",
    "KONAGRAPH_REQUEST_BURST": "1000000",
    "KONAGRAPH_COST_BURST": "20000000",
    "KONAGRAPH_CARDS_PER_MINUTE": "1000000",
}
_LIFETIME: Final = 3600


@dataclass(frozen=True, slots=True)
class Protection:
    """Settings of the gateway, and the caller's `Authorization` header."""

    settings: Mapping[str, str]
    authorization: str


@functools.cache
def protection() -> Protection:
    """One caller for the whole run; its key is gone when the run is."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    signer = DevelopmentSigner.in_directory(Path(folder.name))
    token = signer.token("benchmark", scopes=sorted(EVERY_SCOPE), lifetime=_LIFETIME)
    return Protection({**signer_settings(Path(folder.name)), **_BUDGETS}, f"Bearer {token}")
