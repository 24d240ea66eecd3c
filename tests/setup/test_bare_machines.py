"""README's commands, word for word, in bare Debians with only the packages that README lists.

`make fresh` runs these, as root, for some minutes. The index has newer releases than the lock files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.setup.checkout import SECONDS, copy_to
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian's ensurepip installs the pip that it finds here.
WHEELS: Final = "usr/share/python-wheels"
WHOLE_SUITE: Final = 3600
ASK_UNTIL_ANSWERED: Final = """\
cd ~/konagraph || exit 1
{first} > ~/dev.log 2>&1 &
for _ in $(seq 600); do
  kill -0 $! 2>/dev/null || break
  (set -e
{query}
  ) 2>/dev/null && break
  sleep 0.2
done
cat ~/dev.log >&2
pkill -f 'konagraph dev' 2>/dev/null || kill $!
"""


class Machine(NamedTuple):
    """A bare root, and its properties."""

    suite: str
    user: str
    pip: str | None
    """None for Debian's own."""


MACHINES: Final = (
    Machine("bookworm", "reader", None),
    Machine("bookworm", "root", "23.2.1"),
    Machine("bookworm", "root", "newest"),
    Machine("trixie", "reader", None),
    Machine("trixie", "root", None),
)


def readme_block(title: str, language: str = "sh") -> str:
    """The first block of code below a heading of README."""
    found = re.search(rf"^## {title}\n.*?^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def readme_packages() -> str:
    """The Debian packages that README lists."""
    found = re.search(r"apt-get install --no-install-recommends ([\w. -]+)`", README)
    assert found is not None
    return found[1].strip().replace(" ", ",")


@pytest.fixture(scope="session")
def bare_roots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a root per suite."""
    require_tool("mmdebstrap", present=shutil.which("mmdebstrap") is not None, how="install Debian's mmdebstrap")
    require_tool("root", present=os.geteuid() == 0, how="run `make fresh` as root")
    folder = tmp_path_factory.mktemp("roots")
    for suite in dict.fromkeys(machine.suite for machine in MACHINES):
        include = f"--include={readme_packages()},curl,procps"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", include, suite, str(folder / suite)]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        subprocess.run(["chroot", folder / suite, "useradd", "--create-home", "reader"], check=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def prepare(root: Path, machine: Machine, variables: dict[str, str]) -> Path:
    """A clean checkout in the machine's home, with this machine's network settings."""
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    shutil.copy(CERTIFICATES, root / str(CERTIFICATES).lstrip("/"))
    home = root / ("root" if machine.user == "root" else "home/reader")
    shutil.rmtree(home / "konagraph", ignore_errors=True)
    copy_to(home / "konagraph")
    subprocess.run(["chroot", root, "chown", "-R", machine.user, str(home).removeprefix(str(root))], check=True)
    if machine.pip is not None:
        for old in (root / WHEELS).glob("pip-*.whl"):
            old.unlink()
        command = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(root / WHEELS)]
        subprocess.run(
            [*command, "pip" if machine.pip == "newest" else f"pip=={machine.pip}"],
            check=True,
            env={**os.environ, **variables},
            timeout=SECONDS,
        )
    return home


def inside(
    root: Path, user: str, script: str, variables: dict[str, str], seconds: int = SECONDS
) -> subprocess.CompletedProcess[str]:
    """The result of a script in a bare root."""
    kept = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "PIP_CERT": str(CERTIFICATES), **variables}
    enter = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        f"--mount-proc={root / 'proc'}",
        "chroot",
        str(root),
    ]
    command = [*enter, "su", user, "--shell", "/bin/sh", "--command", script]
    return subprocess.run(
        command, env=kept, capture_output=True, text=True, errors="replace", check=False, timeout=seconds
    )


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: "-".join(filter(None, machine)))
def test_the_first_command_and_the_first_query(
    bare_roots: Path, machine: Machine, offered_newer: dict[str, str]
) -> None:
    root = bare_roots / machine.suite
    prepare(root, machine, offered_newer)
    first = readme_block("Two commands").splitlines()[0].partition("#")[0].strip()
    assert first == "make dev"
    script = ASK_UNTIL_ANSWERED.format(
        first=first, query=readme_block("One query").replace("curl ", "curl -sf ", 1)
    )
    result = inside(root, machine.user, script, offered_newer)
    assert '"balance":182350' in result.stdout.replace(" ", ""), result.stdout + result.stderr
    assert not re.search(r"warning|traceback", result.stderr, re.IGNORECASE), result.stderr


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_the_second_command(bare_roots: Path, suite: str, offered_newer: dict[str, str]) -> None:
    root = bare_roots / suite
    prepare(root, Machine(suite, "reader", None), offered_newer)
    second = readme_block("Two commands").splitlines()[1].partition("#")[0].strip()
    assert second == "make test"
    result = inside(root, "reader", f"cd ~/konagraph && {second}", offered_newer, WHOLE_SUITE)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert re.search(r"^=* ?\d+ passed", result.stdout, re.MULTILINE)
