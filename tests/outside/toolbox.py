"""Runs tools from the environment that `make test` creates."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT: Final = ROOT / ".venv-outside"
_SECONDS: Final = 60


def run_tool(name: str, *arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in a folder that is also its home, so that it leaves nothing behind."""
    _require(name)
    # No other variables: they could route the tool through a proxy.
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "NO_COLOR": "1",
        **variables,
    }
    return subprocess.run(
        [ENVIRONMENT / "bin" / name, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def tool_file(name: str, path: str) -> Path:
    """A file of a tool's package."""
    _require(name)
    return next(ENVIRONMENT.glob(f"lib/python*/site-packages/{name}/{path}"))


def _require(name: str) -> None:
    # The marker, because an interrupted installation also leaves programs behind.
    require_tool(name, present=(ENVIRONMENT / ".installed.json").exists(), how="`make test` installs it")
