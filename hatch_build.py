"""Adds GraphiQL's files and exact pins of all dependencies to the wheel.

With the pins, an installation from an index is as exact as one from the lock file: `pyproject.toml` pins direct
dependencies, `requirements-runtime.lock` indirect ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from graph.http.graphiql_files import PAGE_FILES


class ApplicationHook(BuildHookInterface[Any]):
    """Adds files and dependencies to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's own signature
        """Add files and dependencies; `make wheel` downloads the files first."""
        root = Path(self.root)
        build_data["force_include"].update(_page_files(root / "explorer"))
        direct = {canonicalize_name(Requirement(line).name) for line in self.metadata.core.dependencies}
        locked = _pins(root / "requirements-runtime.lock")
        build_data["dependencies"] += [str(pin) for pin in locked if canonicalize_name(pin.name) not in direct]


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
