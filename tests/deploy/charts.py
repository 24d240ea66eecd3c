"""The Helm chart, rendered by Helm itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from tests.outside.toolbox import run_tool, tool_file
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

CHART: Final = ROOT / "deploy" / "helm" / "konagraph"
EXAMPLE: Final = ROOT / "deploy" / "helm" / "example.yaml"
VALUES: Final = YAML(typ="safe").load(CHART / "values.yaml")

_RENDER: Final = """\
import json, sys
import helm_python as helm
with helm.Chart.load(sys.argv[1]) as chart:
    print(json.dumps(chart.render(json.loads(sys.argv[2]), name="konagraph", namespace="konagraph")))
"""
_LINT: Final = """\
import json, sys
import helm_python as helm
print(json.dumps(helm.lint(sys.argv[1])))
"""


def refusal(folder: Path, values: dict[str, Any]) -> str:
    """What Helm says of values that it does not accept."""
    done = _helm(folder, _RENDER, json.dumps(values))
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1]


def rendered(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    """The manifests by kind; a kind that is left out is missing."""
    texts = _answer(folder, _RENDER, json.dumps(values))
    found = [YAML(typ="safe").load(text) for name, text in texts.items() if name.endswith(".yaml")]
    return {document["kind"]: document for document in found if document}


def findings(folder: Path) -> list[dict[str, Any]]:
    """What `helm lint` finds."""
    answer = _answer(folder, _LINT)
    assert answer["errors"] == []
    messages: list[dict[str, Any]] = answer["messages"]
    return messages


def _answer(folder: Path, program: str, *arguments: str) -> Any:
    done = _helm(folder, program, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _helm(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        tool_file("helm_python", "__init__.py")
    except StopIteration:
        require_tool("Helm", present=False, how="its package has no file for this machine")
    return run_tool("python", "-c", program, str(CHART), *arguments, folder=folder)
