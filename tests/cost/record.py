"""The figures that requests are held to, for each minor version of Python.

`python -m tests.cost.record` renews them. Versions count differently: from 3.12 on a comprehension is no call.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.cost.counting import Cost, cost_of
from tests.cost.operations import OPERATIONS, settings_in

_FILE: Final = Path(__file__).with_name("recorded.json")
VERSION: Final = "{}.{}".format(*sys.version_info)


def recorded() -> dict[str, dict[str, Cost]]:
    """For each version the cost of each operation."""
    figures = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        version: {operation: Cost(*cost) for operation, cost in costs.items()}
        for version, costs in figures.items()
    }


def renew() -> dict[str, Cost]:
    """Count with this Python, and record what comes out."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        costs = {name: cost_of(operation, settings[name]) for name, operation in OPERATIONS.items()}
    figures = recorded() | {VERSION: costs}
    ordered = sorted(figures.items(), key=lambda one: [int(part) for part in one[0].split(".")])
    lines = [
        f"  {json.dumps(version)}: {{\n"
        + ",\n".join(f"    {json.dumps(name)}: {json.dumps(list(cost))}" for name, cost in costs.items())
        + "\n  }"
        for version, costs in ordered
    ]
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return costs


if __name__ == "__main__":
    for name, cost in renew().items():
        sys.stdout.write(
            f"{name}: {cost.python:g} calls of Python, {cost.c:g} of C, {cost.scheduled:g} scheduled; "
            f"{cost.own:g} in {cost.files} files of this project\n"
        )
