"""The container files, checked as far as that goes without building anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from graph.settings import Settings
from tests.tools import ROOT

TOOLS = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
SERVICES = YAML(typ="safe").load(COMPOSE)["services"]


def run(*command: str) -> str:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_the_compose_file_follows_its_specification() -> None:
    assert "" == run(str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_dockerfile_follows_good_practice() -> None:
    # DL3006 wants a tag where the image is an argument that has one.
    assert "" == run(str(TOOLS / "hadolint"), "--ignore", "DL3006", str(ROOT / "Dockerfile"))


@pytest.mark.parametrize("service", ["gateway", "sandbox"])
def test_a_service_is_confined(service: str) -> None:
    definition = SERVICES[service]
    assert definition["read_only"] is True
    assert ["ALL"] == definition["cap_drop"]
    assert ["no-new-privileges:true"] == definition["security_opt"]


def test_the_gateway_of_the_compose_file_is_reachable_from_this_machine_only() -> None:
    assert ["127.0.0.1:8000:8000"] == SERVICES["gateway"]["ports"]
    assert "ports" not in SERVICES["sandbox"]


def test_every_variable_of_the_compose_file_is_a_setting() -> None:
    given = SERVICES["gateway"]["environment"]
    assert {name.removesuffix("_FILE").lower() for name in given} <= Settings.model_fields.keys()


def test_the_image_does_not_run_as_root() -> None:
    users = [
        line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:5] == "USER "
    ]
    assert ["USER 10001"] == users
