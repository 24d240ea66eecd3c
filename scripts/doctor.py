"""Lists what this machine lacks to run konagraph, GraphiQL and the tests, and how to install it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

from scripts.steps import is_supported, version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OLDEST_NODE: Final = 18
_BOUND: Final = 20


class Need(NamedTuple):
    """A requirement of a command."""

    name: str
    found: str | None
    debian: str
    """Debian's packages."""
    homebrew: str
    """Homebrew's packages; empty if it has none."""


def main() -> None:
    """Print what is installed and what is missing; exit with 1 if konagraph could not start."""
    print(f"Python {version()} ({sys.executable})")
    missing = _tell("to start the gateway (make dev)", _to_start())
    _tell("for GraphiQL, and for the tests with JavaScript clients", _node())
    _tell("for every test (make test skips the others)", _for_tests())
    sys.exit(1 if missing else 0)


def _tell(purpose: str, needs: Iterator[Need]) -> bool:
    print(f"\nNeeded {purpose}:")
    missing = []
    for need in needs:
        print(f"  {'ok     ' if need.found else 'MISSING'}  {need.name}{f' ({need.found})' if need.found else ''}")
        if not need.found:
            missing.append(need)
    if missing:
        print(f"  Debian, Ubuntu: apt-get install --no-install-recommends {_packages(missing, 'debian')}")
        print(f"  macOS: brew install {_packages(missing, 'homebrew')}")
    return bool(missing)


def _packages(needs: list[Need], system: str) -> str:
    return " ".join(dict.fromkeys(filter(None, (getattr(need, system) for need in needs))))


def _to_start() -> Iterator[Need]:
    yield Need("Python 3.11 to 3.14", version() if is_supported() else None, "python3", "python@3.13")
    usable = find_spec("venv") is not None and find_spec("ensurepip") is not None
    yield Need("Python's venv and ensurepip", "found" if usable else None, "python3-venv", "python@3.13")
    # Certificates in a directory are loaded on demand and not counted.
    paths = ssl.get_default_verify_paths()
    trusts = ssl.create_default_context().cert_store_stats()["x509_ca"] or paths.capath
    yield Need("certificates of authorities", "found" if trusts else None, "ca-certificates", "ca-certificates")
    yield _program("make", "make", "make")
    yield _program("git", "git", "git")
    yield _program("curl", "curl", "curl")


def _node() -> Iterator[Need]:
    node = _version("node")
    recent = node is not None and int(node.lstrip("v").partition(".")[0]) >= _OLDEST_NODE
    yield Need(f"Node.js {_OLDEST_NODE} or newer", node if recent else None, "nodejs", "node")
    yield _program("npm", "npm", "node", _version)


def _for_tests() -> Iterator[Need]:
    for program, debian, homebrew in (
        ("chromium", "chromium", "--cask chromium"),
        ("chromedriver", "chromium-driver", "--cask chromedriver"),
        ("openssl", "openssl", "openssl"),
        ("wrk", "wrk", "wrk"),
        ("redis-server", "redis-server", "redis"),
        ("haproxy", "haproxy", "haproxy"),
        ("promtool", "prometheus", "prometheus"),
        ("systemd-analyze", "systemd", ""),
        ("logrotate", "logrotate", "logrotate"),
        ("zsh", "zsh", "zsh"),
        ("fish", "fish", "fish"),
    ):
        yield _program(program, debian, homebrew)


def _program(name: str, debian: str, homebrew: str, find: Callable[[str], str | None] = shutil.which) -> Need:
    return Need(name, find(name), debian, homebrew)


def _version(program: str) -> str | None:
    """The version that a program prints; None if it is missing or does not start."""
    if shutil.which(program) is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=_BOUND
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


if __name__ == "__main__":
    main()
