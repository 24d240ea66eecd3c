"""A clean copy of the project, and commands in it on a machine with little more than Python and make."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECONDS: Final = 900
OLDEST_PIP: Final = "23.0.1" if sys.version_info < (3, 12) else "23.2.1"
"""The oldest pip that is supported, or the oldest that runs on this Python."""

_PROGRAMS: Final = ("sh", "make", "dirname", "curl", "grep", "sed")
_NOT_COPIED: Final = (
    ".git", ".venv*", ".peers", "node_modules", "__pycache__", ".*_cache", ".hypothesis", ".coverage*", "dist",
    ".konagraph",
)  # fmt: skip
_PAUSE: Final = 0.1


def copy_to(folder: Path) -> Path:
    """The files of a clone, in a new folder."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    return folder


def bare_path(folder: Path, *more: str) -> str:
    """A PATH with Python, make, a shell and `more` programs: neither npm nor uv."""
    folder.mkdir()
    (folder / "python3").symlink_to(Path(getattr(sys, "_base_executable", sys.executable)))
    for name in (*_PROGRAMS, *more):
        program = shutil.which(name)
        assert program is not None, name
        (folder / name).symlink_to(program)
    return str(folder)


def with_uv(folder: Path) -> Path:
    """The folder, with uv in it and nothing else of this environment."""
    (folder / "uv").symlink_to(Path(sys.prefix) / "bin" / "uv")
    return folder


def bare_environment(path: str, **variables: str) -> dict[str, str]:
    """The environment of a command: this machine's package index, and none of our settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KONA", "MAKE", "MFLAGS", "VIRTUAL"))
    }
    # Compiling thousands of files that nobody imports would take longer than all else.
    return {**kept, "PATH": path, "PIP_COMPILE": "0", **variables}


def run(folder: Path, environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a checkout."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


class Started:
    """A gateway that a command has started."""

    def __init__(self, process: subprocess.Popen[str], output: Path, errors: Path) -> None:
        self._process = process
        self._output = output
        self._errors = errors

    @property
    def printed(self) -> str:
        """Its standard output so far."""
        return self._output.read_text(encoding="utf-8")

    @property
    def said(self) -> str:
        """Its standard error so far."""
        return self._errors.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> str:
        """The line of its output that begins with `text`; fails if the process ends first."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            ended = self._process.poll() is not None
            for line in self.printed.splitlines():
                if line.startswith(text):
                    return line
            assert not ended, self.printed + self.said
            time.sleep(_PAUSE)
        raise AssertionError(f"{text!r} never came: {self.printed}{self.said}")


@contextlib.contextmanager
def started(folder: Path, environment: Mapping[str, str], scratch: Path, *command: str) -> Iterator[Started]:
    """Run a server command, and stop it."""
    output, errors = scratch / "output", scratch / "errors"
    with output.open("w") as out, errors.open("w") as err:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err, text=True)
        with process:
            try:
                yield Started(process, output, errors)
            finally:
                process.terminate()


def page(url: str) -> str:
    """The page or an asset, as a browser gets it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers={"Accept": "text/html"}), timeout=SECONDS) as answer:  # noqa: S310
        return str(answer.read().decode())


def locked(lock: Path) -> dict[str, str]:
    """The packages of a lock file for this machine."""
    lines = [line.rstrip(" \\") for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line]
    pins = [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def installed(python: Path) -> dict[str, str]:
    """The installed packages, except pip."""
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"],
        capture_output=True, check=True, timeout=SECONDS,
    )  # fmt: skip
    return {
        canonicalize_name(one["name"]): one["version"] for one in json.loads(listed.stdout) if one["name"] != "pip"
    }


def old_pip(folder: Path, variables: dict[str, str], version: str = OLDEST_PIP) -> Path:
    """The Python of a new environment with a given pip and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=SECONDS)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python))
    made = run(folder, variables, *pip, "install", "--quiet", "--no-deps", f"pip=={version}")
    assert made.returncode == 0, made.stderr
    return python
