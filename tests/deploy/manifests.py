"""The Kubernetes manifests, as they are delivered and as kustomize renders them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from tests.outside.toolbox import run_tool
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BASE: Final = ROOT / "deploy" / "kubernetes" / "base"
EXAMPLE: Final = ROOT / "deploy" / "kubernetes" / "overlays" / "example"


def read(file: Path) -> Any:
    """The one document of a file."""
    return YAML(typ="safe").load(file)


def manifest(kind: str) -> Any:
    """A manifest of the base."""
    return read(BASE / f"{kind.lower()}.yaml")


def pod() -> Any:
    """The specification of the gateway's pods."""
    return manifest("Deployment")["spec"]["template"]["spec"]


def container() -> Any:
    """The gateway's container."""
    (only,) = pod()["containers"]
    return only


def variables() -> dict[str, str]:
    """The environment variables of the deployment itself."""
    return {entry["name"]: entry["value"] for entry in container()["env"]}


def example_variables() -> dict[str, str]:
    """The settings that the example overlay adds."""
    lines = (EXAMPLE / "settings.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def rendered(folder: Path, home: Path) -> list[Any]:
    """What `kubectl apply -k` would send."""
    output = run_tool("kubectl", "kustomize", str(folder), folder=home)
    # Deprecated fields are reported there.
    assert (output.returncode, output.stderr) == (0, "")
    return list(YAML(typ="safe").load_all(output.stdout))
