"""A release is signed and checked with the commands that the documents name."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

WHEEL: Final = "konagraph-0.1.0-py3-none-any.whl"
BILL: Final = "konagraph-0.1.0.cdx.json"
RELEASED: Final = (WHEEL, BILL, "SHA256SUMS", "SHA256SUMS.sig")


def blocks(document: str, heading: str) -> list[str]:
    """The commands below a heading of a document."""
    section = (ROOT / document).read_text(encoding="utf-8").partition(f"### {heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def shell(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-euc", commands], cwd=folder, capture_output=True, text=True, check=False)


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    (commands,) = blocks("docs/operations.md", "Check a release")
    return shell(folder, commands)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a release was signed; its digests are all that matters here."""
    for tool in ("openssl", "sha256sum"):
        require_tool(tool, present=shutil.which(tool) is not None, how=f"on Debian `apt-get install {tool}`")
    folder = tmp_path_factory.mktemp("dist")
    (folder / WHEEL).write_bytes(bytes(range(256)))
    (folder / BILL).write_text('{"components": []}')
    for commands in blocks("CONTRIBUTING.md", "Sign"):
        done = shell(folder, commands)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def received(signed: Path, tmp_path: Path) -> Path:
    """What an operator has of it."""
    for name in (*RELEASED, "konagraph-release.pub"):
        shutil.copy(signed / name, tmp_path)
    return tmp_path


def test_a_release_as_it_was_signed_is_good(received: Path) -> None:
    done = check(received)
    assert (done.returncode, done.stdout) == (0, f"Verified OK\n{WHEEL}: OK\n{BILL}: OK\n")


@pytest.mark.parametrize("name", RELEASED)
def test_a_file_with_a_changed_byte_fails(received: Path, name: str) -> None:
    file = received / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert check(received).returncode != 0


@pytest.mark.parametrize("name", RELEASED)
def test_a_missing_file_fails(received: Path, name: str) -> None:
    (received / name).unlink()
    assert check(received).returncode != 0


def test_a_changed_wheel_with_new_digests_fails(received: Path) -> None:
    (received / WHEEL).write_bytes(b"another wheel")
    assert shell(received, "sha256sum *.whl *.cdx.json >SHA256SUMS").returncode == 0
    done = check(received)
    assert done.returncode != 0
    assert f"{WHEEL}: OK" not in done.stdout


def test_the_signature_of_another_key_fails(received: Path) -> None:
    for commands in blocks("CONTRIBUTING.md", "Sign"):
        # The public key that the operator has is the first one's.
        assert shell(received, commands.replace("konagraph-release.pub", "other.pub")).returncode == 0
    assert check(received).returncode != 0


def test_the_key_is_for_its_owner_alone(signed: Path) -> None:
    assert (signed / "release.key").stat().st_mode & 0o777 == 0o600
