"""Creates the environments of the Makefile's commands, exactly as the lock files say.

    python3 -m scripts.environment runtime --try explorer

Nothing is resolved: every lock file is complete, each package is installed without its dependencies and with its
hash checked, and `pip check` confirms that nothing is missing. So the result depends neither on the day nor on
pip's version. A current environment costs nothing; an interrupted or outdated one is created again.

Uses only the standard library, because it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from scripts.steps import SetupError, alone, check_python, run_step, say, version

ROOT: Final = Path(__file__).resolve().parents[1]
_PACKAGES_BOUND: Final = 600
_PAGE_BOUND: Final = 60
_MARKER: Final = ".installed.json"
_INSTALL: Final = ("--no-deps", "--require-hashes", "--only-binary", ":all:")
_LAUNCHER: Final = """\
#!/bin/sh
# Finds the interpreter beside itself, so that the folder may be moved.
exec "$(dirname -- "$0")/python" -P -m konagraph "$@"
"""


class Target(NamedTuple):
    """An environment: its folder and its lock files."""

    folder: str
    locks: tuple[str, ...]
    what: str = "its packages"
    bound: int = _PACKAGES_BOUND
    """Seconds for its slowest step."""


PYTHON_TARGETS: Final = {
    "runtime": Target(".venv", ("requirements-runtime.lock",)),
    "dev": Target(".venv", ("requirements-runtime.lock", "requirements.lock")),
    "build": Target(".venv-build", ("requirements-build.lock",)),
    "image": Target(".venv-image", ("requirements-runtime.lock",)),
    "outside": Target(".venv-outside", ("tests/outside/requirements.lock",)),
    "peers": Target(".peers/python", ("benchmarks/peers.txt",)),
}
NODE_TARGETS: Final = {
    "explorer": Target("explorer", ("explorer/package-lock.json",), "GraphiQL's files", _PAGE_BOUND),
    "clients": Target("tests/node", ("tests/node/package-lock.json",), "the clients of the tests"),
    "wallet-web": Target(
        "examples/wallet-web", ("examples/wallet-web/package-lock.json",), "the web wallet's packages"
    ),
    "wallet-mobile": Target(
        "examples/wallet-mobile", ("examples/wallet-mobile/package-lock.json",), "the mobile wallet's packages"
    ),
    "node-peers": Target(
        "benchmarks/peers", ("benchmarks/peers/package-lock.json",), "the servers to compare with"
    ),
}


def main() -> None:
    """Install the targets that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [*PYTHON_TARGETS, *NODE_TARGETS]
    parser.add_argument("targets", nargs="+", choices=names)
    parser.add_argument(
        "--try", dest="tried", action="append", choices=names, default=[], help="do without if it fails"
    )
    options = parser.parse_args()
    # Like Ctrl-C, so that the current step is stopped as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check_python()
        with alone(ROOT):
            for name in options.targets:
                install(name)
            for name in options.tried:
                try:
                    install(name)
                except SetupError as error:
                    say(f"Going on without {name}: {error}")
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the next command starts this set-up again.")


def install(name: str) -> None:
    """Bring a target up to date.

    Raises:
        SetupError: it cannot be installed.
    """
    if name in NODE_TARGETS:
        _install_node(NODE_TARGETS[name])
    else:
        _install_python(name, PYTHON_TARGETS[name])


def _install_python(name: str, target: Target) -> None:
    folder = ROOT / target.folder
    wanted = {lock: _digest(ROOT / lock) for lock in target.locks}
    state = _Marker(folder)
    # Only the interpreter of the runtime is used, which may move; other programs contain their folder's path.
    installed = state.locks(anywhere=name == "runtime") if (folder / "bin" / "python").exists() else {}
    if wanted.items() <= installed.items():
        return
    stale = [lock for lock, digest in installed.items() if digest != _digest(ROOT / lock)]
    # No marker until everything is installed, so that an interrupted environment is created again.
    state.remove()
    if stale or not installed:
        installed = {}
        say(f"Setting up {target.folder} for Python {version()}" + (": its lock has changed" if stale else ""))
        _make_environment(folder)
    for lock in target.locks:
        if lock not in installed:
            _install_lock(folder, lock, target.bound)
    run_step("Checking that they fit together", [_python(folder), "-m", "pip", "check"], target.bound, folder)
    if name in ("runtime", "dev"):
        _link_project(folder)
    state.write({**installed, **wanted})


