"""README's first command on a bare machine: exact, reported step by step, and repeated when necessary."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from scripts.steps import SetupError, run_step
from tests.setup.checkout import SECONDS, bare_environment, installed, locked, old_pip, run, started
from tests.setup.newer_index import NEWER, VERSION, wheel
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tests.setup.conftest import FirstStart

NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
WITH_AN_EXTRA = ("pytest-cov", "coverage", "pytest", "pluggy", "iniconfig", "packaging", "pygments")
NEEDS_NO_OTHER = ("packaging", "pluggy")
STEP = re.compile(r"  \S.* \.\.\. \d+\.\d s")


class OldestPip(NamedTuple):
    """An environment with the oldest pip, a lock to install, and the variables for it."""

    python: Path
    lock: Path
    environment: dict[str, str]

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Install the lock."""
        exactly = ("--require-hashes", "--only-binary", ":all:", "-r", str(self.lock))
        command = (str(self.python), "-m", "pip", "install", *options, *exactly)
        return run(self.lock.parent, self.environment, *command)


def part_of(lock: Path, names: Collection[str]) -> str:
    """Only these packages of a lock file."""
    blocks = re.findall(r"^[^ ].*==(?:.*\\\n)+.*\n", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return "".join(block for block in blocks if block.split("==")[0] in names)


def environment(checkout: FirstStart, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ("python3", "-m", "scripts.environment", *arguments)
    return run(checkout.folder, {**checkout.environment, **variables}, *command)


def test_the_runtime_environment_is_the_runtime_lock_though_newer_releases_are_offered(
    first_start: FirstStart,
) -> None:
    expected = locked(ROOT / "requirements-runtime.lock")
    assert NEWER[0] in expected
    assert installed(first_start.folder / ".venv" / "bin" / "python") == expected


def test_each_step_is_told_with_its_time_and_nothing_that_worries(first_start: FirstStart) -> None:
    lines = first_start.said.splitlines()
    first, *steps = lines[:4]
    assert first.startswith("Setting up .venv for Python 3.")
    assert [step for step in steps if not STEP.fullmatch(step)] == []
    assert lines[4:5] == ["Going on without explorer: npm is missing (`make doctor` says how to get it)."]
    assert not re.search(r"warning|deprecat|notice", first_start.said, re.IGNORECASE)


def test_a_second_start_installs_nothing_and_needs_no_network_even_if_the_folder_has_moved(
    first_start: FirstStart, tmp_path: Path
) -> None:
    moved = first_start.folder.rename(first_start.folder.with_name("moved"))
    try:
        with started(moved, {**first_start.environment, **NO_NETWORK}, tmp_path, "make", "dev") as gateway:
            gateway.wait_for("konagraph answers on http://")
            assert "Setting up" not in gateway.said
            assert " ... " not in gateway.said
    finally:
        moved.rename(first_start.folder)


@pytest.fixture(scope="module")
def oldest_pip(tmp_path_factory: pytest.TempPathFactory, offered_newer: dict[str, str]) -> OldestPip:
    """The oldest pip, and those packages of the development lock among which one wants another with an extra."""
    folder = tmp_path_factory.mktemp("oldest")
    lock = folder / "lock"
    lock.write_text(part_of(ROOT / "requirements.lock", WITH_AN_EXTRA))
    environment = bare_environment(os.environ["PATH"], **offered_newer)
    return OldestPip(old_pip(folder / "venv", environment), lock, environment)


def test_the_old_way_of_installing_would_have_failed(oldest_pip: OldestPip) -> None:
    # Otherwise the index of these tests would be pointless.
    result = oldest_pip.install("--dry-run", "--ignore-installed")
    assert result.returncode != 0
    assert f"coverage-{VERSION}" in result.stderr


def test_the_oldest_pip_installs_what_the_old_way_did_not(oldest_pip: OldestPip) -> None:
    # `make fresh` has it install the whole lock.
    result = oldest_pip.install("--no-deps", "--quiet")
    assert result.returncode == 0, result.stderr
    assert locked(oldest_pip.lock) == installed(oldest_pip.python)
    assert set(WITH_AN_EXTRA) <= locked(oldest_pip.lock).keys()


@pytest.fixture(scope="module")
def build_lock(first_start: FirstStart) -> Path:
    """The checkout's lock for building, cut down to two packages: `tests/setup/test_wheel.py` installs all."""
    lock = first_start.folder / "requirements-build.lock"
    lock.write_text(part_of(lock, NEEDS_NO_OTHER))
    assert locked(lock).keys() == set(NEEDS_NO_OTHER)
    return lock


def test_an_interrupted_set_up_is_made_anew(first_start: FirstStart, build_lock: Path) -> None:
    python = first_start.folder / ".venv-build" / "bin" / "python"
    (first_start.folder / ".venv-build" / ".installed.json").unlink(missing_ok=True)
    command = ("python3", "-m", "scripts.environment", "build")
    with subprocess.Popen(
        command, cwd=first_start.folder, env=first_start.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        while "Installing" not in said:
            said += process.stderr.read(1)
            assert process.poll() is None, said
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) != 0
    result = environment(first_start, "build")
    assert (result.returncode, "Setting up .venv-build" in result.stderr) == (0, True), result.stderr
    assert locked(build_lock) == installed(python)


def test_a_changed_lock_makes_the_environment_anew_without_what_left_it(
    first_start: FirstStart, build_lock: Path, tmp_path: Path
) -> None:
    assert environment(first_start, "build").returncode == 0
    python = first_start.folder / ".venv-build" / "bin" / "python"
    gone = wheel(tmp_path, "gone", "1")
    install = (str(python), "-m", "pip", "install", "--quiet", "--no-index", str(gone))
    assert run(tmp_path, first_start.environment, *install).returncode == 0
    build_lock.write_text(build_lock.read_text() + "# changed\n")
    result = environment(first_start, "build")
    assert (result.returncode, "its lock has changed" in result.stderr) == (0, True), result.stderr
    assert locked(build_lock) == installed(python)


def test_without_a_network_the_first_set_up_says_so_and_leaves_nothing_that_looks_done(
    first_start: FirstStart,
) -> None:
    lock = first_start.folder / "tests" / "outside" / "requirements.lock"
    lock.write_text(lock.read_text().partition("\naiosignal")[0] + "\n")
    result = environment(first_start, "outside", **NO_NETWORK, PIP_RETRIES="0", PIP_NO_CACHE_DIR="1")
    assert result.returncode == 1
    assert "failed" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (first_start.folder / ".venv-outside" / ".installed.json").exists()


def test_a_step_that_never_ends_is_ended_with_its_children_and_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = (
        "import subprocess; p = subprocess.Popen(['sleep', '60']); open('pid', 'w').write(str(p.pid)); p.wait()"
    )
    with pytest.raises(SetupError, match=r"no end after 2 s. Is the network, or the proxy, slow or blocked\?"):
        run_step("Waiting", [sys.executable, "-c", child], 2, tmp_path)
    assert capsys.readouterr().err == "  Waiting ... failed\n"
    number = int((tmp_path / "pid").read_text())
    # Ended, or not even that; another process may have its number by now.
    command = run(tmp_path, {}, "/bin/sh", "-c", f"cat /proc/{number}/cmdline || true").stdout
    assert not command.startswith("sleep")
