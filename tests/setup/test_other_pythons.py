"""Other Python versions that README promises, if installed: the gateway sets up, starts and answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.setup.checkout import bare_environment, bare_path, copy_to, page, started, with_uv

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMISED: Final = ((3, 11), (3, 12), (3, 13), (3, 14))
OTHERS: Final = [version for version in PROMISED if version != sys.version_info[:2]]


def interpreters(name: str) -> Iterator[Path]:
    """Paths where a Python version may be: on the PATH, or in pyenv."""
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path)
    yield from sorted(
        (Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions").glob(f"*/bin/{name}")
    )


@pytest.mark.parametrize("version", OTHERS, ids=lambda version: ".".join(map(str, version)))
def test_another_python_sets_up_starts_and_answers(version: tuple[int, int], tmp_path: Path) -> None:
    name = f"python{version[0]}.{version[1]}"
    # A pyenv shim exists even if its Python is not installed.
    check = ["-c", "import ensurepip, ssl, venv"]
    usable = [
        path
        for path in interpreters(name)
        if subprocess.run([path, *check], capture_output=True, check=False).returncode == 0
    ]
    if not usable:
        pytest.skip(f"{name} is not on this machine")
    path = bare_path(tmp_path / "bin")
    # Where there is uv it installs, and faster; the other tests of the set-up have pip alone.
    with_uv(tmp_path / "bin")
    environment = bare_environment(path, PYTHON=str(usable[0]), PORT="0")
    with started(copy_to(tmp_path / "checkout"), environment, tmp_path, "make", "dev") as gateway:
        url = gateway.wait_for("konagraph answers on ").split()[3]
        assert f"for Python {version[0]}.{version[1]}." in gateway.said
        assert " with uv ... " in gateway.said
        assert "explorer" in page(url)