def _make_environment(folder: Path) -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian leaves it out of python3
        import venv  # noqa: F401, PLC0415
    except ImportError:
        raise SetupError(
            f"{sys.executable} has no venv module. On Debian and Ubuntu: apt-get install python3-venv"
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
    # Not the interpreter of a virtual environment, which may be the one that was just removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    run_step("Making the virtual environment", [python, "-m", "venv", str(folder)], _PACKAGES_BOUND, ROOT)
    # Python 3.11 puts setuptools beside pip; no lock names it.
    subprocess.run(
        [_python(folder), "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"],
        capture_output=True, check=False, timeout=_PACKAGES_BOUND,
    )  # fmt: skip


def _install_lock(folder: Path, lock: str, bound: int) -> None:
    count = sum(1 for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if "==" in line)
    what = f"Installing the packages of {lock} ({count} at most)"
    arguments = [*_INSTALL, "--requirement", str(ROOT / lock)]
    uv = _working_uv()
    if uv:
        try:
            run_step(
                f"{what} with uv", [uv, "pip", "install", "--python", _python(folder), *arguments], bound, ROOT
            )
        except SetupError as error:
            say(f"uv failed, so pip does it. {error}")
        else:
            return
    pip = [_python(folder), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run_step(what, [*pip, *arguments], bound, ROOT)


def _working_uv() -> str | None:
    uv = shutil.which("uv")
    if uv is None:
        return None
    # A name on the PATH may be a pyenv shim without a program.
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, check=False, timeout=_PAGE_BOUND)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return uv if answer.returncode == 0 else None


def _link_project(folder: Path) -> None:
    """Make the checkout importable and install its command, both by relative paths."""
    (packages,) = folder.glob("lib/python*/site-packages")
    up = os.path.relpath(ROOT.resolve(), packages.resolve())
    (packages / "konagraph.pth").write_text(f"{up}\n", encoding="utf-8")
    launcher = folder / "bin" / "konagraph"
    launcher.write_text(_LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)


def _install_node(target: Target) -> None:
    folder = ROOT / target.folder
    wanted = {lock: _digest(ROOT / lock) for lock in target.locks}
    state = _Marker(folder / "node_modules")
    if state.locks(anywhere=True) == wanted:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError("npm is missing (`make doctor` says how to get it).")
    state.remove()
    with tempfile.TemporaryDirectory() as cache:
        # npm fails if it cannot write its cache.
        own = [] if os.access(Path.home(), os.W_OK) else ["--cache", cache]
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        command += ["--loglevel=error", "--logs-max=0", "--fetch-retries=1", "--fetch-timeout=20000", *own]
        run_step(f"Installing {target.what} from npm (at most {target.bound} s)", command, target.bound, folder)
    state.write(wanted)


class _Marker:
    """A file that records the installed locks of a folder, its Python and its path; written last."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _MARKER
        self._python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        self._place = str(folder)

    def locks(self, *, anywhere: bool) -> dict[str, str]:
        """The installed locks with their digests; `anywhere`: even if the folder was moved."""
        try:
            written: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            usable = written["python"] == self._python and (anywhere or written["place"] == self._place)
            return dict(written["locks"]) if usable else {}
        except (OSError, ValueError, LookupError, TypeError):
            return {}

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def write(self, locks: dict[str, str]) -> None:
        text = json.dumps({"python": self._python, "place": self._place, "locks": locks})
        self._path.write_text(text, encoding="utf-8")


def _python(folder: Path) -> str:
    return str(folder / "bin" / "python")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
