"""The wheel in its own environment: exact pins, with GraphiQL, without Node."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from graph import __version__
from tests.setup.checkout import (
    OLDEST_PIP,
    bare_environment,
    bare_path,
    copy_to,
    installed,
    locked,
    old_pip,
    page,
    run,
    started,
    with_uv,
)
from tests.tools import ROOT, require_tool

# The oldest supported pip and a current one, whose resolvers differ.
PIPS = (OLDEST_PIP, "26.3")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `make wheel` builds, with GraphiQL's files from here if they are here, or else from npm."""
    folder, page = copy_to(tmp_path_factory.mktemp("source") / "checkout"), Path("explorer", "node_modules")
    if (ROOT / page).is_dir():
        shutil.copytree(ROOT / page, folder / page, symlinks=True)
    else:
        require_tool("npm", present=shutil.which("npm") is not None, how="on Debian `apt-get install npm`")
    # With uv, which is faster; what pip alone installs is for the tests of the first commands.
    programs = f"{os.environ['PATH']}{os.pathsep}{with_uv(tmp_path_factory.mktemp('uv'))}"
    made = run(folder, bare_environment(programs), "make", "wheel")
    assert made.returncode == 0, made.stdout + made.stderr
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module", params=PIPS)
def python(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    wheel: Path,
    offered_newer: dict[str, str],
) -> Path:
    """The Python of an environment with only the wheel, with newer releases in the index."""
    variables = bare_environment(os.environ["PATH"], **offered_newer)
    made = old_pip(tmp_path_factory.mktemp("wheel") / "venv", variables, request.param)
    result = run(made.parent, variables, str(made), "-m", "pip", "install", "--quiet", str(wheel))
    assert result.returncode == 0, result.stderr
    return made


def test_an_installation_from_an_index_is_as_exact_as_the_lock(python: Path) -> None:
    expected = locked(ROOT / "requirements-runtime.lock")
    assert {
        name: version for name, version in installed(python).items() if name not in ("konagraph", "setuptools")
    } == expected


# Once: it takes seconds, and pip's version changes nothing about it.
@pytest.mark.parametrize("python", PIPS[-1:], indirect=True)
def test_the_bill_of_materials_is_what_is_installed(python: Path, tmp_path: Path) -> None:
    # The way of `make sbom` and of the image.
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "Dockerfile")]
    (options,) = {found for text in texts for found in re.findall(r"cyclonedx-py environment ([^/.]*) \S+", text)}
    made = run(
        tmp_path, os.environ, f"{sys.prefix}/bin/cyclonedx-py", "environment", *options.split(), str(python)
    )
    assert made.returncode == 0, made.stderr
    components: dict[str, str] = {
        canonicalize_name(one["name"]): one["version"] for one in json.loads(made.stdout)["components"]
    }
    assert components.pop("pip")
    assert components == installed(python)
    assert components["konagraph"] == __version__


def test_the_command_runs_from_any_folder_and_shows_graphiql_without_node(python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    environment = bare_environment(bare_path(tmp_path / "bin"))
    command = (str(python.parent / "konagraph"), "dev", "--port", "0")
    with started(folder, environment, tmp_path, *command) as gateway:
        url = gateway.wait_for("konagraph answers on ").split()[3]
        assets = re.findall(r'(?:src|href)="(/[^"]+)"', page(url))
        assert len(assets) == 8
        for asset in assets:
            assert page(url.removesuffix("/graphql") + asset)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["graph", "schema"])
def test_a_foreign_package_of_the_same_name_is_named(python: Path, tmp_path: Path, name: str) -> None:
    foreign = tmp_path / f"{name}.py"
    foreign.write_text("class Schema: ...\n")
    variables = bare_environment(os.environ["PATH"], PYTHONPATH=str(tmp_path))
    result = run(tmp_path, variables, str(python.parent / "konagraph"), "--version")
    assert result.returncode == 1
    expected = f"konagraph's package '{name}' is hidden by another one of that name ({foreign}). "
    assert result.stderr.startswith(expected)
    assert "Traceback" not in result.stderr


def test_a_checkout_without_its_dependencies_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError(name='click')\n")
    variables = bare_environment(os.environ["PATH"], PYTHONPATH=str(tmp_path))
    result = run(ROOT, variables, sys.executable, "-m", "graph", "dev")
    assert result.returncode == 1
    assert f"konagraph's dependencies are not installed for {sys.executable}: click is missing." in result.stderr
    assert "`make dev`" in result.stderr
    assert "Traceback" not in result.stderr
