"""Adds GraphiQL's files, exact pins of all dependencies and the record of the build to the wheel.

With the pins, an installation from an index is as exact as one from the lock file: `pyproject.toml` pins direct
dependencies, `requirements-runtime.lock` indirect ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from graph.build_record import LOCK, NAME, UNKNOWN, BuildRecord, digest
from graph.http.graphiql_files import PAGE_FILES


class ApplicationHook(BuildHookInterface[Any]):
    """Adds files and dependencies to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's own signature
        """Add files and dependencies; `make wheel` downloads the files first."""
        root = Path(self.root)
        self._scratch = tempfile.TemporaryDirectory()
        record = Path(self._scratch.name) / NAME
        record.write_text(BuildRecord(_commit(root), digest(root / LOCK)).to_json(), encoding="utf-8")
        build_data["force_include"].update({**_page_files(root / "explorer"), str(record): f"graph/{NAME}"})
        direct = {canonicalize_name(Requirement(line).name) for line in self.metadata.core.dependencies}
        locked = _pins(root / LOCK)
        build_data["dependencies"] += [str(pin) for pin in locked if canonicalize_name(pin.name) not in direct]

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the file of the record."""
        self._scratch.cleanup()


def _commit(root: Path) -> str:
    """The commit of the checkout, or that of SOURCE_COMMIT where there is no git, as in the image's build."""
    given = os.environ.get("SOURCE_COMMIT", "")
    if given:
        if not re.fullmatch(r"[0-9a-f]{40}", given):
            raise ValueError("SOURCE_COMMIT must be the 40 digits of a commit")
        return given
    if not (root / ".git").exists():
        return UNKNOWN
    try:
        head, changes = (_git(root, *words) for words in (("rev-parse", "HEAD"), ("status", "--porcelain")))
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return f"{head}+changes" if changes else head


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()  # noqa: S603


def _page_files(explorer: Path) -> dict[str, str]:
    missing = [name for name in PAGE_FILES if not (explorer / name).is_file()]
    if missing:
        raise FileNotFoundError(f"explorer/{missing[0]} is missing: `make wheel` gets it from npm")
    packages = {explorer / "node_modules" / Path(name).parts[1] for name in PAGE_FILES if "/" in name}
    licences = [path.relative_to(explorer) for package in packages for path in package.glob("LICENSE*")]
    return {str(explorer / name): f"graph/explorer/{name}" for name in (*PAGE_FILES, *map(str, licences))}


def _pins(lock: Path) -> list[Requirement]:
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if "==" in line]
