"""Where a run took place: without it no figure means anything."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from benchmarks.processes import Cores

_PACKAGES: Final = (
    "konagraph",
    "graphql-core",
    "strawberry-graphql",
    "aiodataloader",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "httpx",
    "httpcore",
    "msgspec",
    "orjson",
    "joserfc",
    "cryptography",
    "aiohttp",
    "httpx-aiohttp",
)


def describe(cores: Cores) -> dict[str, Any]:
    """Time, machine and versions."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "server_and_load_on_separate_cores": cores.separate,
        "load_average_at_start": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        # One version comes in builds of different speed.
        "python_build": f"{platform.python_build()[1]}, {'shared' if _is_shared() else 'static'} library",
        "wrk": _wrk_version(),
        "packages": _versions(),
    }


def _is_shared() -> bool:
    """Whether the interpreter is a library beside its program, as pyenv builds it and Debian does not."""
    return any("libpython" in line for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines())


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def _wrk_version() -> str:
    path = shutil.which("wrk")
    if path is None:
        return "missing"
    # It has no option for that; any wrong one makes it introduce itself.
    text = subprocess.run([path, "-v"], capture_output=True, text=True, check=False)
    return (text.stdout + text.stderr).split("[")[0].removeprefix("wrk").strip()


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def peers() -> dict[str, str]:
    """Versions of what the other servers are made of."""
    lock = Path(__file__).with_name("peers") / "package-lock.json"
    packages = orjson.loads(lock.read_bytes())["packages"]
    versions = {
        name: packages[f"node_modules/{name}"]["version"]
        for group in ("dependencies", "optionalDependencies")
        for name in packages[""][group]
    }
    for program, option in (("node", "--version"), ("nginx", "-v")):
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
        if path is not None:
            seen = subprocess.run([path, option], capture_output=True, text=True, check=False)
            versions[program] = (seen.stdout + seen.stderr).strip().removeprefix("nginx version: nginx/")
    return versions
