"""Where a run took place, and with what."""

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

from graph import __version__

if TYPE_CHECKING:
    from benchmarks.processes import Cores

_OURS: Final = ("graphql-core", "uvicorn", "uvloop", "httptools", "cryptography")
_PEERS: Final = ("strawberry-graphql", "httpx", "joserfc")


def describe(cores: Cores) -> dict[str, Any]:
    """Time and machine."""
    processor = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("model name")[2].partition("\n")[0]
    return {
        "time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": processor.partition(":")[2].strip() or platform.machine(),
        "cores": os.cpu_count(),
        "separate": cores.server != cores.load,
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"CPython {platform.python_version()}",
    }


def versions(*, peers: bool) -> dict[str, str]:
    """The versions of what the servers are made of."""
    names = (*_OURS, *(_PEERS if peers else ()))
    found = {"konagraph": __version__, **{name: metadata.version(name) for name in names}}
    if peers:
        lock = Path(__file__).with_name("peers") / "package-lock.json"
        packages = orjson.loads(lock.read_bytes())["packages"]
        found |= {name: packages[f"node_modules/{name}"]["version"] for name in packages[""]["dependencies"]}
        if shutil.which("node"):
            found["node"] = subprocess.check_output(["node", "--version"], text=True).strip()
    return found
