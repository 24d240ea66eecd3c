"""The wheel is the same bytes wherever and whenever it is built, and says what it was built from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from graph.build_record import LOCK, NAME, BuildRecord
from hatch_build import _commit
from tests.setup.checkout import bare_environment, copy_to, run
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example", "-c", "commit.gpgsign=false")


def built(folder: Path, **variables: str) -> Path:
    """The wheel of a checkout that has GraphiQL's files."""
    page = ROOT / "explorer" / "node_modules"
    require_tool("GraphiQL's files", present=page.is_dir(), how="`make explorer`")
    linked = folder / "explorer" / "node_modules"
    if not linked.exists():
        linked.symlink_to(page)
    environment = bare_environment(os.environ["PATH"], **variables)
    made = run(folder, environment, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "wheels")
    assert made.returncode == 0, made.stderr
    (path,) = (folder / "wheels").glob("*.whl")
    return path


def copied_into_the_image(folder: Path) -> Path:
    """What the Dockerfile copies to the place where it builds the wheel."""
    stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").partition("AS build\n")[2].partition("\nFROM")[0]
    copies = re.findall(r"^COPY (?!--from)(.+) (\S+)$", stage, re.MULTILINE)
    full = copy_to(folder.with_name("whole"))
    for sources, target in copies:
        for source in sources.split():
            place = folder / (target if (full / source).is_dir() else source)
            place.parent.mkdir(parents=True, exist_ok=True)
            (full / source).rename(place)
    return folder


def touched(folder: Path, mode: int) -> Path:
    """The checkout, unpacked under another umask and long ago."""
    for path in folder.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mode)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return folder


def test_two_builds_have_one_digest(tmp_path: Path) -> None:
    here = copy_to(tmp_path / "here")
    there = touched(copied_into_the_image(tmp_path / "another" / "folder"), 0o077)
    first = built(here, SOURCE_COMMIT=COMMIT, PYTHONHASHSEED="1", TZ="Asia/Seoul")
    second = built(there, SOURCE_COMMIT=COMMIT, PYTHONHASHSEED="2", TZ="UTC")
    assert hashlib.sha256(first.read_bytes()).hexdigest() == hashlib.sha256(second.read_bytes()).hexdigest()
    with zipfile.ZipFile(first) as archive:
        record = BuildRecord(**json.loads(archive.read(f"graph/{NAME}")))
    assert record == BuildRecord(COMMIT, "sha256:" + hashlib.sha256((ROOT / LOCK).read_bytes()).hexdigest())
    dated = built(here, SOURCE_COMMIT=COMMIT, SOURCE_DATE_EPOCH="1700000000")
    with zipfile.ZipFile(dated) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {2023}


def test_the_commit_is_that_of_the_checkout_and_changes_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_tool("git", present=shutil.which("git") is not None, how="on Debian `apt-get install git`")
    monkeypatch.delenv("SOURCE_COMMIT", raising=False)
    assert _commit(tmp_path) == "unknown"
    file = tmp_path / "file"
    file.write_text("one")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*GIT, *words], cwd=tmp_path, check=True)
    head = subprocess.run([*GIT, "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    commit = head.stdout.strip()
    assert _commit(tmp_path) == commit
    file.write_text("two")
    assert _commit(tmp_path) == f"{commit}+changes"
    monkeypatch.setenv("SOURCE_COMMIT", "main")
    with pytest.raises(ValueError, match="40 digits"):
        _commit(tmp_path)
