"""Static checks of the Dockerfile; `make containers` builds it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from graph.config.settings import Settings
from tests.tools import ROOT

DOCKERFILE = ROOT / "Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
# Continued lines are one instruction.
INSTRUCTIONS = TEXT.replace("\\\n", " ").splitlines()


def given(instruction: str) -> list[str]:
    return [line.removeprefix(f"{instruction} ") for line in INSTRUCTIONS if line.startswith(f"{instruction} ")]


def test_the_dockerfile_follows_good_practice() -> None:
    # DL3006 wants a tag although the image is an argument with a tag.
    command = [str(Path(sys.executable).parent / "hadolint"), "--ignore", "DL3006", str(DOCKERFILE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_bases_are_arguments_with_a_tag() -> None:
    assert given("FROM") == ["${NODE} AS explorer", "${BASE} AS build", "${BASE}"]
    bases = dict(argument.split("=") for argument in given("ARG") if argument != "SOURCE_COMMIT=")
    assert list(bases) == ["BASE", "NODE"]
    assert all(re.fullmatch(r"\w+:\d[\w.-]+", image) for image in bases.values())


def test_only_locked_packages_are_installed_and_none_is_compiled() -> None:
    installs = re.findall(r"pip install [^&]*", " ".join(given("RUN")))
    wheel, *from_index = sorted(installs, key=lambda install: "/wheels/" not in install)
    assert "--no-index --no-deps" in wheel
    assert len(from_index) == 2
    for install in from_index:
        assert "--no-deps --require-hashes --only-binary :all:" in install
    assert re.findall(r"npm ci --ignore-scripts", " ".join(given("RUN"))) == ["npm ci --ignore-scripts"]


def test_the_image_does_not_run_as_root() -> None:
    assert given("USER") == ["10001"]
    assert INSTRUCTIONS.index("USER 10001") > INSTRUCTIONS.index("FROM ${BASE}")


def test_the_image_asks_the_admin_port_whether_it_is_alive() -> None:
    (check,) = given("HEALTHCHECK")
    ports = {str(Settings.model_fields[name].default) for name in ("konagraph_port", "konagraph_admin_port")}
    assert ports == set(given("EXPOSE")[0].split())
    assert f"http://127.0.0.1:{Settings.model_fields['konagraph_admin_port'].default}/livez" in check


def test_every_setting_of_the_image_is_one() -> None:
    names = set(re.findall(r"\b(KONA[A-Z_]+)=", " ".join(given("ENV"))))
    assert names == {"KONAGRAPH_HOST"}
    assert {name.lower() for name in names} <= Settings.model_fields.keys()


def test_nothing_but_what_is_needed_goes_into_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".git", ".venv", "tests", "**/node_modules", "**/__pycache__", ".konagraph"} <= set(ignored)
